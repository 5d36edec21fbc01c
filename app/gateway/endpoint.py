"""An endpoint as an ASGI application: who asks, what may be wrong, and how it is told and counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from app.gateway.api_errors import ApiError, api_error, being_stopped, invalid_request
from app.gateway.callers import Caller, identify
from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from app.gateway.request_id import request_id
from core.errors import KeyRefused, TensorWallError

__all__ = ("Act", "Endpoint")

log = logging.getLogger("tensorwall.gateway")

Act = Callable[[Gateway, Exchange, Caller], Awaitable[None]]
_CLIENT_CLOSED = 499
"""nginx's number for a client that went before it was answered."""


class Endpoint:
    """Answers the requests of one path.

    Args:
        act: answers a request of a caller who may make it.
        name: what keys are limited to, and what is counted.
        booked: every request makes calls that the ledger admits, which sees to it that the key is still
            valid; where it does not, the keys are read afresh.
    """

    def __init__(self, act: Act, name: str, gateway: Gateway, *, booked: bool = False) -> None:
        self._act = act
        self._name = name
        self._gateway = gateway
        self._booked = booked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, in whatever way it goes."""
        exchange = Exchange(scope, receive, send, request_id=request_id(scope))
        counted = self._gateway.metrics.request(self._name)
        counted.began()
        try:
            await self._answer(exchange)
        finally:
            counted.ended(exchange.status or _CLIENT_CLOSED, self._gateway.clock() - exchange.began)

    async def _answer(self, exchange: Exchange) -> None:
        own_keys: tuple[str, ...] = ()
        try:
            if exchange.headers.get("x-request-id", exchange.request_id) != exchange.request_id:
                raise invalid_request("X-Request-ID is up to 100 visible characters.", param="X-Request-ID")
            caller = await self._caller(exchange)
            own_keys = tuple(caller.api_keys)
            caller.check(self._name)
            await self._act(self._gateway, exchange, caller)
        except ApiError as error:
            await self._refuse(exchange, error)
        except TensorWallError as error:
            await self._refuse(exchange, api_error(error, own_keys=own_keys))
        except asyncio.CancelledError:  # by the server, whose grace is over: it closes the connection
            await self._refuse(exchange, being_stopped())
        except Exception:  # the edge: whatever it is, the client gets an answer and the log the traceback
            log.exception("request %s failed", exchange.request_id)
            message = f"Something is broken in the gateway; its log names the request {exchange.request_id}."
            await self._refuse(exchange, ApiError(500, message, code="internal_error"))

    async def _caller(self, exchange: Exchange) -> Caller:
        ring, providers = self._gateway.ring, self._gateway.providers.values()
        if self._booked:
            try:
                return identify(exchange, ring, providers)
            except KeyRefused as refused:
                if refused.code == "missing":
                    raise
        # Perhaps it was made, or changed, by another process a moment ago.
        await self._gateway.records.database.read(ring.refresh)
        return identify(exchange, ring, providers)

    async def _refuse(self, exchange: Exchange, error: ApiError) -> None:
        if not exchange.status and not exchange.gone:
            await exchange.refuse(error)
