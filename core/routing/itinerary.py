"""One request's way through its routes: what to try next, after each failure. No I/O, no sleeping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from core.chat import CallRole, ChatRequest, Decision, RouteChanged
from core.errors import (
    AllRoutesFailed,
    BudgetExceeded,
    ConnectionFailed,
    CredentialsError,
    ProviderError,
    RateLimited,
    ServerFailed,
    StreamInterrupted,
    StreamStalled,
)
from core.providers import Provider
from core.routing.actions import Action, RouteError, cooled_down, on_demand, policy_for, shrunk
from core.routing.candidate import Candidate
from core.routing.health import EndpointHealth
from core.routing.known_models import KnownModels, same_weights
from core.routing.limits import Room
from core.routing.queue import Place
from core.routing.rescue import continuation
from core.routing.retry import RetryPolicy, pause

if TYPE_CHECKING:
    from core.routing.reserve import Standby

__all__ = ("Attempt", "CallIn", "Itinerary", "Step", "Wait")

_NO_WAIT = 0.001
"""Seconds; timers may fire this much early."""
_SAME = 0.05
"""Seconds by which a predicted wait may exceed what the provider told."""
_FIRST_DOUBT = 2
"""Calls that do not get through before the network counts as gone; one may be a connection that broke."""
_NO_NETWORK = 30.0
"""Seconds for which no route is tried while the reserve answers; a connection that opens ends it before."""
_RESCUES = 3
"""Calls that may go on with one answer."""
_AT_LIMIT = policy_for(RateLimited("")).because
_NO_ANSWER = (ConnectionFailed, StreamInterrupted, StreamStalled, CredentialsError, BudgetExceeded)
"""Failures that do not show that there is a network."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Call this now. ``change`` is what to tell the user where it is not where the last try went."""

    candidate: Candidate
    reason: str
    change: RouteChanged | None = None
    role: CallRole = "first"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is ready: sleep ``seconds``, then ask again; in ``place`` where a limit has no room.

    ``label`` is the provider that is waited for; ``predicted`` where a limit is all that it is for.
    """

    seconds: float
    reason: str
    label: str
    place: Place | None = None
    predicted: bool = False


@dataclass(frozen=True, slots=True)
class CallIn:
    """The network is gone: `Itinerary.reinforce` with the reserve, then ask again."""


Step = Attempt | Wait | CallIn


class Itinerary:
    """Decides step by step; fed with failures, it ends in an answer or in one error.

    Args:
        request: what is asked.
        candidates: the endpoints, best first.
        decision: where what is decided is recorded.
        models: what replaces a model that is gone.
        health_of: the health of a model at a provider.
        policy: how patient to be.
        clock: monotonic seconds.
        rng: for the jitter of pauses.
        role: what the first call is made for.
        mends: failures that whoever asks mends itself, so that they end it.
        standby: who answers while the network is gone; called in once at most.
    """

    def __init__(
        self,
        request: ChatRequest,
        candidates: Sequence[Candidate],
        decision: Decision,
        *,
        models: KnownModels,
        health_of: Callable[[Provider, str], EndpointHealth],
        policy: RetryPolicy,
        clock: Callable[[], float],
        rng: Random,
        role: CallRole = "first",
        mends: tuple[type[ProviderError], ...] = (),
        standby: Standby | None = None,
    ) -> None:
        self.decision = decision
        self._request = request
        self._candidates = candidates
        self._standby = standby
        self._may_call_in = standby is not None
        self._models = models
        self._health_of = health_of
        self._policy = policy
        self._clock = clock
        self._rng = rng
        self._role = role
        self._mends = mends
        self._causes: list[tuple[str, RouteError]] = []
        self._again: Candidate | None = None
        self._final: ProviderError | None = None
        self._left: tuple[str, str, str] | None = None
        """Provider, model and misfortune of the last failed try."""
        self._broken: ProviderError | CredentialsError | None = None
        """What broke off an answer of which a part has been passed on."""
        self._missing = ""
        self._rescuers: list[Candidate] = []
        self._rescues = 0

    @property
    def candidates(self) -> Sequence[Candidate]:
        """The endpoints, best first."""
        return self._candidates

    def next_step(self) -> Step:
        """What to do now.

        Raises:
            ProviderError: the request itself is at fault, so that no route could answer it.
            AllRoutesFailed: no route is left to try.
        """
        if self._broken is not None:
            return self._rescue(self._broken)
        if self._final is not None:
            raise self._final if len(self._causes) == 1 else self._all_failed()
        if self._may_call_in and self._cut_off():
            self._may_call_in = False
            return CallIn()
        again, self._again = self._again, None
        if again is not None and again.health.ready and self._fits(again):
            return self._attempt(again)
        while live := [candidate for candidate in self._candidates if self._may_fit(candidate)]:
            now = self._clock()
            ready = [c for c in live if c.health.ready and c.not_before <= now + _NO_WAIT]
            ready = [c for c in ready if self._fits(c)]
            if ready:
                return self._attempt(min(ready, key=lambda c: c.tries))
            soonest = min(live, key=lambda c: c.promising_at(now))
            room = soonest.fit(now).room
            seconds = max(soonest.not_before - now, soonest.health.busy_until - now, room.wait)
            if seconds <= _NO_WAIT:
                return self._attempt(soonest)
            patience = self._policy.longest_wait - self.decision.waited
            if not room.told:  # the answer of the call under way tells, and wakes whoever waits for it
                seconds = min(seconds, max(patience, 0.0))
            if _NO_WAIT < seconds <= patience:
                return self._wait(soonest, seconds, room)
            if soonest.tries == 0 and not (room.told and room.wait > patience):
                return self._attempt(soonest)
            if soonest.tries == 0:
                self._causes.append((soonest.label, soonest.no_room(room)))
            soonest.out = True
        raise self._refused() or self._all_failed()

    def reinforce(self, reserve: Sequence[Candidate], missing: str = "") -> None:
        """The network is gone, and these can answer without one; where there are none all stays as it was.

        Args:
            reserve: who can answer now.
            missing: what to do so that somebody could, for whoever is told that nobody did.
        """
        if not reserve:
            self._missing = missing
            return
        for candidate in self._candidates:
            candidate.out = True
            candidate.health.cut_off(_NO_NETWORK)
        self._candidates = [*self._candidates, *reserve]
        self._again = None

    def failed(self, candidate: Candidate, error: RouteError) -> None:
        """A try failed before any of the answer had been passed on; health is already told."""
        policy = policy_for(error)
        self._causes.append((candidate.label, error))
        self._left = (candidate.provider.name, candidate.model, f"{candidate.label} {policy.because}")
        candidate.because = policy.because
        candidate.doubtful = policy.unhealthy
        if isinstance(error, self._mends):
            self._final = error
        elif not self._mended(candidate, policy.action, error):
            candidate.forget_cap()
            candidate.out = policy.action is not Action.LATER or not self._may_retry(candidate, error)

    def broke_off(self, candidate: Candidate, error: ProviderError | CredentialsError, said: str) -> None:
        """An answer ended early, of which ``said`` has been passed on: the other routes are to go on with it.

        Those with the same weights come first, since they go on in the same voice, and the route itself
        comes last, where it may work again. Whichever is not ready is left out: nobody waits within a
        sentence. Without any the error stands.
        """
        policy = policy_for(error)
        self._left = (candidate.provider.name, candidate.model, f"{candidate.label} {policy.because}")
        self._broken = self._broken or error
        if isinstance(error, StreamInterrupted):
            error.hint = "Ask again, or continue from what arrived."  # this is text: half of it is of use
        self._again = None
        others = [c for c in self._candidates if c is not candidate and not c.out and not c.reserve]
        candidate.broken = True
        others.sort(key=lambda c: (c.broken, not same_weights(c.model, candidate.model)))
        itself = [candidate] if policy.action is Action.LATER else []
        self._rescuers = [*others, *itself]
        for rescuer in self._rescuers:
            rescuer.forget_cap()
            rescuer.request = continuation(self._request, said, prefill=rescuer.prefills)

    def rival(self, candidate: Candidate, accepts: Callable[[Candidate], bool]) -> Attempt | None:
        """Who is asked beside a route that is slow to begin; ``None`` where nobody is ready.

        A server of the user's own machine is not: it is there for when nobody else is.
        """
        for other in self._candidates:
            is_another = other is not candidate and not other.tries and not other.out
            if (
                is_another
                and not other.provider.profile.local
                and other.health.ready
                and self._fits(other)
                and accepts(other)
            ):
                return replace(
                    self._attempt(other),
                    reason=f"{candidate.label} is slow to begin",
                    change=None,
                    role="hedge",
                )
        return None

    def _rescue(self, broken: ProviderError | CredentialsError) -> Attempt:
        """The next call that is to go on with the answer."""
        again, self._again = self._again, None
        while self._rescues < _RESCUES and (again or self._rescuers):
            rescuer = again or self._rescuers.pop(0)
            again = None
            if rescuer.health.ready and self._fits(rescuer):
                self._rescues += 1
                return self._attempt(rescuer)
        raise broken

    def _fits(self, candidate: Candidate) -> bool:
        fitting = candidate.fit(self._clock())
        return not fitting.never and fitting.room.wait <= _NO_WAIT

    def _may_fit(self, candidate: Candidate) -> bool:
        """Whether it may still be tried; what is larger than its limits is not even sent."""
        if not candidate.out and candidate.never_fits:
            candidate.out = True
            self._causes.append((candidate.label, candidate.too_large()))
        return not candidate.out

    def _wait(self, candidate: Candidate, seconds: float, room: Room) -> Wait:
        told = max(candidate.not_before, candidate.health.busy_until) - self._clock()
        if told >= room.wait - _SAME:
            because = candidate.because or candidate.health.busy_because
            if because != _AT_LIMIT:
                return Wait(seconds, f"{candidate.label} {because}", candidate.label)
            place = None
        else:
            place = Place(candidate.health.allowance, candidate.turn, candidate.fit(self._clock()).tokens)
        reason = f"{candidate.label} ready in {seconds:.1f} s"
        return Wait(seconds, reason, candidate.label, place, predicted=True)

    def _cut_off(self) -> bool:
        """Whether no route can be reached, so that the network is gone as far as can be told."""
        if not all(isinstance(cause, _NO_ANSWER) for _, cause in self._causes):
            return False
        hopeful = [c for c in self._candidates if c.health.unreached or not c.out]  # the others have no key
        unreached = [c.health.unreached for c in hopeful if c.tries or not c.health.ready]
        return len(unreached) == len(hopeful) and all(unreached) and sum(unreached) >= _FIRST_DOUBT

    def _mended(self, candidate: Candidate, action: Action, error: RouteError) -> bool:
        """Whether the same endpoint is worth another try at once, and with what."""
        request: ChatRequest | None = None
        match action:
            case Action.RAISE if isinstance(error, ProviderError):
                self._final = error
            case Action.REPLACE_MODEL:
                return self._replaced(candidate)
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
        self._again = candidate
        return True

    def _replaced(self, candidate: Candidate) -> bool:
        candidate.forget_cap()
        gone = candidate.model
        successor = self._models.replace(candidate.provider, gone)
        if successor is None:
            return False
        candidate.model = successor
        candidate.health = self._health_of(candidate.provider, successor)
        candidate.tries = 0
        candidate.doubtful = False
        self._left = (candidate.provider.name, gone, self._models.fate(candidate.provider, gone))
        self._again = candidate
        return True

    def _may_retry(self, candidate: Candidate, error: RouteError) -> bool:
        """Plan a later try of the same endpoint, if its tries and the retry budget allow one."""
        if candidate.tries > self._policy.retries:
            return False
        if policy_for(error).unhealthy and not candidate.health.budget.allows:
            return False
        told = error.retry_after if isinstance(error, RateLimited | ServerFailed) else None
        candidate.not_before = self._clock() + pause(candidate.tries, told, self._policy, self._rng)
        return True

    def _attempt(self, candidate: Candidate) -> Attempt:
        candidate.tries += 1
        candidate.admit(self._clock())
        if candidate.skipped is not None:
            self.decision.skipped.remove(candidate.skipped)
            candidate.skipped = None
        if candidate.reserve:
            return Attempt(candidate, candidate.reason, self._taken_over(candidate), role="fallback")
        if self._left is None:
            return Attempt(candidate, candidate.reason, role=self._role)
        provider, model, misfortune = self._left
        rescue = self._broken is not None
        if (provider, model) == (candidate.provider.name, candidate.model) and not rescue:
            return Attempt(candidate, f"once more: {misfortune}", role="retry")
        target = candidate.model
        if provider != candidate.provider.name:
            target = f"{target} at {candidate.label}"
        told = f"{misfortune}; {target} goes on" if rescue else f"{misfortune}; using {target}"
        change = RouteChanged(provider, model, candidate.provider.name, candidate.model, told)
        return Attempt(candidate, misfortune, change, role="rescue" if rescue else "fallback")

    def _taken_over(self, candidate: Candidate) -> RouteChanged | None:
        """What to say when the reserve answers in place of the routes; nothing where it did already."""
        if self._standby is not None and self._standby.is_on_duty(candidate):
            return None
        first = self._candidates[0]
        provider, model, misfortune = self._left or (
            first.provider.name,
            first.model,
            f"{first.label} cannot be reached",
        )
        caution = candidate.caution
        return RouteChanged(
            provider,
            model,
            candidate.provider.name,
            candidate.model,
            f"offline, {misfortune}{f'; {caution}' if caution else ''}",
        )

    def _refused(self) -> BudgetExceeded | None:
        """The refusal, where money alone kept every route from answering: nothing failed then."""
        refusals = [cause for _, cause in self._causes if isinstance(cause, BudgetExceeded)]
        return refusals[0] if refusals and len(refusals) == len(self._causes) else None

    def _all_failed(self) -> AllRoutesFailed:
        """The last cause of each provider, in its own words; a single one speaks for itself."""
        latest = dict(self._causes)
        if len(latest) == 1:
            ((_, cause),) = latest.items()
            message, hint = cause.message, cause.hint
        else:
            message = " ".join(
                ["No route answered.", *(f"{label}: {cause.message}" for label, cause in latest.items())]
            )
            hint = next((cause.hint for cause in latest.values() if cause.hint), "")
        hint = f"{hint} {self._missing}".strip()
        causes = [cause for _, cause in self._causes]
        failure = AllRoutesFailed(message, causes=causes, decision=self.decision, hint=hint)
        failure.__cause__ = causes[-1]
        return failure
