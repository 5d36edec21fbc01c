"""What one turn leaves in the records: its messages stored, its calls booked, its limits asked for."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING

from core.chat import SoftLimitPassed
from core.conversations.turn_writer import TurnWriter
from core.costs.budgets import budgets_of, has_hard_limit
from core.costs.call_buffer import CallBuffer
from core.errors import TensorWallError
from core.records import LazyRecords, Records

if TYPE_CHECKING:
    from core.costs.budget_gate import BudgetGate
    from core.costs.ledger import Ledger, LedgerObserver
    from core.settings import BudgetSettings

__all__ = ("TurnRecords",)

_PATIENCE = 0.3
"""Seconds after which a question is stored although nothing has been answered yet."""


class TurnRecords:
    """Gathers what is to be kept of a turn until the records are open, and hands it on from then.

    Nothing of a tentative turn is stored before `keep`.

    Args:
        session_id: the conversation; the ledger's rows name it.
        answer_id: the message that they are booked on.
        records: opened beside the answer, or when a limit has to be known.
        budgets: what may be spent.
        tentative: whether the turn may come to nothing.

    Attributes:
        messages: takes question and answers.
        calls: takes the calls upstream.
        under_way: to be set once the provider answers.
        wanted: set when the turn is not, or no longer, tentative.
        spent: US dollars that the ledger booked for a guess, or for a turn that failed; ``None`` where that
            is unknown.
    """

    def __init__(
        self,
        session_id: str,
        answer_id: str,
        records: LazyRecords,
        budgets: BudgetSettings | None,
        *,
        tentative: bool = False,
    ) -> None:
        self.messages = TurnWriter()
        self.calls = CallBuffer()
        self.under_way = asyncio.Event()
        self.wanted = asyncio.Event()
        if not tentative:
            self.wanted.set()
        self.spent: Decimal | None = None
        self._session_id = session_id
        self._answer_id = answer_id
        self._records = records
        self._budgets = budgets
        self._observer: LedgerObserver | None = None
        self._opening: asyncio.Task[None] | None = None
        self._booking: asyncio.Task[None] | None = None
        self._failure: TensorWallError | None = None

    @property
    def tentative(self) -> bool:
        """Whether nothing is to be stored as yet."""
        return not self.wanted.is_set()

    @property
    def failure(self) -> TensorWallError | None:
        """Why the turn is not, or not wholly, stored; ``None`` when all is well."""
        if self.tentative:
            return None  # nothing of it is to be stored
        if self._failure is not None:
            return self._failure
        if self.messages.failure is not None:
            return self.messages.failure
        return self._observer.failure if self._observer else None

    # Storing

    async def begin(self, unstored: TensorWallError | None) -> None:
        """The first messages are there; have storage opened, unless what comes before is ``unstored``."""
        self._failure = unstored
        if self.tentative:
            return
        if self._records.are_open:  # so that this takes no time
            await self._open()
        else:
            self._opening = asyncio.create_task(self._open_soon(), name="open storage for a turn")

    async def keep(self) -> None:
        """Store what has gathered of a turn that was tentative."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name="open storage for a turn")
        await asyncio.shield(self._opening)
        await self.messages.settle()

    async def finish(self) -> None:
        """Nothing more will come: store it, unless it is tentative."""
        self.under_way.set()
        if not self.tentative:
            await (self._opening or self._open())
            await self.messages.settle()

    async def retry(self) -> None:
        """Try once more to store what could not be stored."""
        self._failure = None
        await self._open()
        if self._observer is not None:
            self._observer.retry()
        await self.messages.settle()

    async def _open_soon(self) -> None:
        """Open storage once the provider answers, or is slow to.

        Importing SQLAlchemy keeps the interpreter busy for a quarter of a second, which would delay
        sending the request by as much.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.under_way.wait(), _PATIENCE)
        await self._open()

    async def _open(self) -> None:
        """Let storage have what has gathered so far, and from now on all at once."""
        if self._observer is not None or self._failure is not None:
            return
        try:
            records: Records = await self._records()
        except TensorWallError as error:
            self._failure = error
            return
        self.messages.attach(records.database)
        self._observer = records.ledger.observer(self._session_id, self._answer_id)
        self.calls.attach(self._observer)
        await self.messages.settle()

    # Spending

    async def gate(self) -> BudgetGate | None:
        """Asked before each call, where there is a limit; a guess that is thrown away was speculation.

        Raises:
            StorageError: what has been spent cannot be read.
        """
        if not has_hard_limit(self._budgets):
            return None
        ledger = await self._ledger()
        if self.tentative:
            return ledger.gate(self._budgets, self._session_id, feature="speculation")
        return ledger.gate(self._budgets, self._session_id, self._answer_id)

    async def newly_passed(self) -> list[SoftLimitPassed]:
        """The soft limits that are passed by now; none where that cannot be known."""
        if self.failure is not None or not budgets_of(self._budgets):
            return []
        try:
            passed = await (await self._ledger()).newly_passed(self._budgets, self._session_id)
        except TensorWallError as error:
            self._failure = error
            return []
        return [
            SoftLimitPassed(standing.budget.scope, standing.budget.soft or Decimal(0), standing.spent)
            for standing in passed
        ]

    async def add_up(self) -> None:
        """Set ``spent`` to what the calls of a turn that failed have cost."""
        if self._observer is not None:
            with contextlib.suppress(TensorWallError):  # told as ``failure``; the cost stays unknown
                self.spent = await self._observer.cost()

    async def book_speculation(self, *, is_new: bool) -> None:
        """Book what an answer that nobody wanted has cost; once, however often and by whomever it is asked.

        Args:
            is_new: whether its conversation was to begin with it, so that there is none to name.
        """
        if self._booking is None:
            booking = self._book_speculation(None if is_new else self._session_id)
            self._booking = asyncio.create_task(booking, name="book a guess")
        await asyncio.shield(self._booking)

    async def _book_speculation(self, session_id: str | None) -> None:
        try:
            observer = (await self._ledger()).observer(session_id, feature="speculation")
            self.calls.attach(observer)
            self.spent = await observer.cost()
        except TensorWallError:
            self.spent = None

    async def _ledger(self) -> Ledger:
        return (await self._records()).ledger
