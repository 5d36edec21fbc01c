"""``POST /v1/chat/completions``: a request through the router, and the answer as the provider wrote it."""

from __future__ import annotations

import asyncio

from app.gateway.api_errors import ApiError, api_error, being_stopped
from app.gateway.callers import Caller
from app.gateway.chat_request import asks_for_stream, asks_for_usage, json_object, read_chat_request
from app.gateway.chunks import ChunkWriter
from app.gateway.dry_run import dry_run, wants_dry_run
from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from core.chat import (
    ChatRequest,
    Decision,
    Finished,
    ReasoningDelta,
    Relayed,
    RouteChosen,
    TextDelta,
    ToolCallDelta,
)
from core.errors import TensorWallError
from core.providers.answer_fields import parse_json
from core.providers.request_body import left_out
from core.routing import ChatStream

__all__ = ("answer_chat",)

_DELTAS = (TextDelta, ReasoningDelta, ToolCallDelta, Finished)
_STREAM_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
_DONE = b"data: [DONE]\n\n"


async def answer_chat(gateway: Gateway, exchange: Exchange, caller: Caller) -> None:
    """Answer one chat request.

    Raises:
        ApiError: the request cannot be understood, or may not be made.
        TensorWallError: it could not be answered; nothing has been written then.
    """
    body = json_object(await exchange.body(gateway.body_limits))
    streamed = asks_for_stream(body)
    request = read_chat_request(body)
    caller.check("chat", request.model)
    if wants_dry_run(exchange):
        await dry_run(gateway, exchange, request)
        return
    with exchange.cancelled_when_client_goes():
        if streamed:
            await _Streamed(gateway, exchange, caller, request, wants_usage=asks_for_usage(body)).give()
        else:
            await _give_whole(gateway, exchange, caller, request)


async def _give_whole(gateway: Gateway, exchange: Exchange, caller: Caller, request: ChatRequest) -> None:
    entry = gateway.ledger.entry(caller.place(exchange), caller.key, caller.recheck)
    response = await gateway.router.chat(request, observer=entry, gate=entry, api_keys=caller.api_keys)
    assert response.decision is not None
    assert response.relayed is not None
    headers = _headers(gateway, request, response.decision)
    if response.cost is not None:
        headers["x-tensorwall-cost"] = f"{response.cost:f}"
    upstream = sum(call.duration or 0.0 for call in response.decision.calls) + response.decision.waited
    overhead = gateway.clock() - exchange.began - upstream
    gateway.metrics.overhead(overhead)
    headers["x-tensorwall-overhead-ms"] = _milliseconds(overhead)
    await exchange.answer(response.relayed, headers)


class _Streamed:
    """One streamed answer.

    Nothing is written before a route has begun to answer, so that an error has its status.
    """

    def __init__(
        self, gateway: Gateway, exchange: Exchange, caller: Caller, request: ChatRequest, *, wants_usage: bool
    ) -> None:
        self._gateway = gateway
        self._exchange = exchange
        self._caller = caller
        self._request = request
        self._wants_usage = wants_usage
        self._held: list[bytes] = []

    async def give(self) -> None:
        """Pass the answer on, piece by piece."""
        gateway, caller = self._gateway, self._caller
        entry = gateway.ledger.entry(caller.place(self._exchange), caller.key, caller.recheck)
        stream = gateway.router.stream(self._request, observer=entry, gate=entry, api_keys=caller.api_keys)
        try:
            async with stream as events:
                with gateway.metrics.stream_open():
                    await self._pass_on(events)
        except TensorWallError as error:
            if not self._exchange.status:
                raise
            await self._break_off(api_error(error, own_keys=caller.api_keys))
        except asyncio.CancelledError:
            if self._exchange.status and not self._exchange.gone:  # the server's grace is over
                await self._break_off(being_stopped())
            raise

    async def _pass_on(self, stream: ChatStream) -> None:
        write, writer = self._exchange.write, ChunkWriter(self._request.model)
        started = False
        async for event in stream:
            if type(event) is Relayed:
                writer.relays(event.data)
                if self._is_wanted(event.data):
                    chunk = b"data: " + event.data.encode("utf-8", "replace") + b"\n\n"
                    if started:
                        await write(chunk)
                    else:
                        self._held.append(chunk)
                continue
            if type(event) is RouteChosen:
                await self._turn_to(event, writer)
            elif type(event) is Finished and stream.response is not None:
                writer.bill(stream.response.usage)
            if not started and type(event) in _DELTAS:
                started = True
                await self._start(stream.decision)
            if not writer.relaying and (own := writer.chunk(event, usage=self._wants_usage)):
                await write(own)
        await self._end(stream)

    async def _turn_to(self, route: RouteChosen, writer: ChunkWriter) -> None:
        """Another call: for the whole answer, or for the rest of one that broke off."""
        if not route.continues:
            self._held.clear()
            writer.begin(route)
            return
        writer.go_on()
        await self._exchange.write(f": x-tensorwall-route: {route.provider}/{route.model}\n\n".encode())

    def _is_wanted(self, data: str) -> bool:
        """Whether the client asked for this chunk: that with the usage alone is often asked for by us."""
        if self._wants_usage or '"usage"' not in data:
            return True
        return bool(parse_json(data).get("choices"))

    async def _start(self, decision: Decision) -> None:
        """Write the headers, now that it is known who answers, and what was held back."""
        overhead = self._gateway.clock() - self._exchange.began - decision.waited - _upstream(decision)
        self._gateway.metrics.overhead(overhead)
        headers = _headers(self._gateway, self._request, decision)
        headers["x-tensorwall-overhead-ms"] = _milliseconds(overhead)
        await self._exchange.start(200, {**_STREAM_HEADERS, **headers})
        for chunk in self._held:
            await self._exchange.write(chunk)
        self._held.clear()

    async def _end(self, stream: ChatStream) -> None:
        """The end mark; before it the cost, as a comment that clients skip, since headers come first."""
        response = stream.response
        if response is not None and response.cost is not None:
            await self._exchange.write(f": x-tensorwall-cost: {response.cost:f}\n\n".encode())
        await self._exchange.write(_DONE)
        await self._exchange.finish()

    async def _break_off(self, error: ApiError) -> None:
        """Tell an error within the stream, as OpenAI does, and leave out the end mark."""
        await self._exchange.write(b"data: " + error.body + b"\n\n")
        await self._exchange.finish()


def _headers(gateway: Gateway, request: ChatRequest, decision: Decision) -> dict[str, str]:
    """Who answers, and how many calls that took."""
    call = decision.answering
    assert call is not None
    headers = {
        "x-tensorwall-route": f"{call.provider}/{call.model}",
        "x-tensorwall-attempts": str(len(decision.calls)),
    }
    provider = gateway.providers.get(call.provider)
    if provider is not None and (missing := left_out(provider.profile, request, model=call.model)):
        headers["x-tensorwall-left-out"] = ",".join(missing)
    return headers


def _upstream(decision: Decision) -> float:
    """Seconds from the first call to the first token, as far as providers took them.

    A hedge runs beside the call before it, so that its time counts from when that was sent.
    """
    call = decision.answering
    assert call is not None
    before = decision.calls[: decision.calls.index(call)]
    passed = call.first_token or 0.0
    if call.role == "hedge":
        passed += (call.started_at - before.pop().started_at).total_seconds()
    return passed + sum(earlier.duration or 0.0 for earlier in before)


def _milliseconds(seconds: float) -> str:
    return f"{max(0.0, seconds) * 1000:.3f}"
