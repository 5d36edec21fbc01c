"""What is known of a key's limits, and what has been counted against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.chat import LimitKind, ToldLimit
from core.routing.limits.bucket import Bucket
from core.routing.limits.open_calls import OpenCalls, Reservation
from core.routing.limits.shared import SharedState
from core.routing.limits.told import PERIODS, Told

__all__ = ("REQUESTS", "SPARE", "TOKENS", "LimitCount", "PublishedPlan")

TOKENS: tuple[LimitKind, ...] = ("tokens_per_minute", "tokens_per_day")
REQUESTS: tuple[LimitKind, ...] = ("requests_per_minute", "requests_per_day")
SPARE = 0.02
"""Seconds of refill left over, so that rounding on either side does not turn a fit into a refusal."""
_IN_HEADERS: tuple[LimitKind, ...] = ("tokens_per_minute", "requests_per_day")
_CERTAIN = 3_600.0
"""Seconds for which others' word holds: a larger plan must not stay unknown for ever."""


class PublishedPlan(Protocol):
    """A plan's limits as the provider publishes them; ``core.catalogue.PublishedLimits``."""

    @property
    def requests_per_minute(self) -> int | None:
        """Requests a minute."""

    @property
    def requests_per_day(self) -> int | None:
        """Requests a day."""

    @property
    def tokens_per_minute(self) -> int | None:
        """Tokens a minute, prompt and output together."""

    @property
    def tokens_per_day(self) -> int | None:
        """Tokens a day, prompt and output together."""


class LimitCount:
    """The limits as the provider told of them, the calls on their way, and what all calls have used.

    Args:
        plans: the model's published plans.

    Attributes:
        buckets: the limits.
        told: those that the provider's answers show; the others are taken from a plan.
        heard: whether an answer has told of the limits, or told of none.
        own: this process's calls on their way.
        elsewhere: those of other processes, by owner.
        taken: tokens of all time, as admitted.
        returned: of them, given back.
        requests: calls of all time.
    """

    def __init__(self, plans: Sequence[PublishedPlan]) -> None:
        self.plans = tuple(plans)
        self.buckets: dict[LimitKind, Bucket] = {}
        self.told: set[LimitKind] = set()
        self.heard = False
        self.own = OpenCalls()
        self.elsewhere: dict[str, OpenCalls] = {}
        self._reservations: set[Reservation] = set()
        self.taken = 0.0
        self.returned = 0.0
        self.requests = 0
        self._told_at = 0.0
        self._at = float("-inf")

    @property
    def matters(self) -> bool:
        """Whether there are limits, or may be: not where an answer has told of none."""
        return bool(self.buckets) or not self.heard

    @property
    def held(self) -> float:
        """Tokens of calls that the provider is not known to have taken yet: kept out of the refill."""
        return self.own.held + sum(calls.held for calls in self.elsewhere.values())

    @property
    def unconfirmed(self) -> int:
        """How many such calls there are."""
        return self.own.unconfirmed + sum(calls.unconfirmed for calls in self.elsewhere.values())

    @property
    def under_way(self) -> bool:
        """Whether any call is on its way."""
        return bool(self.own) or any(self.elsewhere.values())

    @property
    def least_plan(self) -> PublishedPlan | None:
        """The one with the fewest tokens a minute."""
        known = [plan for plan in self.plans if plan.tokens_per_minute]
        return min(known, key=lambda plan: plan.tokens_per_minute or 0, default=None)

    def assume(self, now: float) -> None:
        """Take the least plan for granted."""
        if (least := self.least_plan) is not None:
            self._use_plan(least, now)

    def reserve(self, tokens: float, doubt: float, now: float) -> Reservation:
        """Set aside what a call may use, which is on its way from now on."""
        if not self.heard and not self.buckets:
            self.assume(now)
        made = Reservation(tokens, doubt, now, self.taken, self.returned, self.requests)
        self._reservations.add(made)
        self.own.begun(made)
        return made

    def admit(self, made: Reservation, now: float) -> None:
        """The provider has taken a call."""
        if not made.admitted:
            self.own.confirm(made)
            self._took(made.tokens, 1, now)

    def admit_elsewhere(self, calls: OpenCalls, now: float) -> None:
        """It has taken those of another process."""
        held, unconfirmed = calls.held, calls.unconfirmed
        calls.confirm_all()
        self._took(held, unconfirmed, now)

    def settle(self, made: Reservation, used: float, now: float) -> None:
        """A call is over, and has used so many tokens."""
        self.admit(made, now)
        self.close(made)
        returned = made.tokens - used
        self._use(-returned, 0, now)
        if returned > 0:
            self.returned += returned
        else:
            self.taken -= returned

    def release(self, made: Reservation, now: float) -> None:
        """A call comes to nothing."""
        if made.admitted:
            self._use(-made.tokens, -1, now)
            self.returned += made.tokens
        self.close(made)

    def close(self, made: Reservation) -> None:
        """A call is not on its way any more; what it has taken stays so."""
        self.own.over(made)
        self._reservations.discard(made)

    def hear(self, made: Reservation, told: Sequence[Told], now: float) -> None:
        """The headers of a call's answer tell of limits, or of none."""
        made.told = True
        if not self.heard:
            self.buckets.clear()
            self.heard = True
        known = {kind: bucket.limit for kind, bucket in self.buckets.items() if kind in self.told}
        for limit in told:
            self._hear(made, limit, now)
        if any(known.get(limit.kind) != limit.limit for limit in told):
            self._find_plan(now)

    def refused(self, told: ToldLimit, now: float, retry_after: float | None) -> None:
        """A refusal names one of the limits."""
        self.heard = True
        bucket = self.buckets.get(told.kind)
        if bucket is None:
            bucket = self.buckets[told.kind] = Bucket(told.limit, PERIODS[told.kind], now)
        bucket.resize(told.limit, PERIODS[told.kind], now)
        self._note_told(told.kind, now)
        if told.used is not None:
            used = float(told.used)
            if retry_after is not None:
                wait = retry_after - SPARE  # the provider's own word needs nothing to spare
                used = min(used, told.limit - told.requested + wait * bucket.rate)
            bucket.set_used(used, now)

    # -- for other processes -------------------------------------------------------------------------

    def state(self, me: str, now: float) -> SharedState:
        """All of it; this process's calls as those of ``me``."""
        now = max(now, self._at)
        open_ = {**self.elsewhere, me: self.own} if self.own else dict(self.elsewhere)
        return SharedState(
            at=now,
            told_at=self._told_at,
            heard=self.heard,
            told=sorted(self.told),
            buckets={kind: (b.limit, b.period, b.used(now)) for kind, b in self.buckets.items()},
            taken=self.taken,
            returned=self.returned,
            requests=self.requests,
            open=open_ if self.matters else {},  # else nobody will say when the calls are over
            waiting={},
        )

    def take_in(self, state: SharedState, me: str, now: float) -> None:
        """Go on from what others have written; the calls of ``me`` are known here."""
        self._at = state.at
        self._told_at = state.told_at
        self.heard = state.heard
        self.told = set(state.told) if now - state.told_at < _CERTAIN else set()
        self.taken, self.returned, self.requests = state.taken, state.returned, state.requests
        self.buckets = {}
        for kind, (limit, period, used) in state.buckets.items():
            self.buckets[kind] = bucket = Bucket(limit, period, state.at)
            bucket.set_used(used, state.at)
        self.elsewhere = state.open
        self._admitted_by_others(self.elsewhere.pop(me, self.own))

    # -- inside ------------------------------------------------------------------------------------

    def _admitted_by_others(self, own: OpenCalls) -> None:
        """Others may have counted our calls as taken, where nobody heard of them for long."""
        if own.unconfirmed:
            return
        for made in self._reservations:
            if not made.admitted and made.at <= own.latest:
                self.own.confirm(made)

    def _took(self, tokens: float, requests: int, now: float) -> None:
        self._use(tokens, requests, now)
        self.taken += tokens
        self.requests += requests

    def _use(self, tokens: float, requests: int, now: float) -> None:
        for kind, bucket in self.buckets.items():
            bucket.take(tokens if kind in TOKENS else requests, now)

    def _note_told(self, kind: LimitKind, now: float) -> None:
        self.told.add(kind)
        self._told_at = now

    def _hear(self, made: Reservation, told: Told, now: float) -> None:
        bucket = self.buckets.get(told.kind)
        self._note_told(told.kind, now)
        if bucket is None:
            bucket = self.buckets[told.kind] = Bucket(told.limit, told.period, now)
            bucket.set_used(told.used, now)
            self._lower(made, made.doubt, told.kind, now)  # what they count of it is not to be given back
        elif bucket.limit != told.limit:
            bucket.resize(told.limit, told.period, now)
            bucket.set_used(told.used, now)
            self._lower(made, made.doubt, told.kind, now)
            self.buckets = {kind: kept for kind, kept in self.buckets.items() if kind in self.told}
        elif told.kind in TOKENS:
            self._correct_tokens(bucket, made, told, now)
        else:
            others = self.requests - made.requests_before - 1
            least = told.used - bucket.rate * (now - made.at) - self.unconfirmed
            bucket.set_used(min(max(bucket.used(now), least), told.used + others), now)

    def _correct_tokens(self, bucket: Bucket, made: Reservation, told: Told, now: float) -> None:
        """Bring our own count within what the headers allow.

        They tell of a moment between the call's start and now. What others of ours took or gave back
        since the start may be in the count already or not; our own count decides within that doubt.
        Above it, the prompt was estimated too high; below it, somebody else uses the same key.
        """
        taken = self.taken - made.taken_before - made.tokens
        returned = self.returned - made.returned_before
        others = self.own.tokens - made.tokens + sum(calls.tokens for calls in self.elsewhere.values())
        least = told.used - bucket.rate * (now - made.at) - returned - self.held
        most = told.used + taken + others
        own = bucket.used(now)
        if own > most:
            self._lower(made, min(own - most, made.doubt), told.kind, now)
        bucket.set_used(max(min(own, most), least), now)

    def _lower(self, made: Reservation, tokens: float, known: LimitKind, now: float) -> None:
        """The prompt was estimated too high, by so many tokens; the ``known`` limit has them right."""
        self.own.lower(made, tokens)
        self.taken -= tokens
        for kind in TOKENS:
            if kind != known and kind in self.buckets:
                self.buckets[kind].take(-tokens, now)

    def _find_plan(self, now: float) -> None:
        """Count what headers do not tell by the plan whose other limits are as they tell."""
        for plan in self.plans:
            named = {kind: getattr(plan, kind) for kind in _IN_HEADERS}
            told = {kind: self.buckets[kind].limit for kind in self.told}
            if all(told.get(kind) == size for kind, size in named.items() if size):
                self._use_plan(plan, now)
                return

    def _use_plan(self, plan: PublishedPlan, now: float) -> None:
        for kind in PERIODS:
            size: int | None = getattr(plan, kind)
            if size and kind not in self.told:
                bucket = self.buckets.get(kind)
                if bucket is None:
                    bucket = self.buckets[kind] = Bucket(size, PERIODS[kind], now)
                    everybody = (self.own, *self.elsewhere.values())
                    tokens = sum(calls.admitted for calls in everybody)
                    requests = sum(calls.confirmed for calls in everybody)
                    bucket.set_used(tokens if kind in TOKENS else requests, now)
                elif bucket.limit != size:
                    bucket.resize(size, PERIODS[kind], now)
