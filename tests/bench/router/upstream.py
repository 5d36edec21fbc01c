"""A bare asyncio server that answers every chat request with one canned stream.

It does as little as a server can, so that what is measured is the client. Run as a program it prints
its base URL. ``--chunks N`` sets the tokens of an answer; ``--flush each`` writes every chunk by itself,
as Groq does at speed, ``--flush all`` hands them over in one write.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys

MODEL = "openai/gpt-oss-120b"


def _chunk(delta: dict[str, str], *, finish: str | None = None, **extra: object) -> bytes:
    body = {
        "id": "chatcmpl-8f1c2a7e-0d7b-4a55-9d52-bench",
        "object": "chat.completion.chunk",
        "created": 1763800000,
        "model": MODEL,
        "system_fingerprint": "fp_bench",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }
    return f"data: {json.dumps(body | extra)}\n\n".encode()


def answer(chunks: int) -> list[bytes]:
    """The events of one answer of ``chunks`` tokens, as Groq sends them."""
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": chunks,
        "total_tokens": chunks + 20,
        "queue_time": 0.01,
    }
    first = _chunk({"role": "assistant", "content": ""}, x_groq={"id": "req_bench"})
    last = _chunk({}, finish="stop", x_groq={"id": "req_bench", "usage": usage}, usage=usage)
    return [first, *(_chunk({"content": f" word{n % 10}"}) for n in range(chunks)), last, b"data: [DONE]\n\n"]


async def serve(events: list[bytes], *, flush_each: bool) -> None:
    """Serve for ever, printing the base URL first."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    framed = [b"%x\r\n%s\r\n" % (len(event), event) for event in events]
    end = b"0\r\n\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", request)
                await reader.readexactly(int(length[1]) if length else 0)
                if not flush_each:
                    writer.write(head + b"".join(framed) + end)
                    await writer.drain()
                    continue
                writer.write(head)
                for piece in framed:
                    writer.write(piece)
                    await asyncio.sleep(0)
                writer.write(end)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/openai/v1", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Run the server until standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--flush", choices=("each", "all"), default="all")
    options = parser.parse_args()

    async def until_parent_ends() -> None:
        server = asyncio.create_task(serve(answer(options.chunks), flush_each=options.flush == "each"))
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        server.cancel()

    asyncio.run(until_parent_ends())


if __name__ == "__main__":
    main()
