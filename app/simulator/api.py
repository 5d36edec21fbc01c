"""Groq's endpoints: who is asking, which fault happens, and what there is to ask for."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from app.simulator.audio import LARGEST_FILE, form_fields, read_recording, spoken, transcribe
from app.simulator.batches import LARGEST_INPUT, uploaded
from app.simulator.chat import ChatAnswer, parse_body
from app.simulator.errors import ApiError, invalid_api_key, invalid_request
from app.simulator.exchange import MOST_BYTES, Exchange
from app.simulator.faults import WITHIN_ANSWER, RawAnswer, instead_of_answer
from app.simulator.models import MODELS, SimulatedModel, find_model
from app.simulator.options import Fault, Options
from app.simulator.organizations import ANONYMOUS, Organization, Organizations, ReceivedRequest, overlaid
from app.simulator.streaming import sleep_until
from app.simulator.whole_answer import give_whole

__all__ = (
    "Act",
    "Call",
    "Endpoint",
    "Path",
    "answer_chat",
    "list_models",
    "show_model",
    "speak",
    "transcribe_recording",
)

OPTIONS_HEADER = "x-simulate"
Path = Literal["chat", "models", "transcription", "speech", "files", "batches"]
_FORM_FIELDS = 1024 * 1024  # bytes beside the file, generously
_MOST_BYTES: dict[Path, int] = {
    "transcription": LARGEST_FILE + _FORM_FIELDS,
    "files": LARGEST_INPUT + _FORM_FIELDS,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a known account, with what it is to be answered by.

    Attributes:
        body: its JSON, or the fields of its form.
        raw: its bytes.
    """

    exchange: Exchange
    organization: Organization
    options: Options
    body: dict[str, Any]
    raw: bytes
    fault: Fault | None
    groq: bool


Act = Callable[[Call], Awaitable[None]]
"""What an endpoint does once the caller is known."""


async def answer_chat(call: Call) -> None:
    """``POST /chat/completions``."""
    answer = ChatAnswer(call.exchange, call.organization, call.options, groq=call.groq)
    await answer.give(call.body, call.fault)


async def list_models(call: Call) -> None:
    """``GET /models``."""
    listed = [model.listed() for model in _models(call.options)]
    await call.exchange.answer_json({"object": "list", "data": listed})
    call.exchange.note("answered")


async def show_model(call: Call) -> None:
    """``GET /models/{id}``."""
    name = call.exchange.scope["path_params"]["model"]
    model = find_model(name, extra=call.options.models, denied=call.options.denied_models)
    await call.exchange.answer_json(model.listed())
    call.exchange.note("answered")


async def transcribe_recording(call: Call) -> None:
    """``POST /audio/transcriptions`` and ``/audio/translations``."""
    exchange = call.exchange
    recording = read_recording(exchange.request_headers, call.raw)
    answer = transcribe(
        recording,
        call.options,
        heard=call.organization.heard(call.options),
        translated=exchange.scope["path"].endswith("/translations"),
        request_id=exchange.headers["x-request-id"],
    )
    await _admit(call, tokens=0)
    await give_whole(exchange, answer.body, {"content-type": answer.content_type}, call.fault)


async def speak(call: Call) -> None:
    """``POST /audio/speech``."""
    sound = spoken(call.body, call.options)
    await _admit(call, tokens=len(call.body["input"]) // 4 + 1)
    await give_whole(call.exchange, sound, {"content-type": "audio/wav"}, call.fault)


async def _admit(call: Call, *, tokens: int) -> None:
    """Count against the limits, then take the time that a first token takes."""
    limits = call.organization.limits(call.body["model"])
    call.exchange.headers |= limits.headers()
    limits.admit(tokens)
    call.exchange.headers |= limits.headers()
    wait = max(call.organization.first_token_seconds(call.options), call.options.headers_ms / 1_000)
    await sleep_until(call.exchange.started + wait)


class Endpoint:
    """One of Groq's endpoints as an ASGI application.

    Args:
        act: what it does once the caller is known and no fault comes first.
        path: which faults are its own.
        organizations: the accounts.
        groq: Groq's dialect, or a generic OpenAI-compatible server's, which also takes requests
            without a key and any model.
    """

    def __init__(self, act: Act, path: Path, organizations: Organizations, *, groq: bool) -> None:
        self._act = act
        self._path = path
        self._organizations = organizations
        self._groq = groq

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, receive, send)
        exchange.headers = {"x-request-id": f"req_{uuid.uuid4().hex[:26]}", "via": "1.1 simulator"}
        try:
            raw = await exchange.body(_MOST_BYTES.get(self._path, MOST_BYTES))
        except ApiError as error:
            await exchange.refuse(error)
            return
        await exchange.unless_disconnected(self._answered(exchange, raw))

    async def _answered(self, exchange: Exchange, raw: bytes) -> None:
        try:
            organization = self._organization(exchange)
            body, problem = _try_parse(self._path, exchange.request_headers, raw)
            exchange.log = _received(exchange, body)
            organization.requests.append(exchange.log)
            call = self._call(exchange, organization, body, raw)
            await _shake_hands(call)
            if call.fault is not None:
                exchange.log.fault = call.fault.kind
                if call.fault.kind not in WITHIN_ANSWER:
                    await _fail(call, call.fault)
                    return
            if problem is not None:
                raise problem
            await self._act(call)
        except ApiError as error:
            await exchange.refuse(error)

    def _organization(self, exchange: Exchange) -> Organization:
        key = exchange.api_key
        if key is None and not self._groq:
            key = ANONYMOUS
        organization = self._organizations.find(key) if key else None
        if organization is None:
            raise invalid_api_key()
        return organization

    def _call(self, exchange: Exchange, organization: Organization, body: dict[str, Any], raw: bytes) -> Call:
        own = _own_options(exchange)
        options = overlaid(organization.options, own) if own else organization.options
        if "faults" in own:
            fault = next((fault for fault in options.faults if fault.path in {self._path, "any"}), None)
        else:
            fault = organization.fault(self._path, body.get("model"), body.get("service_tier"))
        return Call(exchange, organization, options, body, raw, fault, self._groq)


async def _shake_hands(call: Call) -> None:
    """Wait as long as a handshake would take, on the first request of a connection."""
    if call.exchange.connection.requests == 1:
        call.exchange.started += call.options.connection_ms / 1_000
        await sleep_until(call.exchange.started)


async def _fail(call: Call, fault: Fault) -> None:
    """Let a fault happen that comes instead of an answer."""
    exchange = call.exchange
    exchange.note("broken")
    if fault.kind == "hang":
        await exchange.hang()
    if fault.kind in {"reset", "close"}:
        await exchange.break_off(reset=fault.kind == "reset")
    await sleep_until(exchange.started + call.options.headers_ms / 1_000)
    model = str(call.body.get("model", "unknown"))
    answer = instead_of_answer(fault, model, call.organization.id)
    if isinstance(answer, RawAnswer):
        headers = {**answer.headers, "content-type": answer.content_type}
        await exchange.answer(answer.status, answer.body, headers)
    else:
        exchange.headers |= call.organization.limits(model).headers()
        await exchange.refuse(answer)


def _models(options: Options) -> list[SimulatedModel]:
    known = [*MODELS.values(), *(find_model(n, extra=options.models, denied=[]) for n in options.models)]
    return [model for model in known if model.id not in options.denied_models]


def _try_parse(path: Path, headers: Headers, raw: bytes) -> tuple[dict[str, Any], ApiError | None]:
    """The body or what is wrong with it, so that the log holds the request in either case."""
    if path == "models" or (path in {"files", "batches"} and not raw):
        return {}, None
    try:
        if path == "files":
            return uploaded(headers, raw).fields(), None
        return (form_fields(headers, raw) if path == "transcription" else parse_body(raw)), None
    except ApiError as error:
        return {}, error


def _received(exchange: Exchange, body: dict[str, Any]) -> ReceivedRequest:
    return ReceivedRequest(
        method=exchange.scope["method"],
        path=exchange.scope["path"],
        headers=dict(exchange.request_headers),
        body=body or None,
        connection=exchange.connection.id,
        received_at=time.time(),
    )


def _own_options(exchange: Exchange) -> dict[str, Any]:
    """The request's own options, from its header."""
    header = exchange.request_headers.get(OPTIONS_HEADER)
    if header is None:
        return {}
    try:
        own = json.loads(header)
        Options.model_validate(own)
    except ValueError as error:
        raise invalid_request(f"{OPTIONS_HEADER}: {error}") from None
    assert isinstance(own, dict)
    return own
