"""The router: routes by name, the health of their endpoints, and answers from whoever can give one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random

from core.catalogue import Catalogue
from core.chat import (
    CallGate,
    CallObserver,
    CallRole,
    ChatRequest,
    ChatResponse,
    Decision,
    Irrevocable,
    SkippedRoute,
)
from core.errors import ProviderError
from core.routing.breaker import BreakerPolicy
from core.routing.endpoint import RouteEndpoint, RouteTable
from core.routing.endpoint_providers import EndpointProviders
from core.routing.health_book import FindShared, HealthBook
from core.routing.hedging.policy import HedgePolicy, Hedging
from core.routing.known_models import KnownModels
from core.routing.mending import Mender
from core.routing.planned_route import PlannedRoute, planned_route
from core.routing.planner import Planner
from core.routing.reserve import Reserve, Standby
from core.routing.resting import Sleep
from core.routing.retry import RetryPolicy
from core.routing.route_health import RouteHealth, route_health
from core.routing.running_call import CallRecorder
from core.routing.strategy import LoadBalanceStrategy
from core.routing.stream import ChatStream
from core.routing.whole_answer import whole_answer

__all__ = ("LLMRouter",)


class LLMRouter:
    """Answers chat requests from the best endpoint that works.

    Making one does nothing but keep the arguments: no event loop, key, network or file is needed
    before the first request.

    Args:
        strategy: chooses among the healthy endpoints of the lowest priority number.
        catalogue: names, replacements and prices of models; the shipped one by default.
        clock: monotonic seconds.
        random: for the strategies that draw and for jitter.
        sleep: how to wait while no route is ready.
        observer: told of every upstream call of every request.
        retry: how patient to be with one request.
        breaker: when an endpoint's circuit opens.
        reserve: who answers while the network is gone.
        hedging: when a second endpoint is asked beside one that is slow to begin its answer.
        shared_limits: where limits are counted together with other processes, such as
            ``core.routing.limits.files.LimitFiles.of``; by default this router counts alone.
    """

    def __init__(
        self,
        strategy: LoadBalanceStrategy = LoadBalanceStrategy.LEAST_LATENCY,
        *,
        catalogue: Catalogue | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
        sleep: Sleep = asyncio.sleep,
        observer: CallObserver | None = None,
        retry: RetryPolicy | None = None,
        breaker: BreakerPolicy | None = None,
        reserve: Reserve | None = None,
        hedging: HedgePolicy | None = None,
        shared_limits: FindShared | None = None,
    ) -> None:
        self._models = KnownModels(catalogue)
        self._clock = clock
        self._sleep = sleep
        self._observer = observer
        self._hedging = Hedging(hedging)
        self._routes = RouteTable()
        self._providers = EndpointProviders()
        self._health = HealthBook(self._models, clock, breaker, shared_limits)
        self._standby = Standby(reserve, self._models, self._health.of) if reserve else None
        random = random or Random()
        self._planner = Planner(
            LoadBalanceStrategy(strategy),
            self._routes,
            self._providers,
            self._models,
            self._health,
            Mender(self._models, self._health.of, retry or RetryPolicy(), clock, random),
            random,
            self._standby,
        )

    @property
    def strategy(self) -> LoadBalanceStrategy:
        """Chooses among the healthy endpoints of the lowest priority number."""
        return self._planner.strategy

    def add_route(self, pattern: str, endpoints: Sequence[RouteEndpoint]) -> None:
        """Lead requests for ``pattern`` to ``endpoints``, in place of what it led to.

        A pattern is a model's name, or a beginning of one and ``*``. The exact name wins, then the
        longest beginning; ``*`` alone takes what nothing else does.

        Raises:
            ConfigurationError: the pattern or the endpoints cannot be used.
        """
        self._routes.add(pattern, endpoints)

    def stream(
        self,
        request: ChatRequest,
        *,
        observer: CallObserver | None = None,
        gate: CallGate | None = None,
        api_keys: Mapping[str, str] | None = None,
        role: CallRole = "first",
        mends: tuple[type[ProviderError], ...] = (),
        irrevocable: Irrevocable = "all",
    ) -> ChatStream:
        """Stream an answer.

        Args:
            request: what to ask.
            observer: told of this request's calls besides the router's own.
            gate: asked before each of them whether there is money for it.
            api_keys: keys to use for this request alone, by provider; forgotten when it is over.
            role: what its first call is made for.
            mends: failures that the caller mends itself: raised at once, where the router would ask again.
            irrevocable: what the caller cannot take back. An answer that breaks off, and that no other route
                can go on with since it calls tools or has to be JSON, begins anew where none of that has
                been passed on, with a ``RouteChanged`` and a ``RouteChosen``; otherwise it fails.

        Raises:
            UnknownRoute: no route leads to the request's model.
        """
        itinerary = self._planner.plan(request, api_keys, streaming=True, role=role, mends=mends)
        self._planner.take_turn(request)
        recorder = self._recorder(request, itinerary.decision, observer, gate)
        return ChatStream(
            itinerary,
            recorder,
            self._models,
            self._sleep,
            self._standby,
            self._hedging,
            irrevocable,
        )

    async def chat(
        self,
        request: ChatRequest,
        *,
        observer: CallObserver | None = None,
        gate: CallGate | None = None,
        api_keys: Mapping[str, str] | None = None,
    ) -> ChatResponse:
        """An answer in one piece, with ``cost`` and ``decision``; arguments as `stream`.

        Raises:
            UnknownRoute: no route leads to the request's model.
            BudgetExceeded: a hard limit leaves no money for any route.
            ProviderError: the request itself is refused.
            AllRoutesFailed: no route answered.
        """
        itinerary = self._planner.plan(request, api_keys, streaming=False)
        self._planner.take_turn(request)
        recorder = self._recorder(request, itinerary.decision, observer, gate)
        return await whole_answer(itinerary, recorder, self._models, self._sleep, self._standby)

    def preview(
        self, request: ChatRequest, *, streaming: bool = False
    ) -> tuple[list[PlannedRoute], list[SkippedRoute]]:
        """Where a request would go now, in the order of trying, and what would be left out; sends nothing.

        Args:
            request: what would be asked.
            streaming: the answer would be streamed.

        Raises:
            UnknownRoute: no route leads to the request's model.
        """
        itinerary = self._planner.plan(request, streaming=streaming)
        now = self._clock()
        routes = [planned_route(candidate, now) for candidate in itinerary.candidates]
        return routes, itinerary.decision.skipped

    def resolve(self, model: str) -> list[tuple[str, str]]:
        """What a request for ``model`` may be sent to: providers, and what each calls the model.

        Raises:
            UnknownRoute: no route leads to the model.
        """
        _, endpoints = self._routes.match(model)
        providers = [self._providers.of(endpoint) for endpoint in endpoints]
        return [
            (provider.name, self._models.resolve(endpoint, provider, model))
            for endpoint, provider in zip(endpoints, providers, strict=True)
        ]

    def health(self, model: str | None = None) -> list[RouteHealth]:
        """Every endpoint as it stands now, by route in the order of registration.

        Args:
            model: what is asked for next, so that a wildcard's endpoints have it, too.
        """
        matched = None if model is None else self._routes.match(model)[0]
        return [
            self._route_health(pattern, endpoint, asked)
            for pattern, endpoints in self._routes.items()
            for endpoint in endpoints
            for asked in self._models_of(pattern, endpoint, model if pattern == matched else None)
        ]

    async def warm(self, model: str | None = None) -> bool:
        """Open connections ahead of need, for one model's route or for all; whether any is open.

        Raises:
            UnknownRoute: no route leads to ``model``.
        """
        if model is None:
            endpoints = [endpoint for _, members in self._routes.items() for endpoint in members]
        else:
            endpoints = list(self._routes.match(model)[1])
        providers = self._providers.distinct(endpoints)
        async with asyncio.TaskGroup() as group:
            opening = [group.create_task(provider.warm()) for provider in providers]
        for provider, task in zip(providers, opening, strict=True):
            if task.result():
                for health in self._health.known(provider).values():
                    health.reached()
        return any(task.result() for task in opening)

    async def aclose(self) -> None:
        """Close the connections of every provider in use; the router stays usable."""
        endpoints = [endpoint for _, members in self._routes.items() for endpoint in members]
        for provider in self._providers.distinct(endpoints):
            await provider.aclose()

    def _recorder(
        self, request: ChatRequest, decision: Decision, observer: CallObserver | None, gate: CallGate | None
    ) -> CallRecorder:
        observers = [told for told in (self._observer, observer) if told is not None]
        return CallRecorder(decision, request, observers, self._clock, gate)

    def _models_of(self, pattern: str, endpoint: RouteEndpoint, upcoming: str | None) -> list[str]:
        """What the endpoint is asked for; under a wildcard, what it has been asked for and is about to be."""
        provider = self._providers.of(endpoint)
        if endpoint.model is not None or not pattern.endswith("*"):
            return [self._models.resolve(endpoint, provider, pattern)]
        following = [] if upcoming is None else [self._models.resolve(endpoint, provider, upcoming)]
        return list(dict.fromkeys([*following, *self._health.known(provider)])) or [pattern]

    def _route_health(self, pattern: str, endpoint: RouteEndpoint, model: str) -> RouteHealth:
        provider = self._providers.of(endpoint)
        return route_health(
            self._health.seen(provider, model),
            pattern=pattern,
            provider=provider,
            model=model,
            priority=endpoint.priority,
            now=self._clock(),
        )
