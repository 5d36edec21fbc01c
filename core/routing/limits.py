"""What a provider allows one key to ask of one model: four limits, known ahead of any refusal.

Groq admits a call when its prompt and output cap fit at once into what is free of the tokens a minute,
and gives back what was not used when it is over. Its headers tell of tokens a minute and requests a
day; requests a minute and tokens a day are counted here, their sizes taken from the published plan that
the headers point to, or from a refusal's own words
(https://console.groq.com/docs/rate-limits). The wait until a call fits is
``(used + requested - limit) / rate``, which agrees with recorded refusals to some milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.chat import LimitKind, RateLimits, ToldLimit
from core.routing.bucket import Bucket

__all__ = ("Allowance", "LimitLevel", "PublishedPlan", "Reservation", "Room")

_MINUTE, _DAY = 60.0, 86_400.0
_PERIODS: dict[LimitKind, float] = {
    "requests_per_minute": _MINUTE,
    "requests_per_day": _DAY,
    "tokens_per_minute": _MINUTE,
    "tokens_per_day": _DAY,
}
_TOKENS: tuple[LimitKind, ...] = ("tokens_per_minute", "tokens_per_day")
_REQUESTS: tuple[LimitKind, ...] = ("requests_per_minute", "requests_per_day")
_IN_HEADERS: tuple[LimitKind, ...] = ("tokens_per_minute", "requests_per_day")
_SPARE = 0.02
"""Seconds of refill left over, so that rounding on either side does not turn a fit into a refusal."""
_NO_WAIT = 1e-6
"""Seconds; less is a rounding error."""


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


@dataclass(frozen=True, slots=True)
class LimitLevel:
    """One limit at one moment, to be shown; ``whole_in`` is seconds until nothing of it is used."""

    kind: LimitKind
    limit: float
    free: float
    whole_in: float


@dataclass(frozen=True, slots=True)
class Room:
    """Whether a call fits.

    Attributes:
        wait: seconds until it does; 0 where it does now.
        kind: the limit that makes it wait longest; ``None`` where none does.
        told: whether the provider's answers show that limit; otherwise it is taken for granted.
    """

    wait: float = 0.0
    kind: LimitKind | None = None
    told: bool = True


@dataclass(slots=True, eq=False)
class Reservation:
    """What is set aside for one call.

    Attributes:
        tokens: prompt, as a careful estimate has it, and output cap.
        doubt: tokens by which the prompt may be shorter than that.
        at: when it was made, on the clock.
        taken_before: tokens that all calls had taken by then, this one not among them.
        returned_before: tokens of those that had been given back by then.
        requests_before: calls that the provider had taken by then.
        admitted: whether the provider is known to have taken the call.
        open: whether the call is still on its way.
    """

    tokens: float
    doubt: float
    at: float
    taken_before: float
    returned_before: float
    requests_before: int
    admitted: bool = False
    open: bool = True


class Allowance:
    """The limits of one model under one key, as far as they are known; what is not known limits nothing.

    Before the first answer the least of the published plans is taken for granted, but only for calls
    beside one that is under way: a single call always goes, since its answer tells (``presumed`` is for its
    output cap). ``now`` is monotonic seconds throughout.

    Args:
        plans: the model's published plans.
    """

    def __init__(self, plans: Sequence[PublishedPlan] = ()) -> None:
        self._plans = tuple(plans)
        self._buckets: dict[LimitKind, Bucket] = {}
        self._told: set[LimitKind] = set()
        self._heard = False
        """Whether an answer has told of the limits, or told of none."""
        self._open: set[Reservation] = set()
        self._waiting: dict[int, float] = {}
        self._listeners: list[Callable[[], None]] = []
        self._taken = 0.0  # tokens of all time, as admitted
        self._returned = 0.0  # of them, given back
        self._requests = 0

    # -- asking ------------------------------------------------------------------------------------

    @property
    def counts(self) -> bool:
        """Whether there are limits to count against, or may be."""
        return bool(self._buckets or self._plans)

    @property
    def largest(self) -> float:
        """Tokens of the largest call that can ever fit; infinite where nothing is known."""
        return min((self._buckets[kind].limit for kind in _TOKENS if kind in self._told), default=math.inf)

    @property
    def presumed(self) -> float:
        """Tokens a minute of the least plan, which may be the one; infinite once an answer has told."""
        least = None if self._heard else self._least_plan()
        return math.inf if least is None else float(least.tokens_per_minute or math.inf)

    def free(self, now: float, turn: int | None = None) -> float:
        """Tokens that the next call may have, those before it in the queue served."""
        if not self._limiting():
            return math.inf
        ahead = self._held() + sum(self._ahead(turn))
        free = (self._buckets[kind].free(now) for kind in _TOKENS if kind in self._buckets)
        return max(0.0, min(free, default=math.inf) - ahead)

    def room(self, tokens: float, now: float, turn: int | None = None) -> Room:
        """When a call of so many tokens fits, after those that wait before it.

        Args:
            tokens: prompt and output cap; more than the limit counts as all of it.
            now: the time.
            turn: its place in the queue; ``None`` for the end.
        """
        if not self._limiting():
            return Room()
        ahead = self._ahead(turn)
        amounts: dict[LimitKind, float] = {
            **dict.fromkeys(_TOKENS, self._held() + sum(ahead)),
            **dict.fromkeys(_REQUESTS, float(self._unconfirmed() + len(ahead))),
        }
        longest = Room()
        for kind, bucket in self._buckets.items():
            spare = bucket.rate * _SPARE
            own = min((tokens if kind in _TOKENS else 1.0) + spare, bucket.limit)
            wait = bucket.wait(amounts[kind] + own, now)
            if wait > max(longest.wait, _NO_WAIT):
                longest = Room(wait, kind, self._heard)
        return longest

    def levels(self, now: float) -> list[LimitLevel]:
        """Every limit that is known."""
        if not self._heard:
            return []
        held: dict[LimitKind, float] = {
            **dict.fromkeys(_TOKENS, self._held()),
            **dict.fromkeys(_REQUESTS, float(self._unconfirmed())),
        }
        return [
            LimitLevel(
                kind,
                bucket.limit,
                max(0.0, bucket.free(now) - held[kind]),
                (bucket.used(now) + held[kind]) / bucket.rate,
            )
            for kind, bucket in self._buckets.items()
        ]

    # -- the queue ---------------------------------------------------------------------------------

    def join(self, turn: int, tokens: float, listener: Callable[[], None]) -> None:
        """Wait in the queue, in the order of ``turn``, and be told whenever there may be room earlier."""
        self._waiting[turn] = tokens
        self._listeners.append(listener)

    def leave(self, turn: int, listener: Callable[[], None]) -> None:
        """Wait no longer."""
        self._waiting.pop(turn, None)
        self._listeners.remove(listener)

    # -- calls -------------------------------------------------------------------------------------

    def reserve(self, tokens: float, now: float, *, doubt: float = 0.0) -> Reservation:
        """Set aside what a call may use; it is sent now."""
        if not self._heard and not self._buckets:
            self._assume(now)
        made = Reservation(tokens, doubt, now, self._taken, self._returned, self._requests)
        self._open.add(made)
        return made

    def reported(self, made: Reservation, limits: RateLimits | None, now: float) -> None:
        """The provider has taken the call, and its headers tell of ``limits``; ``None``: of none."""
        self._admit(made, now)
        if not self._heard:
            self._buckets.clear()
            self._heard = True
        for told in _told_by(limits) if limits is not None else ():
            self._hear(made, told, now)
        self._find_plan(now)
        self._changed()

    def settle(self, made: Reservation, used: float, now: float) -> None:
        """The call is over and has used so many tokens, those from the prompt cache left out."""
        if not made.open:
            return
        self._admit(made, now)
        self._close(made)
        returned = made.tokens - used
        self._use(-returned, 0, now)
        if returned > 0:
            self._returned += returned
        else:
            self._taken -= returned
        self._changed()

    def release(self, made: Reservation, now: float) -> None:
        """The call was not sent, or the provider did not take it."""
        if not made.open:
            return
        if made.admitted:
            self._use(-made.tokens, -1, now)
            self._returned += made.tokens
        self._close(made)
        self._changed()

    def refused(self, told: ToldLimit, now: float, retry_after: float | None = None) -> None:
        """A refusal names one of the limits, what of it is in use, and perhaps the wait in seconds."""
        self._heard = True
        self._told.add(told.kind)
        bucket = self._buckets.get(told.kind)
        if bucket is None:
            bucket = self._buckets[told.kind] = Bucket(told.limit, _PERIODS[told.kind], now)
        bucket.resize(told.limit, _PERIODS[told.kind], now)
        if told.used is not None:
            used = float(told.used)
            if retry_after is not None:
                wait = retry_after - _SPARE  # the provider's own word needs nothing to spare
                used = min(used, told.limit - told.requested + wait * bucket.rate)
            bucket.set_used(used, now)
        self._changed()

    # -- inside ------------------------------------------------------------------------------------

    def _limiting(self) -> bool:
        """Whether anything limits the next call; before the first answer only others under way do."""
        return bool(self._buckets) and (self._heard or bool(self._open))

    def _assume(self, now: float) -> None:
        """Take the least plan for granted."""
        if (least := self._least_plan()) is not None:
            self._use_plan(least, now)

    def _least_plan(self) -> PublishedPlan | None:
        known = [plan for plan in self._plans if plan.tokens_per_minute]
        return min(known, key=lambda plan: plan.tokens_per_minute or 0, default=None)

    def _ahead(self, turn: int | None) -> list[float]:
        return [tokens for other, tokens in self._waiting.items() if turn is None or other < turn]

    def _held(self) -> float:
        """Tokens of calls that the provider is not known to have taken yet: kept out of the refill."""
        return sum(made.tokens for made in self._open if not made.admitted)

    def _unconfirmed(self) -> int:
        return sum(not made.admitted for made in self._open)

    def _admit(self, made: Reservation, now: float) -> None:
        if not made.admitted:
            made.admitted = True
            self._use(made.tokens, 1, now)
            self._taken += made.tokens
            self._requests += 1

    def _use(self, tokens: float, requests: int, now: float) -> None:
        for kind, bucket in self._buckets.items():
            bucket.take(tokens if kind in _TOKENS else requests, now)

    def _close(self, made: Reservation) -> None:
        made.open = False
        self._open.discard(made)

    def _changed(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _hear(self, made: Reservation, told: _Told, now: float) -> None:
        bucket = self._buckets.get(told.kind)
        self._told.add(told.kind)
        if bucket is None:
            bucket = self._buckets[told.kind] = Bucket(told.limit, told.period, now)
            bucket.set_used(told.used, now)
            self._lower(made, made.doubt, told.kind, now)  # what they count of it is not to be given back
        elif bucket.limit != told.limit:
            bucket.resize(told.limit, told.period, now)
            bucket.set_used(told.used, now)
            self._lower(made, made.doubt, told.kind, now)
            self._buckets = {kind: kept for kind, kept in self._buckets.items() if kind in self._told}
        elif told.kind in _TOKENS:
            self._correct_tokens(bucket, made, told, now)
        else:
            others = self._requests - made.requests_before - 1
            least = told.used - bucket.rate * (now - made.at) - self._unconfirmed()
            bucket.set_used(min(max(bucket.used(now), least), told.used + others), now)

    def _correct_tokens(self, bucket: Bucket, made: Reservation, told: _Told, now: float) -> None:
        """Bring our own count within what the headers allow.

        They tell of a moment between the call's start and now. What others of ours took or gave back
        since the start may be in the count already or not; our own count decides within that doubt.
        Above it, the prompt was estimated too high; below it, somebody else uses the same key.
        """
        taken = self._taken - made.taken_before - made.tokens
        returned = self._returned - made.returned_before
        others = sum(other.tokens for other in self._open if other is not made)
        least = told.used - bucket.rate * (now - made.at) - returned - self._held()
        most = told.used + taken + others
        own = bucket.used(now)
        if own > most:
            self._lower(made, min(own - most, made.doubt), told.kind, now)
        bucket.set_used(max(min(own, most), least), now)

    def _lower(self, made: Reservation, tokens: float, known: LimitKind, now: float) -> None:
        """The prompt was estimated too high, by so many tokens; the ``known`` limit has them right."""
        made.tokens -= tokens
        made.doubt -= tokens
        self._taken -= tokens
        for kind in _TOKENS:
            if kind != known and kind in self._buckets:
                self._buckets[kind].take(-tokens, now)

    def _find_plan(self, now: float) -> None:
        """Count what headers do not tell by the plan whose other limits are as they tell."""
        for plan in self._plans:
            named = {kind: getattr(plan, kind) for kind in _IN_HEADERS}
            told = {kind: self._buckets[kind].limit for kind in self._told}
            if all(told.get(kind) == size for kind, size in named.items() if size):
                self._use_plan(plan, now)
                return

    def _use_plan(self, plan: PublishedPlan, now: float) -> None:
        for kind in _PERIODS:
            size: int | None = getattr(plan, kind)
            if size and kind not in self._told:
                bucket = self._buckets.get(kind)
                if bucket is None:
                    bucket = self._buckets[kind] = Bucket(size, _PERIODS[kind], now)
                    admitted = [made for made in self._open if made.admitted]
                    tokens = sum(made.tokens for made in admitted)
                    bucket.set_used(tokens if kind in _TOKENS else len(admitted), now)
                elif bucket.limit != size:
                    bucket.resize(size, _PERIODS[kind], now)


@dataclass(frozen=True, slots=True)
class _Told:
    """One limit as the headers of an answer tell of it."""

    kind: LimitKind
    limit: int
    used: float
    period: float


def _told_by(limits: RateLimits) -> list[_Told]:
    told = (
        _read("tokens", limits.limit_tokens, limits.remaining_tokens, limits.reset_tokens),
        _read("requests", limits.limit_requests, limits.remaining_requests, limits.reset_requests),
    )
    return [limit for limit in told if limit is not None]


def _read(unit: str, limit: int | None, remaining: int | None, reset: float | None) -> _Told | None:
    """What is in use, and whether that is of a minute or of a day.

    Groq's requests are those of a day and OpenAI's those of a minute; the time until the limit is whole
    again tells which. That time is also exact, where what remains is rounded down.
    """
    if not limit or remaining is None:
        return None
    used = float(max(0, limit - remaining))
    daily = unit == "requests"
    if used and reset is not None:
        daily = reset * limit / used > math.sqrt(_MINUTE * _DAY)
    period = _DAY if daily else _MINUTE
    if reset is not None and abs(reset / period * limit - used) <= 1:
        used = reset / period * limit
    kinds: dict[tuple[str, bool], LimitKind] = {
        ("tokens", False): "tokens_per_minute",
        ("tokens", True): "tokens_per_day",
        ("requests", False): "requests_per_minute",
        ("requests", True): "requests_per_day",
    }
    return _Told(kinds[unit, daily], limit, used, period)
