"""Who answers while the network is gone: called in only then, and left as soon as a route answers again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from core.chat import ChatRequest, Event, RouteChanged
from core.providers import Provider
from core.routing.candidate import Candidate
from core.routing.endpoint import RouteEndpoint
from core.routing.health import EndpointHealth
from core.routing.known_models import KnownModels

__all__ = ("Reserve", "Standby")


class Reserve(Protocol):
    """Who can answer without a network.

    It is no tier of the routes: what these can do and how much fits into them stays as it is, and a route
    that is at its limit is waited for all the same.
    """

    async def endpoints(self) -> Sequence[RouteEndpoint]:
        """Who can answer on this machine now, best first; empty where nobody can."""

    @property
    def missing(self) -> str:
        """Why nobody could, and what to do about it; empty where somebody can."""


class Standby:
    """The reserve of one router, and whether it is the one that answers."""

    def __init__(
        self, reserve: Reserve, models: KnownModels, health_of: Callable[[Provider, str], EndpointHealth]
    ) -> None:
        self._reserve = reserve
        self._models = models
        self._health_of = health_of
        self._on_duty: Candidate | None = None

    @property
    def missing(self) -> str:
        """Why nobody could answer, and what to do about it."""
        return self._reserve.missing

    async def call_in(self, request: ChatRequest) -> list[Candidate]:
        """Who can answer now, best first. Tools are left out: a small model calls them at random."""
        plain = request.model_copy(update={"tools": None, "tool_choice": None, "parallel_tool_calls": None})
        return [self._candidate(endpoint, plain) for endpoint in await self._reserve.endpoints()]

    def _candidate(self, endpoint: RouteEndpoint, request: ChatRequest) -> Candidate:
        provider = endpoint.provider
        model = self._models.resolve(endpoint, provider, request.model)
        health = self._health_of(provider, model)
        return Candidate(provider, model, health, request, reason="the network is gone", reserve=True)

    def answered(self, candidate: Candidate) -> None:
        """A call came to its end: the reserve is on duty where it was the one, and else no longer."""
        self._on_duty = candidate if candidate.reserve else None

    def is_on_duty(self, candidate: Candidate) -> bool:
        """Whether the last answer came from there, so that nobody has to be told again."""
        on_duty = self._on_duty
        return on_duty is not None and (on_duty.provider, on_duty.model) == (
            candidate.provider,
            candidate.model,
        )

    def watched(self, upstream: AsyncGenerator[Event], candidate: Candidate) -> AsyncGenerator[Event]:
        """The events of a call; the first one of a route tells, once, that the network is back."""
        if self._on_duty is None or candidate.reserve:
            return upstream
        return self._telling(upstream, candidate)

    async def _telling(self, upstream: AsyncGenerator[Event], candidate: Candidate) -> AsyncGenerator[Event]:
        async with aclosing(upstream):
            async for event in upstream:
                if self._on_duty is not None:
                    left, self._on_duty = self._on_duty, None
                    yield RouteChanged(
                        left.provider.name,
                        left.model,
                        candidate.provider.name,
                        candidate.model,
                        f"back online: {candidate.label} answers again",
                    )
                yield event
