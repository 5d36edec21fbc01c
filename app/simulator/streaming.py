"""Sends the tokens of an answer, each when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from app.simulator.errors import ApiError
from app.simulator.exchange import Exchange
from app.simulator.faults import OVERSIZED, event_error
from app.simulator.options import Fault, Options, Quirk
from app.simulator.wire import AnswerWriter, UsageReport, dump

__all__ = ("SentCounter", "TokenStream", "sleep_until")

_BATCH = 64
"""Tokens that are written at once when there is no pace to keep."""

_RESHAPED: dict[Quirk, Callable[[bytes], bytes]] = {
    "comments": lambda events: b": heartbeat\n\n" + events,
    "crlf": lambda events: events.replace(b"\n", b"\r\n"),
    "invalid_utf8": lambda events: events.replace(b'"delta":{"content":"', b'"delta":{"content":"\xff\xfe'),
}


async def sleep_until(deadline: float) -> None:
    """Sleep until the loop's clock shows ``deadline``."""
    delay = deadline - asyncio.get_running_loop().time()
    if delay > 0:
        await asyncio.sleep(delay)


class SentCounter(Protocol):
    """Whoever wants to know how many tokens went out."""

    sent: int


class TokenStream:
    """One event stream.

    Token *n* is due at ``first_at + n / rate``: what is due is sent together, an event a token, so
    that a late wake-up never adds up.

    Args:
        exchange: where to write.
        writer: encodes the events.
        options: pace and quirks.
        first_at: when the first token is due, on the loop's clock.
        counter: its ``sent`` is kept at the number of tokens sent.
    """

    def __init__(
        self,
        exchange: Exchange,
        writer: AnswerWriter,
        options: Options,
        first_at: float,
        counter: SentCounter,
    ) -> None:
        self._counter = counter
        self._exchange = exchange
        self._writer = writer
        self._rate = options.tokens_per_second
        self._quirks = options.quirks
        self._first_at = first_at

    async def tokens(self, deltas: list[dict[str, Any] | str | None], until: int) -> None:
        """Send tokens up to number ``until``, at their pace."""
        clock = asyncio.get_running_loop().time
        encode = self._writer.delta
        sent = self._counter.sent
        while sent < until:
            if self._rate is None:
                await asyncio.sleep(0)
                due = sent + _BATCH
            else:
                await sleep_until(self._first_at + sent / self._rate)
                due = max(sent, int((clock() - self._first_at) * self._rate + 1e-6)) + 1
            due = min(due, until)
            events = b"".join([encode(delta) for delta in deltas[sent:due] if delta is not None])
            self._counter.sent = sent = due
            if events:
                await self.write(events)

    async def write(self, events: bytes) -> None:
        """Write events in the shape that was asked for."""
        for quirk, reshaped in _RESHAPED.items():
            if quirk in self._quirks:
                events = reshaped(events)
        if "byte_by_byte" not in self._quirks:
            await self._exchange.write(events)
            return
        for byte in events:
            await self._exchange.write(bytes((byte,)))
            await asyncio.sleep(0)

    async def finish(self, usage: UsageReport) -> None:
        """Send what follows the last token."""
        await self.write(self._writer.last(usage))
        await self._exchange.finish()
        self._exchange.note("answered")

    async def fail(self, error: ApiError) -> None:
        """End with an ``error`` event; no end mark follows."""
        body = {"error": {**error.body["error"], "status_code": error.status}}
        await self.write(f"event: error\ndata: {dump(body)}\n\n".encode())
        self._exchange.note("broken")
        await self._exchange.finish()

    async def break_by(self, fault: Fault) -> bool:
        """Let the fault happen; whether the answer goes on after it."""
        match fault.kind:
            case "garbage_event":
                await self.write(b'data: {"id":"chatcmpl-broken","choices":[{"delta":\n\n')
                return True
            case "oversized_event":
                await self.write(self._writer.delta("x" * OVERSIZED))
                return True
            case "x_groq_error":
                self._exchange.note("broken")
                await self.write(self._writer.error_field(fault.message or "The server had an error"))
                await self._exchange.finish()
            case "end":
                self._exchange.note("broken")
                await self._exchange.finish()
            case "cut" | "cut_reset":
                await self._exchange.break_off(reset=fault.kind == "cut_reset")
            case "stall":
                await self._exchange.hang()
            case _:
                await self.fail(event_error(fault))
        return False
