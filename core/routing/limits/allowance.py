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
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from core.chat import LimitKind, RateLimits, ToldLimit
from core.routing.limits.count import REQUESTS, SPARE, TOKENS, LimitCount, PublishedPlan
from core.routing.limits.open_calls import Reservation
from core.routing.limits.shared import SharedLevels, SharedState, Waiter
from core.routing.limits.told import told_by

__all__ = ("Allowance", "LimitLevel", "PublishedPlan", "Reservation", "Room")

_NO_WAIT = 1e-6
"""Seconds; less is a rounding error."""
_LOOK_AFTER = 1.0
"""Seconds between two looks at the processes whose calls are under way."""
_SURELY_TAKEN = 60.0
"""Seconds after which another process's call has been taken, or never will be."""
_OVER = 3_600.0
"""Seconds after which it is over, whatever has become of its process."""
_PRESENT = 3.0
"""Seconds for which whoever waits in another process keeps its place without saying so again."""

_ALONE = nullcontext()


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


class Allowance:
    """The limits of one model under one key, as far as they are known; what is not known limits nothing.

    Before the first answer the least of the published plans is taken for granted, but only for calls
    beside one that is under way: a single call always goes, since its answer tells (``presumed`` is for its
    output cap). ``now`` is monotonic seconds throughout.

    Other processes may use the same key. Every change takes theirs in first; whoever asks calls `catch_up`
    before, and asks and reserves within `exclusive`.

    Args:
        plans: the model's published plans.
        shared: where other processes are met; by default there are none.

    Attributes:
        changes: counts them; between two, room only grows.
    """

    def __init__(self, plans: Sequence[PublishedPlan] = (), shared: SharedLevels | None = None) -> None:
        self.changes = 0
        self._count = LimitCount(plans)
        self._waiting: dict[float, float] = {}
        self._listeners: list[Callable[[], None]] = []
        self._shared = shared
        self._me = "" if shared is None else shared.owner
        self._within = False
        """Whether other processes are kept out."""
        self._looked_after = -math.inf
        self._elsewhere: dict[str, Waiter] = {}
        """Who waits in other processes."""
        self._announced: tuple[float | None, float] = (None, -math.inf)
        """Who was last said to wait here, and when."""

    # -- asking ------------------------------------------------------------------------------------

    @property
    def counts(self) -> bool:
        """Whether there are limits to count against, or may be."""
        return bool(self._count.buckets or self._count.plans)

    @property
    def largest(self) -> float:
        """Tokens of the largest call that can ever fit; infinite where nothing is known."""
        count = self._count
        return min((count.buckets[kind].limit for kind in TOKENS if kind in count.told), default=math.inf)

    @property
    def presumed(self) -> float:
        """Tokens a minute of the least plan, which may be the one; infinite once an answer has told."""
        least = None if self._count.heard else self._count.least_plan
        return math.inf if least is None else float(least.tokens_per_minute or math.inf)

    def free(self, now: float, turn: float | None = None) -> float:
        """Tokens that the next call may have, those before it in the queue served."""
        if not self._limiting():
            return math.inf
        buckets = self._count.buckets
        ahead = self._count.held + sum(self._ahead(turn, now))
        free = (buckets[kind].free(now) for kind in TOKENS if kind in buckets)
        return max(0.0, min(free, default=math.inf) - ahead)

    def room(self, tokens: float, now: float, turn: float | None = None) -> Room:
        """When a call of so many tokens fits, after those that wait before it.

        Args:
            tokens: prompt and output cap; more than the limit counts as all of it.
            now: the time.
            turn: its place in the queue; ``None`` for the end.
        """
        if not self._limiting():
            return Room()
        ahead = self._ahead(turn, now)
        amounts: dict[LimitKind, float] = {
            **dict.fromkeys(TOKENS, self._count.held + sum(ahead)),
            **dict.fromkeys(REQUESTS, float(self._count.unconfirmed + len(ahead))),
        }
        longest = Room()
        for kind, bucket in self._count.buckets.items():
            spare = bucket.rate * SPARE
            own = min((tokens if kind in TOKENS else 1.0) + spare, bucket.limit)
            wait = bucket.wait(amounts[kind] + own, now)
            if wait > max(longest.wait, _NO_WAIT):
                longest = Room(wait, kind, self._count.heard)
        return longest

    def levels(self, now: float) -> list[LimitLevel]:
        """Every limit that is known."""
        self.catch_up(now)
        if not self._count.heard:
            return []
        held: dict[LimitKind, float] = {
            **dict.fromkeys(TOKENS, self._count.held),
            **dict.fromkeys(REQUESTS, float(self._count.unconfirmed)),
        }
        return [
            LimitLevel(
                kind,
                bucket.limit,
                max(0.0, bucket.free(now) - held[kind]),
                (bucket.used(now) + held[kind]) / bucket.rate,
            )
            for kind, bucket in self._count.buckets.items()
        ]

    # -- the queue ---------------------------------------------------------------------------------

    @property
    def is_waited_for(self) -> bool:
        """Whether anybody of this process waits in the queue."""
        return bool(self._waiting)

    def join(self, turn: float, tokens: float, listener: Callable[[], None]) -> None:
        """Wait in the queue, in the order of ``turn``, and be told whenever there may be room earlier."""
        self.changes += 1
        self._waiting[turn] = tokens
        self._listeners.append(listener)

    def leave(self, turn: float, listener: Callable[[], None]) -> None:
        """Wait no longer."""
        self.changes += 1
        self._waiting.pop(turn, None)
        self._listeners.remove(listener)

    def announce(self, now: float) -> None:
        """Tell other processes since when somebody waits here, as often as they have to hear it."""
        first, (announced, at) = min(self._waiting, default=None), self._announced
        if self.is_shared and (first != announced or (first is not None and now - at > _LOOK_AFTER)):
            with self.exclusive(now):
                pass  # it is written with all else

    # -- calls -------------------------------------------------------------------------------------

    def reserve(self, tokens: float, now: float, *, doubt: float = 0.0) -> Reservation:
        """Set aside what a call may use; it is sent now."""
        with self.exclusive(now):
            self.changes += 1
            return self._count.reserve(tokens, doubt, now)

    def reported(self, made: Reservation, limits: RateLimits | None, now: float) -> None:
        """The provider has taken the call, and its headers tell of ``limits``; ``None``: of none."""
        with self.exclusive(now, learning=limits is not None):
            self._count.admit(made, now)
            self._count.hear(made, told_by(limits) if limits is not None else (), now)
        self._changed()

    def settle(self, made: Reservation, used: float, now: float) -> None:
        """The call is over and has used so many tokens, those from the prompt cache left out."""
        if made.open:
            with self.exclusive(now):
                self._count.settle(made, used, now)
            self._changed()

    def release(self, made: Reservation, now: float) -> None:
        """The call was not sent, or the provider did not take it."""
        if made.open:
            with self.exclusive(now):
                self._count.release(made, now)
            self._changed()

    def refused(self, told: ToldLimit, now: float, retry_after: float | None = None) -> None:
        """A refusal names one of the limits, what of it is in use, and perhaps the wait in seconds."""
        with self.exclusive(now, learning=True):
            self._count.refused(told, now, retry_after)
        self._changed()

    # -- other processes ---------------------------------------------------------------------------

    @property
    def is_shared(self) -> bool:
        """Whether other processes are met, and there is something to count with them."""
        return self._shared is not None and self._count.matters

    def catch_up(self, now: float) -> None:
        """Take in what other processes have done."""
        if self._shared is None or self._within or not self.is_shared:
            return
        if (state := self._shared.news()) is not None:
            self._take_in(state, now)
        if now - self._looked_after > _LOOK_AFTER and self._count.elsewhere:
            with self.exclusive(now):
                pass  # they are looked after then

    def exclusive(self, now: float, *, learning: bool = False) -> AbstractContextManager[None]:
        """Keep other processes out: what is found within is still so when something is made of it.

        Args:
            now: the time.
            learning: of a limit, perhaps the first one.
        """
        shared = self._shared
        if shared is None or self._within or not (self._count.matters or learning):
            return _ALONE
        return self._locked(shared, now)

    @contextmanager
    def _locked(self, shared: SharedLevels, now: float) -> Iterator[None]:
        state = shared.lock()
        self._within = True
        try:
            if state is not None:
                self._take_in(state, now)
            self._look_after_others(shared, now)
            yield
        finally:
            self._within = False
            shared.unlock(self._state(now))

    # -- inside ------------------------------------------------------------------------------------

    def _limiting(self) -> bool:
        """Whether anything limits the next call; before the first answer only others under way do."""
        return bool(self._count.buckets) and (self._count.heard or self._count.under_way)

    def _ahead(self, turn: float | None, now: float) -> list[float]:
        """What those before wait for; of another process, who has waited longest there."""
        ahead = [tokens for other, tokens in self._waiting.items() if turn is None or other < turn]
        others = (other for other in self._elsewhere.values() if now - other.seen < _PRESENT)
        return ahead + [other.tokens for other in others if turn is None or other.turn < turn]

    def _changed(self) -> None:
        self.changes += 1
        for listener in tuple(self._listeners):
            listener()

    def _look_after_others(self, shared: SharedLevels, now: float) -> None:
        """What a process that is gone had under way counts as used: nobody will say how much of it was.

        Before the first answer it stays under way for as long as it may be, since only that limits others.
        """
        if now - self._looked_after <= _LOOK_AFTER:
            return
        self._looked_after = now
        for owner, calls in list(self._count.elsewhere.items()):
            age = now - calls.latest
            gone = (self._count.heard or age > _SURELY_TAKEN) and not shared.is_alive(owner)
            self.changes += 1
            if gone or age > _SURELY_TAKEN:
                self._count.admit_elsewhere(calls, now)
            if gone or age > _OVER:
                del self._count.elsewhere[owner]

    def _take_in(self, state: SharedState, now: float) -> None:
        self.changes += 1
        self._count.take_in(state, self._me, now)
        self._elsewhere = {owner: waiter for owner, waiter in state.waiting.items() if owner != self._me}

    def _state(self, now: float) -> SharedState:
        """All that others are told."""
        state = self._count.state(self._me, now)
        self._elsewhere = {
            owner: other for owner, other in self._elsewhere.items() if now - other.seen < _PRESENT
        }
        first = min(self._waiting, default=None)
        self._announced = first, now
        state.waiting = self._elsewhere
        if first is not None:
            state.waiting = {**self._elsewhere, self._me: Waiter(first, self._waiting[first], now)}
        return state
