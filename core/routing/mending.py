"""What a failure changes about the endpoint that failed, so that it may be tried again."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from core.chat import ChatRequest
from core.errors import RateLimited, ServerFailed
from core.providers import Provider
from core.routing.actions import Action, RouteError, cooled_down, on_demand, policy_for, shrunk
from core.routing.candidate import Candidate
from core.routing.health import EndpointHealth
from core.routing.known_models import KnownModels
from core.routing.retry import RetryPolicy, pause

__all__ = ("Mender",)


class Mender:
    """Changes candidates after their failures; one for all requests.

    Args:
        models: what replaces a model that is gone.
        health_of: the health of a model at a provider.
        policy: how patient to be.
        clock: monotonic seconds.
        rng: for the jitter of pauses.
    """

    def __init__(
        self,
        models: KnownModels,
        health_of: Callable[[Provider, str], EndpointHealth],
        policy: RetryPolicy,
        clock: Callable[[], float],
        rng: Random,
    ) -> None:
        self.policy = policy
        self.clock = clock
        self._models = models
        self._health_of = health_of
        self._rng = rng

    def changed(self, candidate: Candidate, error: RouteError) -> bool:
        """Whether the same endpoint is worth another try at once, with another request than before."""
        request: ChatRequest | None = None
        match policy_for(error).action:
            case Action.REPEAT if not candidate.repeated:
                candidate.repeated = True
                request = cooled_down(candidate.request)
            case Action.ON_DEMAND:
                request = on_demand(candidate.request)
            case Action.SHRINK if not candidate.repeated:
                candidate.repeated = True
                sent_cap = candidate.provider.profile.output_cap(candidate.request, candidate.model)
                request = shrunk(candidate.request, error, sent_cap)
        if request is None:
            return False
        candidate.request = request
        return True

    def replaced(self, candidate: Candidate) -> str | None:
        """What became of its model, where another is to be asked for in its place; else ``None``."""
        gone = candidate.model
        successor = self._models.replace(candidate.provider, gone)
        if successor is None:
            return None
        candidate.forget_cap()
        candidate.model = successor
        candidate.health = self._health_of(candidate.provider, successor)
        candidate.tries = 0
        candidate.doubtful = False
        return self._models.fate(candidate.provider, gone)

    def postponed(self, candidate: Candidate, error: RouteError) -> bool:
        """Plan a later try of the same endpoint, if its tries and the retry budget allow one."""
        policy = policy_for(error)
        if policy.action is not Action.LATER or candidate.tries > self.policy.retries:
            return False
        if policy.unhealthy and not candidate.health.budget.allows:
            return False
        told = error.retry_after if isinstance(error, RateLimited | ServerFailed) else None
        candidate.not_before = self.clock() + pause(candidate.tries, told, self.policy, self._rng)
        return True
