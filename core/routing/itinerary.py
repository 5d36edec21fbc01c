"""One request's way through its routes: what to try next, after each failure. No I/O, no sleeping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.chat import CallRole, ChatRequest, Decision, RouteChanged
from core.errors import CredentialsError, ProviderError, RateLimited
from core.routing.actions import Action, RouteError, policy_for
from core.routing.candidate import Candidate
from core.routing.limits.admission import NO_WAIT
from core.routing.limits.allowance import Room
from core.routing.limits.queue import Place
from core.routing.mending import Mender
from core.routing.misfortunes import Misfortune, Misfortunes
from core.routing.rescue.rescuers import Rescuers
from core.routing.steps import Attempt, CallIn, Step, Wait

if TYPE_CHECKING:
    from core.routing.reserve import Standby

__all__ = ("Itinerary",)

_SAME = 0.05
"""Seconds by which a predicted wait may exceed what the provider told."""
_FIRST_DOUBT = 2
"""Calls that do not get through before the network counts as gone; one may be a connection that broke."""
_NO_NETWORK = 30.0
"""Seconds for which no route is tried while the reserve answers; a connection that opens ends it before."""
_AT_LIMIT = policy_for(RateLimited("")).because


class Itinerary:
    """Decides step by step; fed with failures, it ends in an answer or in one error.

    Args:
        request: what is asked.
        candidates: the endpoints, best first.
        decision: where what is decided is recorded.
        mender: sees to candidates that have failed.
        role: what the first call is made for.
        mends: failures that whoever asks mends itself, so that they end it.
        standby: who answers while the network is gone; called in once at most.

    Attributes:
        candidates: the endpoints, best first; the reserve after them, once it is called in.
        decision: where what is decided is recorded.
    """

    __slots__ = (
        "_again",
        "_begins_anew",
        "_clock",
        "_may_call_in",
        "_mender",
        "_mends",
        "_misfortunes",
        "_request",
        "_rescuers",
        "_role",
        "_standby",
        "candidates",
        "decision",
    )

    def __init__(
        self,
        request: ChatRequest,
        candidates: Sequence[Candidate],
        decision: Decision,
        mender: Mender,
        *,
        role: CallRole = "first",
        mends: tuple[type[ProviderError], ...] = (),
        standby: Standby | None = None,
    ) -> None:
        self.candidates = candidates
        self.decision = decision
        self._request = request
        self._mender = mender
        self._clock = mender.clock
        self._role = role
        self._mends = mends
        self._standby = standby
        self._may_call_in = standby is not None
        self._misfortunes = Misfortunes()
        self._again: Candidate | None = None
        """Who is worth another try at once."""
        self._begins_anew = False
        """Whether the next call gives the answer, of which a part is taken back, from its start."""
        self._rescuers: Rescuers | None = None
        """Who may go on with the answer, of which a part has been passed on."""

    def next_step(self) -> Step:
        """What to do now.

        Raises:
            ProviderError: the request itself is at fault, so that no route could answer it.
            AllRoutesFailed: no route is left to try.
        """
        again, self._again = self._again, None
        if self._rescuers is not None:
            return self._rescue(self._rescuers, again)
        if self._misfortunes.final is not None:
            raise self._misfortunes.end(self.decision)
        if self._may_call_in and self._cut_off():
            self._may_call_in = False
            self._again = again
            return CallIn()
        if again is not None and self._is_ready(again) and (attempt := self._attempt(again)):
            return attempt
        while live := [candidate for candidate in self.candidates if self._may_fit(candidate)]:
            now = self._clock()
            ready = [c for c in live if c.health.ready and c.not_before <= now + NO_WAIT]
            ready = [c for c in ready if self._fits(c)]
            if ready:
                if attempt := self._attempt(min(ready, key=lambda c: c.tries)):
                    return attempt
                continue
            soonest = min(live, key=lambda c: c.promising_at(now))
            if (step := self._wait_or_try(soonest, now)) is not None:
                return step
            soonest.out = True
        raise self._misfortunes.end(self.decision)

    def reinforce(self, reserve: Sequence[Candidate], missing: str = "") -> None:
        """The network is gone, and these can answer without one; where there are none all stays as it was.

        Args:
            reserve: who can answer now.
            missing: what to do so that somebody could, for whoever is told that nobody did.
        """
        if not reserve:
            self._misfortunes.missing = missing
            return
        for candidate in self.candidates:
            candidate.out = True
            candidate.health.cut_off(_NO_NETWORK)
        self.candidates = [*self.candidates, *reserve]
        self._again = None

    def failed(self, candidate: Candidate, error: RouteError) -> None:
        """A try failed before any of the answer had been passed on; health is already told."""
        policy = policy_for(error)
        self._misfortunes.failed(candidate, error)
        candidate.because = policy.because
        candidate.doubtful = policy.unhealthy
        if isinstance(error, self._mends):
            self._misfortunes.final = error
            return
        if policy.action is Action.RAISE and isinstance(error, ProviderError):
            self._misfortunes.final = error
        if self._is_mended(candidate, error):
            self._again = candidate
            return
        candidate.forget_cap()
        candidate.out = not self._mender.postponed(candidate, error)

    def broke_off(self, candidate: Candidate, error: ProviderError | CredentialsError, said: str) -> None:
        """An answer ended early, of which ``said`` has been passed on: others are to go on with it."""
        self._misfortunes.left(candidate, error)
        self._again = None
        if self._rescuers is None:
            self._rescuers = Rescuers(self._request, error)
        self._rescuers.broke_off(candidate, error, said, self.candidates)

    def may_begin_anew(self, error: ProviderError | CredentialsError) -> bool:
        """Whether the whole call is worth another try after this: not where the request is at fault."""
        return policy_for(error).action is not Action.RAISE and not isinstance(error, self._mends)

    def begin_anew(self, candidate: Candidate, error: ProviderError | CredentialsError) -> None:
        """An answer ended early, and what has been passed on of it is taken back: ask for all of it."""
        if self._rescuers is not None:
            self._rescuers.dismiss()
            self._rescuers = None
        self._begins_anew = True
        self.failed(candidate, error)

    def rival(self, candidate: Candidate, accepts: Callable[[Candidate], bool]) -> Attempt | None:
        """Who is asked beside a route that is slow to begin; ``None`` where nobody is ready.

        A server of the user's own machine is not: it is there for when nobody else is.
        """
        for other in self.candidates:
            is_another = other is not candidate and not other.tries and not other.out
            if is_another and not other.provider.profile.local and self._is_ready(other) and accepts(other):
                reason = f"{candidate.label} is slow to begin"
                if attempt := self._attempt(other):
                    return replace(attempt, reason=reason, change=None, role="hedge")
        return None

    def _rescue(self, rescuers: Rescuers, again: Candidate | None) -> Attempt:
        """The next call that is to go on with the answer."""
        if again is not None:
            rescuers.put_first(again)
        while (attempt := self._attempt(rescuers.next(self._is_ready))) is None:
            pass
        return attempt

    def _is_ready(self, candidate: Candidate) -> bool:
        return candidate.health.ready and self._fits(candidate)

    def _fits(self, candidate: Candidate) -> bool:
        fitting = candidate.fit(self._clock())
        return not fitting.never and fitting.room.wait <= NO_WAIT

    def _may_fit(self, candidate: Candidate) -> bool:
        """Whether it may still be tried; what is larger than its limits is not even sent."""
        if not candidate.out and candidate.never_fits:
            candidate.out = True
            self._misfortunes.left_out(candidate, candidate.too_large())
        return not candidate.out

    def _wait_or_try(self, soonest: Candidate, now: float) -> Step | None:
        """Where none is ready: wait for the one that is first, or try it in spite of its health.

        ``None`` where neither makes sense, so that it is out.
        """
        room = soonest.fit(now).room
        seconds = max(soonest.not_before - now, soonest.health.busy_until - now, room.wait)
        if seconds <= NO_WAIT:
            return self._attempt(soonest) or self._wait_or_try(soonest, self._clock())
        patience = self._mender.policy.longest_wait - self.decision.waited
        if not room.told:  # the answer of the call under way tells, and wakes whoever waits for it
            seconds = min(seconds, max(patience, 0.0))
        if NO_WAIT < seconds <= patience:
            return self._wait(soonest, seconds, room)
        if soonest.tries == 0 and not (room.told and room.wait > patience):
            return self._attempt(soonest, room.wait) or self._wait_or_try(soonest, self._clock())
        if soonest.tries == 0:
            self._misfortunes.left_out(soonest, soonest.no_room(room))
        return None

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
        if not self._misfortunes.show_no_network:
            return False
        hopeful = [c for c in self.candidates if c.health.unreached or not c.out]  # the others have no key
        unreached = [c.health.unreached for c in hopeful if c.tries or not c.health.ready]
        return len(unreached) == len(hopeful) and all(unreached) and sum(unreached) >= _FIRST_DOUBT

    def _is_mended(self, candidate: Candidate, error: RouteError) -> bool:
        """Whether the same endpoint is worth another try at once."""
        if policy_for(error).action is not Action.REPLACE_MODEL:
            return self._mender.changed(candidate, error)
        gone = candidate.model
        if (fate := self._mender.replaced(candidate)) is None:
            return False
        self._misfortunes.last = Misfortune(candidate.provider.name, gone, fate)
        return True

    def _attempt(self, candidate: Candidate, missing: float = NO_WAIT) -> Attempt | None:
        """The next call, its room set aside; ``None`` where another process has just taken the room.

        Args:
            candidate: whom to call.
            missing: seconds for which it may still have no room.
        """
        if not candidate.admit(self._clock(), missing):
            return None
        candidate.tries += 1
        if candidate.skipped is not None:
            self.decision.skipped.remove(candidate.skipped)
            candidate.skipped = None
        if candidate.reserve:
            return Attempt(candidate, candidate.reason, self._taken_over(candidate), role="fallback")
        last = self._misfortunes.last
        if last is None:
            return Attempt(candidate, candidate.reason, role=self._role)
        target = candidate.model
        if last.provider != candidate.provider.name:
            target = f"{target} at {candidate.label}"
        if self._rescuers is not None:
            goes_on = last.change_to(candidate, f"{last.told}; {target} goes on")
            return Attempt(candidate, last.told, goes_on, role="rescue")
        anew, self._begins_anew = self._begins_anew, False
        begins = f"{target} begins anew" if anew else f"using {target}"
        change = last.change_to(candidate, f"{last.told}; {begins}")
        if (last.provider, last.model) == (candidate.provider.name, candidate.model):
            return Attempt(candidate, f"once more: {last.told}", change if anew else None, role="retry")
        return Attempt(candidate, last.told, change, role="fallback")

    def _taken_over(self, candidate: Candidate) -> RouteChanged | None:
        """What to say when the reserve answers in place of the routes; nothing where it did already."""
        if self._standby is not None and self._standby.is_on_duty(candidate):
            return None
        first = self.candidates[0]
        last = self._misfortunes.last or Misfortune(
            first.provider.name, first.model, f"{first.label} cannot be reached"
        )
        caution = f"; {candidate.caution}" if candidate.caution else ""
        return last.change_to(candidate, f"offline, {last.told}{caution}")
