"""What one transaction of the `core.costs.group_ledger` does, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.chat import ChatRequest, UpstreamCall
from core.costs.booking import Place
from core.errors import TensorWallError
from core.keys import GatewayKey

__all__ = ("Admission", "Batch", "BookedCall", "Stored")


@dataclass(slots=True, eq=False)
class BookedCall:
    """A call, what it asks, and how far its booking has come.

    Attributes:
        call: its record; final when it is over.
        place: what it belongs to.
        key: whose budgets count.
        recheck: raises where the key may not be used any more.
        request: what it asks.
        output_cap: the tokens its answer may have at most.
        mark: names its mark, where that stands for a row.
        has_row: whether it is in the database.
    """

    call: UpstreamCall
    place: Place
    key: GatewayKey
    recheck: Callable[[], object]
    request: ChatRequest
    output_cap: int | None
    mark: int | None = None
    has_row: bool = False


@dataclass(slots=True, eq=False)
class Admission:
    """A call that waits for its row; ``admitted`` has the output cap that is granted to it."""

    booked: BookedCall
    admitted: asyncio.Future[int | None]

    def answer(self, verdict: int | TensorWallError | None) -> None:
        """Tell who waits, unless that was given up."""
        if self.admitted.done():
            return
        if isinstance(verdict, TensorWallError):
            self.admitted.set_exception(verdict)
        else:
            self.admitted.set_result(verdict)


@dataclass(slots=True)
class Batch:
    """What one transaction does.

    Attributes:
        ended: calls that are over, with rows or without.
        withdrawn: rows of calls that came to nothing, by the call's id.
        marked: calls that run, to have rows from now on.
        admissions: calls that wait to be sent.
    """

    ended: list[BookedCall] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    marked: list[BookedCall] = field(default_factory=list)
    admissions: list[Admission] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.admissions or self.ended or self.withdrawn or self.marked)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a transaction has done.

    Attributes:
        settled: the calls of ``ended`` that are so in the database now.
        verdicts: on each admission: the cap that is granted, or why it is refused.
    """

    settled: Sequence[BookedCall]
    verdicts: Sequence[int | TensorWallError | None]
