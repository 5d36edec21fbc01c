"""The provider behind every gateway: canned answers over HTTP/1.1, at next to no cost.

Run as a program it prints its port and serves until its standard input closes. A prompt that holds
``chunks=N every=S`` shapes its own stream, so that one server does for every measurement and the wish
passes through any gateway. Each chunk's text is the moment it was sent, as ``@NANOSECONDS@`` of the
monotonic clock, which all processes share. ``GET /count`` tells how many chats were asked for.

``--faults SHARE`` makes so many of the answers one of: an error 500, 429 or 503, a connection closed
without a word, an answer cut short, an answer that is an error or a stream that ends with one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

import httptools
import uvloop

MODEL = "openai/gpt-oss-120b"
_STREAM = re.compile(rb'"stream": ?true')
_SHAPE = re.compile(rb"chunks=(\d+) every=([\d.]+)")
_LIMITS = "".join(
    f"x-ratelimit-limit-{what}: 1000000000\r\nx-ratelimit-remaining-{what}: 999999999\r\n"
    f"x-ratelimit-reset-{what}: 1ms\r\n"
    for what in ("requests", "tokens")
)
_USAGE = {
    "queue_time": 0.01,
    "prompt_tokens": 120,
    "prompt_time": 0.002,
    "completion_tokens": 180,
    "completion_time": 0.36,
    "total_tokens": 300,
    "total_time": 0.362,
}
_SAME = {"id": "chatcmpl-bench", "created": 1763800000, "model": MODEL, "system_fingerprint": "fp_bench"}


def _whole(status: str, body: dict[str, object] | str, *headers: str) -> bytes:
    page = isinstance(body, str)
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {'text/html' if page else 'application/json'}", *headers]
    return "\r\n".join([*lines, f"{_LIMITS}Content-Length: {len(content)}", "", ""]).encode() + content


def _error(message: str, kind: str) -> dict[str, object]:
    return {"error": {"message": message, "type": kind}}


def _event(**fields: object) -> bytes:
    return _framed(f"data: {json.dumps({**_SAME, 'object': 'chat.completion.chunk', **fields})}\n\n".encode())


def _delta(finish: str | None = None, **delta: str) -> list[dict[str, object]]:
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]


def _framed(event: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(event), event)


ANSWER = _whole(
    "200 OK",
    {
        **_SAME,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "A sentence of the answer. " * 30},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
        "service_tier": "on_demand",
        "x_groq": {"id": "req_bench"},
    },
)
_STREAM_HEADERS = f"Content-Type: text/event-stream\r\n{_LIMITS}Transfer-Encoding: chunked"
STREAM_HEAD = f"HTTP/1.1 200 OK\r\n{_STREAM_HEADERS}\r\n\r\n".encode() + _event(
    choices=_delta(role="assistant", content=""), x_groq={"id": "req_bench"}
)
_BEFORE, _AFTER = (
    f"data: {json.dumps({**_SAME, 'object': 'chat.completion.chunk', 'choices': _delta(content='@|@')})}\n\n"
).encode().split(b"|")  # fmt: skip
STREAM_END = (
    _event(choices=_delta("stop"), usage=_USAGE, x_groq={"id": "req_bench", "usage": _USAGE})
    + _framed(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)
STREAM_ERROR = (
    _framed(f"event: error\ndata: {json.dumps(_error('the model broke', 'server_error'))}\n\n".encode())
    + b"0\r\n\r\n"
)
CUT_ANSWER = ANSWER[:-200]
BROKEN_ANSWER = _whole("200 OK", _error("the model broke", "server_error"))
REFUSALS = {
    "500": _whole("500 Internal Server Error", _error("something broke", "internal_server_error")),
    "429": _whole("429 Too Many Requests", _error("slow down", "rate_limit_exceeded"), "Retry-After-Ms: 100"),
    "503": _whole("503 Service Unavailable", "<html><body>Service Unavailable</body></html>"),
}
HANG_UP, CUT_SHORT, BROKEN = "hang-up", "cut-short", "broken"
FAULTS = (*REFUSALS, HANG_UP, CUT_SHORT, BROKEN)


def chunk() -> bytes:
    """One chunk of a stream, stamped with this moment."""
    return _framed(b"%s%d%s" % (_BEFORE, time.monotonic_ns(), _AFTER))


@dataclass
class Account:
    """What all connections share.

    Attributes:
        faults: the share of answers that go wrong.
        asked: chats asked for, by ``answered`` or the fault they met.
    """

    faults: float
    asked: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def next_fault(self) -> str | None:
        """What is to go wrong with the next answer."""
        fault = self.chance.choice(FAULTS) if self.chance.random() < self.faults else None
        self.asked[fault or "answered"] += 1
        return fault


class Connection(asyncio.Protocol):
    """One client, one request after the other."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._url = self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._url == b"/count":
            self._transport.write(_whole("200 OK", dict(self._account.asked)))
            return
        fault = self._account.next_fault()
        if fault in REFUSALS:
            self._transport.write(REFUSALS[fault])
        elif fault == HANG_UP:
            self._transport.close()
        elif _STREAM.search(self._body):
            self._stream(fault)
        elif fault == CUT_SHORT:
            self._transport.write(CUT_ANSWER)
            self._transport.close()
        else:
            self._transport.write(BROKEN_ANSWER if fault == BROKEN else ANSWER)

    def _stream(self, fault: str | None) -> None:
        shape = _SHAPE.search(self._body)
        chunks, every = (int(shape[1]), float(shape[2])) if shape else (20, 0.0)
        self._transport.write(STREAM_HEAD)
        if every:
            self._pace(chunks, every, fault)
            return
        self._transport.write(b"".join(chunk() for _ in range(chunks)))
        self._end(fault)

    def _pace(self, left: int, every: float, fault: str | None) -> None:
        if not left:
            self._end(fault)
            return
        self._transport.write(chunk())
        self._timer = self._loop.call_later(every, self._pace, left - 1, every, fault)

    def _end(self, fault: str | None) -> None:
        if fault == CUT_SHORT:
            self._transport.close()
        else:
            self._transport.write(STREAM_ERROR if fault == BROKEN else STREAM_END)


async def serve(faults: float) -> None:
    """Serve until standard input closes, printing the port first."""
    loop = asyncio.get_running_loop()
    account = Account(faults)
    server = await loop.create_server(lambda: Connection(account), "127.0.0.1", 0, backlog=2048)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", type=float, default=0.0)
    uvloop.run(serve(parser.parse_args().faults))


if __name__ == "__main__":
    main()
