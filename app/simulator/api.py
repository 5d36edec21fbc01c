"""Groq's endpoints: who is asking, which fault happens, and the two things there are to ask for."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any, Literal

from starlette.types import Receive, Scope, Send

from app.simulator.chat import ChatAnswer, parse_body
from app.simulator.errors import ApiError, invalid_api_key, invalid_request
from app.simulator.exchange import Exchange
from app.simulator.faults import WITHIN_ANSWER, RawAnswer, instead_of_answer
from app.simulator.models import MODELS, SimulatedModel, find_model
from app.simulator.options import Fault, Options
from app.simulator.organizations import ANONYMOUS, Organization, Organizations, ReceivedRequest, overlaid
from app.simulator.streaming import sleep_until

__all__ = ("Endpoint",)

OPTIONS_HEADER = "x-simulate"
Action = Literal["chat", "models", "model"]


class Endpoint:
    """One of Groq's endpoints as an ASGI application.

    Args:
        action: which one.
        organizations: the accounts.
        groq: Groq's dialect, or a generic OpenAI-compatible server's, which also takes requests
            without a key and any model.
    """

    def __init__(self, action: Action, organizations: Organizations, *, groq: bool) -> None:
        self._action = action
        self._organizations = organizations
        self._groq = groq

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, receive, send)
        exchange.headers = {"x-request-id": f"req_{uuid.uuid4().hex[:26]}", "via": "1.1 simulator"}
        try:
            raw = await exchange.body()
        except ApiError as error:
            await exchange.refuse(error)
            return
        await exchange.unless_disconnected(self._answered(exchange, raw))

    async def _answered(self, exchange: Exchange, raw: bytes) -> None:
        try:
            organization = self._organization(exchange)
            body, problem = _try_parse(raw) if self._action == "chat" else (None, None)
            exchange.log = _received(exchange, body)
            organization.requests.append(exchange.log)
            own = _own_options(exchange)
            options = overlaid(organization.options, own) if own else organization.options
            if exchange.connection.requests == 1 and options.connection_ms:
                exchange.started += options.connection_ms / 1_000
                await sleep_until(exchange.started)
            fault = self._fault(organization, body or {}, options.faults if "faults" in own else None)
            if fault is not None and fault.kind not in WITHIN_ANSWER:
                await self._refuse_by(fault, exchange, organization, options, body or {})
                return
            if problem is not None:
                raise problem
            await self._act(exchange, organization, options, body, fault)
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

    def _fault(
        self, organization: Organization, body: dict[str, Any], own: list[Fault] | None
    ) -> Fault | None:
        path = "chat" if self._action == "chat" else "models"
        if own is not None:
            return next((fault for fault in own if fault.path in {path, "any"}), None)
        return organization.fault(path, body.get("model"), body.get("service_tier"))

    async def _refuse_by(
        self,
        fault: Fault,
        exchange: Exchange,
        organization: Organization,
        options: Options,
        body: dict[str, Any],
    ) -> None:
        exchange.note("broken", fault=fault.kind)
        if fault.kind == "hang":
            await exchange.hang()
        if fault.kind in {"reset", "close"}:
            await exchange.break_off(reset=fault.kind == "reset")
        await sleep_until(exchange.started + options.headers_ms / 1_000)
        model = str(body.get("model", "unknown"))
        if self._action == "chat":
            exchange.headers |= organization.limits(model).headers()
        answer = instead_of_answer(fault, model, organization.id)
        if isinstance(answer, RawAnswer):
            await exchange.answer(
                answer.status, answer.body, {**answer.headers, "content-type": answer.content_type}
            )
        else:
            await exchange.refuse(answer)

    async def _act(
        self,
        exchange: Exchange,
        organization: Organization,
        options: Options,
        body: dict[str, Any] | None,
        fault: Fault | None,
    ) -> None:
        if self._action == "chat":
            if fault is not None and exchange.log is not None:
                exchange.log.fault = fault.kind
            answer = ChatAnswer(exchange, organization, options, groq=self._groq)
            await answer.give(body or {}, fault)
            return
        if self._action == "models":
            listed = [model.listed() for model in _models(options)]
            await exchange.answer_json({"object": "list", "data": listed})
        else:
            name = exchange.scope["path_params"]["model"]
            model = find_model(name, extra=options.models, denied=options.denied_models)
            await exchange.answer_json(model.listed())
        exchange.note("answered")


def _models(options: Options) -> list[SimulatedModel]:
    known = [*MODELS.values(), *(find_model(n, extra=options.models, denied=[]) for n in options.models)]
    return [model for model in known if model.id not in options.denied_models]


def _try_parse(raw: bytes) -> tuple[dict[str, Any] | None, ApiError | None]:
    """The body or what is wrong with it, so that the log holds the request in either case."""
    try:
        return parse_body(raw), None
    except ApiError as error:
        return None, error


def _received(exchange: Exchange, body: dict[str, Any] | None) -> ReceivedRequest:
    return ReceivedRequest(
        method=exchange.scope["method"],
        path=exchange.scope["path"],
        headers=dict(exchange.request_headers),
        body=body,
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
