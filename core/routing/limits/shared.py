"""What several processes that ask under one key tell each other of its limits.

They take turns: whoever changes something locks what is shared, takes in what the others have written,
applies the change and writes all of it (`Allowance.exclusive`). So a call is admitted by what all of them
have set aside, and the last room goes to one of them. Whoever only looks takes in what is there.

Times are on the machine's monotonic clock, which its processes have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from core.chat import LimitKind
from core.routing.limits.open_calls import OpenCalls

__all__ = ("SharedLevels", "SharedState", "Waiter")


@dataclass(frozen=True, slots=True)
class Waiter:
    """Who has waited longest of one owner's calls.

    Attributes:
        turn: since when.
        tokens: for what.
        seen: when its owner last said so.
    """

    turn: float
    tokens: float
    seen: float


@dataclass(slots=True)
class SharedState:
    """All that is known of the limits of one model under one key.

    Attributes:
        at: the time of the levels.
        told_at: when the provider last told of a limit.
        heard: whether it has told of limits, or told of none.
        told: the limits that it told of.
        buckets: of each limit its size, its period and what of it is in use.
        taken, returned, requests: running totals, as ``core.routing.limits.count`` has them.
        open: calls on their way, by owner.
        waiting: by owner, too.
    """

    at: float
    told_at: float
    heard: bool
    told: Sequence[LimitKind]
    buckets: dict[LimitKind, tuple[float, float, float]]
    taken: float
    returned: float
    requests: int
    open: dict[str, OpenCalls]
    waiting: dict[str, Waiter]

    def dump(self) -> list[Any]:
        """Lists and numbers, for `load`."""
        return [
            self.at,
            self.told_at,
            self.heard,
            list(self.told),
            self.buckets,
            self.taken,
            self.returned,
            self.requests,
            {
                owner: (calls.unconfirmed, calls.held, calls.confirmed, calls.admitted, calls.latest)
                for owner, calls in self.open.items()
            },
            {owner: (waiter.turn, waiter.tokens, waiter.seen) for owner, waiter in self.waiting.items()},
        ]

    @classmethod
    def load(cls, dumped: list[Any], passed: float = 0.0) -> SharedState:
        """What `dump` gave, its times moved on by ``passed`` seconds: for a clock that began anew."""
        at, told_at, heard, told, buckets, taken, returned, requests, open_, waiting = dumped
        return cls(
            at + passed,
            told_at + passed,
            heard,
            cast("Sequence[LimitKind]", told),
            {kind: tuple(level) for kind, level in buckets.items()},
            taken,
            returned,
            requests,
            {
                owner: OpenCalls(unconfirmed, held, confirmed, admitted, latest + passed)
                for owner, (unconfirmed, held, confirmed, admitted, latest) in open_.items()
            },
            {
                owner: Waiter(turn + passed, tokens, seen + passed)
                for owner, (turn, tokens, seen) in waiting.items()
            },
        )


class SharedLevels(Protocol):
    """Where the processes that use one key meet; ``core.routing.limits.files``.

    None of it raises: where it cannot be used any more, nobody else is there.
    """

    @property
    def owner(self) -> str:
        """Names who uses it, among all."""

    def news(self) -> SharedState | None:
        """What is written there; ``None`` where that is nothing new."""

    def lock(self) -> SharedState | None:
        """Keep all others out until `unlock`; gives the news."""

    def unlock(self, state: SharedState) -> None:
        """Write what is so now, and let others in."""

    def is_alive(self, owner: str) -> bool:
        """Whether it may still be there."""
