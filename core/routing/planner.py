"""From a request to its itinerary: which endpoints could answer, and in which order they are asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import inf
from random import Random

from core.chat import CallRole, ChatRequest, Decision, SkippedRoute
from core.errors import ProviderError
from core.routing.candidate import Candidate
from core.routing.endpoint import RouteEndpoint, RouteTable
from core.routing.endpoint_providers import EndpointProviders
from core.routing.for_speech import for_speech
from core.routing.health_book import HealthBook
from core.routing.itinerary import Itinerary
from core.routing.known_models import KnownModels
from core.routing.limits.queue import Turns
from core.routing.mending import Mender
from core.routing.read_prompts import conversation_of
from core.routing.reserve import Standby
from core.routing.strategy import EndpointState, LoadBalanceStrategy, rank

__all__ = ("Planner",)

_Offer = tuple[RouteEndpoint, Candidate]


class Planner:
    """Plans the ways of requests, all of one router.

    Args:
        strategy: chooses among the healthy endpoints of the lowest priority number.
        routes: which names lead where.
        providers: who is called at an endpoint.
        models: what providers call them, what they can do and what they cost.
        health: how endpoints have done so far.
        mender: sees to endpoints that have failed.
        random: for the strategies that draw.
        standby: who answers while the network is gone.
    """

    def __init__(
        self,
        strategy: LoadBalanceStrategy,
        routes: RouteTable,
        providers: EndpointProviders,
        models: KnownModels,
        health: HealthBook,
        mender: Mender,
        random: Random,
        standby: Standby | None,
    ) -> None:
        self.strategy = strategy
        self._routes = routes
        self._providers = providers
        self._models = models
        self._health = health
        self._mender = mender
        self._clock = mender.clock
        self._random = random
        self._standby = standby
        self._turns: defaultdict[str, int] = defaultdict(int)
        self._places = Turns(mender.clock)

    def plan(
        self,
        request: ChatRequest,
        api_keys: Mapping[str, str] | None = None,
        *,
        streaming: bool,
        role: CallRole = "first",
        mends: tuple[type[ProviderError], ...] = (),
    ) -> Itinerary:
        """The request's way; arguments as `LLMRouter.stream`.

        Raises:
            UnknownRoute: no route leads to the request's model.
        """
        pattern, endpoints = self._routes.match(request.model)
        decision = Decision(requested=request.model, strategy=self.strategy.value)
        turn = self._places.next()
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

    def take_turn(self, request: ChatRequest) -> None:
        """Strategies that go round count the requests of a route."""
        self._turns[self._routes.match(request.model)[0]] += 1

    def _candidate(
        self, endpoint: RouteEndpoint, request: ChatRequest, api_keys: Mapping[str, str], turn: float
    ) -> Candidate:
        provider = self._providers.of(endpoint)
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
