"""The router: routes by name, the health of their endpoints, and answers from whoever can give one."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import inf
from random import Random

from core.catalogue import Catalogue
from core.chat import (
    CallGate,
    CallObserver,
    CallRole,
    ChatRequest,
    ChatResponse,
    Decision,
    Finished,
    LimitsReported,
    SkippedRoute,
)
from core.errors import BudgetExceeded, CredentialsError, ProviderError
from core.providers import Provider
from core.routing.breaker import BreakerPolicy
from core.routing.candidate import Candidate
from core.routing.endpoint import RouteEndpoint, RouteTable
from core.routing.for_speech import for_speech
from core.routing.health_book import HealthBook
from core.routing.hedge_policy import HedgePolicy, Hedging
from core.routing.itinerary import Itinerary
from core.routing.known_models import KnownModels
from core.routing.mending import Mender
from core.routing.read_prompts import conversation_of
from core.routing.reserve import Reserve, Standby
from core.routing.retry import RetryPolicy
from core.routing.route_health import RouteHealth, route_health
from core.routing.running_call import CallRecorder
from core.routing.steps import Attempt, CallIn, Wait
from core.routing.strategy import EndpointState, LoadBalanceStrategy, rank
from core.routing.stream import ChatStream, Sleep, rest

__all__ = ("LLMRouter", "PlannedRoute")

_Offer = tuple[RouteEndpoint, Candidate]


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """Where a request would be sent.

    Attributes:
        model: the provider's own id.
        reason: why it has its place.
        output_cap: the tokens its answer may have at most; ``None`` where no cap would be sent.
        label: the provider's name for people.
        ready_in: seconds until it would be asked; 0 where that is now, infinite where it never would be.
    """

    provider: str
    model: str
    reason: str
    output_cap: int | None
    label: str = ""
    ready_in: float = 0.0


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
        first_content_timeout: seconds after which an endpoint that has not begun its answer is given
            up for the next; ``None`` leaves that to the provider's own stall limit.
        reserve: who answers while the network is gone.
        hedging: when a second endpoint is asked beside one that is slow to begin its answer.
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
        first_content_timeout: float | None = None,
        reserve: Reserve | None = None,
        hedging: HedgePolicy | None = None,
    ) -> None:
        self.strategy = LoadBalanceStrategy(strategy)
        self._models = KnownModels(catalogue)
        self._clock = clock
        self._random = random or Random()
        self._sleep = sleep
        self._observer = observer
        self._health = HealthBook(self._models, clock, breaker)
        self._mender = Mender(self._models, self._health.of, retry or RetryPolicy(), clock, self._random)
        self._first_content_timeout = first_content_timeout
        self._hedging = Hedging(hedging)
        self._routes = RouteTable()
        self._providers: dict[tuple[Provider, str | None, str | None], Provider] = {}
        self._turns: defaultdict[str, int] = defaultdict(int)
        self._places = count()
        self._standby = Standby(reserve, self._models, self._health.of) if reserve else None

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
    ) -> ChatStream:
        """Stream an answer.

        Args:
            request: what to ask.
            observer: told of this request's calls besides the router's own.
            gate: asked before each of them whether there is money for it.
            api_keys: keys to use for this request alone, by provider; forgotten when it is over.
            role: what its first call is made for.
            mends: failures that the caller mends itself: raised at once, where the router would ask again.

        Raises:
            UnknownRoute: no route leads to the request's model.
        """
        itinerary = self._itinerary(request, api_keys, streaming=True, role=role, mends=mends)
        self._take_turn(request)
        recorder = self._recorder(request, itinerary.decision, observer, gate)
        return ChatStream(
            itinerary,
            recorder,
            self._models,
            self._sleep,
            self._first_content_timeout,
            self._standby,
            self._hedging,
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
        itinerary = self._itinerary(request, api_keys, streaming=False)
        self._take_turn(request)
        recorder = self._recorder(request, itinerary.decision, observer, gate)
        while True:
            step = itinerary.next_step()
            if isinstance(step, Wait):
                await rest(step, itinerary.decision, self._clock, self._sleep)
            elif isinstance(step, CallIn):
                assert self._standby is not None
                itinerary.reinforce(await self._standby.call_in(request), self._standby.missing)
            elif response := await self._complete(step, itinerary, recorder):
                return response

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
        itinerary = self._itinerary(request, None, streaming=streaming)
        routes = [self._planned(candidate) for candidate in itinerary.candidates]
        return routes, itinerary.decision.skipped

    def _planned(self, candidate: Candidate) -> PlannedRoute:
        now = self._clock()
        fit = candidate.fit(now)
        return PlannedRoute(
            candidate.provider.name,
            candidate.model,
            candidate.reason,
            candidate.size().cap if fit.never else fit.cap,
            label=candidate.label,
            ready_in=inf if fit.never else max(0.0, candidate.health.busy_until - now, fit.room.wait),
        )

    def resolve(self, model: str) -> list[tuple[str, str]]:
        """What a request for ``model`` may be sent to: providers, and what each calls the model.

        Raises:
            UnknownRoute: no route leads to the model.
        """
        _, endpoints = self._routes.match(model)
        providers = [self._provider(endpoint) for endpoint in endpoints]
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
        providers = self._distinct(endpoints)
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
        for provider in self._distinct(endpoints):
            await provider.aclose()

    async def _complete(
        self, attempt: Attempt, itinerary: Itinerary, recorder: CallRecorder
    ) -> ChatResponse | None:
        candidate = attempt.candidate
        running = recorder.prepare(attempt)
        try:
            with running.held():
                await recorder.admit(running.call, candidate)
        except BudgetExceeded as refusal:
            itinerary.failed(candidate, refusal)
            return None
        running.start()
        try:
            response = await candidate.provider.complete(candidate.request, model=candidate.model)
        except (ProviderError, CredentialsError) as error:
            running.failed(error)
            itinerary.failed(candidate, error)
            return None
        except BaseException as reason:
            running.aborted(reason)
            raise
        running.answer.add_whole(response)
        running.call.usage = response.usage
        if response.limits is not None:
            running.noted(LimitsReported(response.limits))
        running.answered(Finished(response.finish_reason), whole=True)
        if self._standby is not None:
            self._standby.answered(candidate)
        response.cost = self._models.cost(running.call)
        response.decision = itinerary.decision
        return response

    def _itinerary(
        self,
        request: ChatRequest,
        api_keys: Mapping[str, str] | None,
        *,
        streaming: bool,
        role: CallRole = "first",
        mends: tuple[type[ProviderError], ...] = (),
    ) -> Itinerary:
        pattern, endpoints = self._routes.match(request.model)
        decision = Decision(requested=request.model, strategy=self.strategy.value)
        turn = next(self._places)
        offers = [
            (endpoint, self._candidate(endpoint, request, api_keys or {}, turn)) for endpoint in endpoints
        ]
        if any(message.images for message in request.messages):
            offers = self._that_see(offers, decision)
        standing = [candidate for _, candidate in offers]
        states = [self._state(endpoint, candidate, streaming=streaming) for endpoint, candidate in offers]
        strategy = LoadBalanceStrategy.LEAST_LATENCY if request.spoken else self.strategy
        plan = rank(strategy, states, turn=self._turns[pattern], rng=self._random)
        for place in plan.ranked:
            standing[place.index].reason = place.reason
        for place in plan.set_aside:
            candidate = standing[place.index]
            skipped = SkippedRoute(candidate.provider.name, candidate.model, place.reason)
            candidate.skipped = skipped
            decision.skipped.append(skipped)
        return Itinerary(
            request,
            [standing[place.index] for place in plan.ranked],
            decision,
            self._mender,
            role=role,
            mends=mends,
            standby=self._standby,
        )

    def _take_turn(self, request: ChatRequest) -> None:
        """Strategies that go round count the requests of a route."""
        self._turns[self._routes.match(request.model)[0]] += 1

    def _candidate(
        self, endpoint: RouteEndpoint, request: ChatRequest, api_keys: Mapping[str, str], turn: int
    ) -> Candidate:
        provider = self._provider(endpoint)
        if key := api_keys.get(provider.name):
            provider = provider.with_overrides(key, None)
            self._health.lend(provider, key)
        model = self._models.resolve(endpoint, provider, request.model)
        health = self._health.of(provider, model)
        request = for_speech(request, provider, model)
        return Candidate(provider, model, health, request, reason="", turn=turn)

    def _that_see(self, offers: list[_Offer], decision: Decision) -> list[_Offer]:
        """The endpoints whose models take images; all, where none is known to."""
        blind = [offer for offer in offers if self._models.blind(offer[1].provider, offer[1].model)]
        if len(blind) == len(offers):
            return offers
        for _, candidate in blind:
            skipped = SkippedRoute(candidate.provider.name, candidate.model, "does not see images")
            decision.skipped.append(skipped)
        return [offer for offer in offers if offer not in blind]

    def _state(self, endpoint: RouteEndpoint, candidate: Candidate, *, streaming: bool) -> EndpointState:
        health, now = candidate.health, self._clock()
        fit = candidate.fit(now)
        spoken = candidate.request.spoken
        speed = health.beginning(spoken=spoken) if streaming else health.whole_answer
        cached = health.read.tokens(conversation_of(candidate.request), now)
        priced = self.strategy is LoadBalanceStrategy.LOWEST_COST
        return EndpointState(
            priority=endpoint.priority,
            weight=endpoint.weight,
            problem=health.problem or fit.problem,
            ready_in=inf if fit.never else max(health.ready_at - now, fit.room.wait),
            latency=health.first_sentence(now, cached=cached, streaming=streaming, spoken=spoken),
            measured=speed.mean,
            price=self._models.blended_price(candidate.provider, candidate.model) if priced else None,
        )

    def _recorder(
        self, request: ChatRequest, decision: Decision, observer: CallObserver | None, gate: CallGate | None
    ) -> CallRecorder:
        observers = [told for told in (self._observer, observer) if told is not None]
        return CallRecorder(decision, request, observers, self._clock, gate)

    def _provider(self, endpoint: RouteEndpoint) -> Provider:
        """The endpoint's provider with its key and address; one object for equal ones."""
        if endpoint.api_key is None and endpoint.base_url is None:
            return endpoint.provider
        key = (endpoint.provider, endpoint.api_key, endpoint.base_url)
        if key not in self._providers:
            self._providers[key] = endpoint.provider.with_overrides(endpoint.api_key, endpoint.base_url)
        return self._providers[key]

    def _distinct(self, endpoints: Iterable[RouteEndpoint]) -> list[Provider]:
        return list(dict.fromkeys(self._provider(endpoint) for endpoint in endpoints))

    def _models_of(self, pattern: str, endpoint: RouteEndpoint, upcoming: str | None) -> list[str]:
        """What the endpoint is asked for; under a wildcard, what it has been asked for and is about to be."""
        provider = self._provider(endpoint)
        if endpoint.model is not None or not pattern.endswith("*"):
            return [self._models.resolve(endpoint, provider, pattern)]
        following = [] if upcoming is None else [self._models.resolve(endpoint, provider, upcoming)]
        return list(dict.fromkeys([*following, *self._health.known(provider)])) or [pattern]

    def _route_health(self, pattern: str, endpoint: RouteEndpoint, model: str) -> RouteHealth:
        provider = self._provider(endpoint)
        return route_health(
            self._health.seen(provider, model),
            pattern=pattern,
            provider=provider,
            model=model,
            priority=endpoint.priority,
            now=self._clock(),
        )
