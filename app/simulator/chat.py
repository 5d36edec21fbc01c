"""``POST /chat/completions``: from the request to its answer or to what goes wrong."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from app.simulator.errors import context_length_exceeded, invalid_request
from app.simulator.exchange import Exchange
from app.simulator.generation import Generation, generate
from app.simulator.models import SimulatedModel, find_model
from app.simulator.options import Fault, Options
from app.simulator.organizations import Organization
from app.simulator.streaming import TokenStream, sleep_until
from app.simulator.tokens import prompt_pieces
from app.simulator.validation import ChatCall, read_call
from app.simulator.whole_answer import give_whole
from app.simulator.wire import AnswerWriter, UsageReport, dump

__all__ = ("ChatAnswer", "parse_body", "whole_answer")

_PROMPT_TOKENS_PER_SECOND = 50_000.0
_EVENT_STREAM = {"content-type": "text/event-stream", "cache-control": "no-cache"}


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        ApiError: 400 where it is none.
    """
    try:
        body = from_json(raw)
    except ValueError as error:
        raise invalid_request(f"invalid JSON body: {error}") from None
    if not isinstance(body, dict):
        raise invalid_request("request body must be a JSON object")
    return body


@dataclass(slots=True)
class _Bill:
    """What the call uses; ``sent`` grows while tokens go out."""

    prompt_tokens: int
    cached_tokens: int
    first_token: float
    sent: int = 0

    def usage(self, generation: Generation, completion_time: float) -> UsageReport:
        prompt_time = min(
            self.first_token, (self.prompt_tokens - self.cached_tokens) / _PROMPT_TOKENS_PER_SECOND
        )
        return UsageReport(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=generation.completion_tokens,
            cached_tokens=self.cached_tokens,
            reasoning_tokens=len(generation.reasoning),
            queue_time=self.first_token - prompt_time,
            prompt_time=prompt_time,
            completion_time=completion_time,
        )


class ChatAnswer:
    """Answers one chat request.

    Args:
        exchange: the request and where to answer.
        organization: whose request it is.
        options: the account's options with the request's own on top.
        groq: Groq's dialect and strictness, or a generic OpenAI-compatible server's.
    """

    def __init__(
        self, exchange: Exchange, organization: Organization, options: Options, *, groq: bool
    ) -> None:
        self._exchange = exchange
        self._organization = organization
        self._options = options
        self._groq = groq
        self._first_token = organization.first_token_seconds(options)

    async def give(self, body: dict[str, Any], fault: Fault | None) -> None:
        """Check, admit, write.

        Args:
            body: the JSON object received.
            fault: what goes wrong within the answer, if anything.

        Raises:
            ApiError: the request is refused.
        """
        model = _model(body, self._options, groq=self._groq)
        call = read_call(body, model, strict=self._groq)
        prompt = prompt_pieces(call.messages, call.tools)
        if len(prompt) + (call.max_tokens or 1) > model.context_window:
            raise context_length_exceeded()
        limits = self._organization.limits(model.id)
        self._exchange.headers |= limits.headers()
        reservation = limits.admit(len(prompt) + (call.max_tokens or 0))
        self._exchange.headers |= limits.headers()
        cached = self._organization.cache(model.id).cached_tokens(prompt) if model.caches_prompts else 0
        bill = _Bill(len(prompt), cached, self._first_token)
        generation = generate(call, self._organization.scripted(self._options))
        try:
            await self._send(call, generation, bill, fault)
        finally:
            limits.settle(reservation, len(prompt) - cached + bill.sent)
            self._exchange.note_tokens(bill.sent)

    async def _send(self, call: ChatCall, generation: Generation, bill: _Bill, fault: Fault | None) -> None:
        request_id = self._exchange.headers["x-request-id"]
        writer = AnswerWriter(
            call,
            generation,
            groq=self._groq,
            request_id=request_id,
            created=int(time.time()),
            seed=self._options.seed if call.seed is None else call.seed,
            quirks=self._options.quirks,
        )
        await sleep_until(self._exchange.started + self._options.headers_ms / 1_000)
        if call.stream:
            await self._stream(writer, generation, bill, fault)
        else:
            await self._answer_whole(writer, generation, bill, fault)

    async def _stream(
        self, writer: AnswerWriter, generation: Generation, bill: _Bill, fault: Fault | None
    ) -> None:
        exchange = self._exchange
        first_at = self._exchange.started + self._first_token
        stream = TokenStream(exchange, writer, self._options, first_at, bill)
        deltas = writer.deltas()
        await exchange.start(200, _EVENT_STREAM)
        await sleep_until(first_at)
        await stream.write(writer.first())
        if fault is not None:
            await stream.tokens(deltas, min(fault.after_tokens, len(deltas)))
            if not await stream.break_by(fault):
                return
        await stream.tokens(deltas, len(deltas))
        if generation.error is not None:
            await stream.fail(generation.error)
            return
        await stream.finish(bill.usage(generation, self._now() - first_at))

    async def _answer_whole(
        self, writer: AnswerWriter, generation: Generation, bill: _Bill, fault: Fault | None
    ) -> None:
        first_at = self._exchange.started + self._first_token
        written = generation.completion_tokens
        rate = self._options.tokens_per_second
        await sleep_until(first_at + (written / rate if rate else 0.0))
        bill.sent = written
        if generation.error is not None:
            raise generation.error
        answer = dump(writer.whole(bill.usage(generation, self._now() - first_at))).encode()
        await give_whole(self._exchange, answer, {"content-type": "application/json"}, fault)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def whole_answer(
    body: dict[str, Any], organization: Organization, options: Options, *, groq: bool, request_id: str
) -> dict[str, Any]:
    """Answer outside of any exchange, as a batch does: no limits, no pace.

    Raises:
        ApiError: the request is refused.
    """
    model = _model(body, options, groq=groq)
    call = read_call(body, model, strict=groq)
    prompt = prompt_pieces(call.messages, call.tools)
    if len(prompt) + (call.max_tokens or 1) > model.context_window:
        raise context_length_exceeded()
    generation = generate(call, organization.scripted(options))
    if generation.error is not None:
        raise generation.error
    writer = AnswerWriter(
        call,
        generation,
        groq=groq,
        request_id=request_id,
        created=int(time.time()),
        seed=options.seed if call.seed is None else call.seed,
        quirks=options.quirks,
    )
    return writer.whole(_Bill(len(prompt), 0, 0.0).usage(generation, 0.0))


def _model(body: dict[str, Any], options: Options, *, groq: bool) -> SimulatedModel:
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise invalid_request("'model' : property 'model' is missing")
    return find_model(name, extra=options.models if groq else [name], denied=options.denied_models)
