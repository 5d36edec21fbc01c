"""A server that streams synthetic answers in Groq's shape at a set pace, and says when it sent what.

``python -m tests.bench.tui.feed SHAPE TOKENS RATE LOG`` prints its base URL. The first and the last token
of the first streamed answer are logged as ``tests.bench.tui`` wants them; other requests (titles,
``/models``) get a short answer that is not.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.tui.answers import tokens

_MODEL = {"id": "openai/gpt-oss-120b", "object": "model", "owned_by": "OpenAI", "active": True, "created": 0}
_USAGE = {"prompt_tokens": 10, "completion_tokens": 4000, "total_tokens": 4010}


class Feed:
    """Answers requests on kept connections."""

    def __init__(self, shape: str, count: int, rate: float, log: Path) -> None:
        self._shape, self._count, self._rate = shape, count, rate
        self._log: Path | None = log

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next(
                    (
                        int(line.split(":")[1])
                        for line in head.splitlines()
                        if line.lower().startswith("content-length")
                    ),
                    0,
                )
                body = json.loads(await reader.readexactly(length)) if length else {}
                if head.startswith("HEAD"):  # a connection being warmed
                    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                else:
                    await self._answer(body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if not body.get("stream"):
            answer = {
                "object": "list",
                "data": [_MODEL],
                "id": "x",
                "model": _MODEL["id"],
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "Title"},
                        "finish_reason": "stop",
                    }
                ],
                "usage": _USAGE,
            }
            data = json.dumps(answer).encode()
            headers = (
                f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
            )
            writer.write(headers.encode() + data)
            await writer.drain()
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        await self._stream(writer)

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        log, self._log = self._log, None  # what is streamed later (a title) is not measured
        started, sent = time.monotonic(), list[str]()
        for number, token in enumerate(tokens(self._shape, self._count)):
            if (wait := started + number / self._rate - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self._send(writer, {"content": token}, None)
            await writer.drain()
            if log and number in (0, self._count - 1):
                sent.append(f"{('first', 'last')[bool(number)]} {time.monotonic()}\n")
                log.write_text("".join(sent), encoding="ascii")
        self._send(writer, {}, "stop")
        writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        await writer.drain()

    def _send(self, writer: asyncio.StreamWriter, delta: dict[str, str], finish: str | None) -> None:
        event = {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": _MODEL["id"],
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        if finish:
            event["x_groq"] = {"id": "req_bench", "usage": _USAGE}
        writer.write(_chunk(b"data: " + json.dumps(event).encode() + b"\n\n"))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def main() -> None:
    """Serve until killed."""
    shape, count, rate, log = sys.argv[1:]
    feed = Feed(shape, int(count), float(rate), Path(log))
    server = await asyncio.start_server(feed.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/openai/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
