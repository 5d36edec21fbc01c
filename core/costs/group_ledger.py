"""The ledger of a server: the calls of many requests booked together, in one transaction for all that wait.

Before a call is sent something is stored, so that whatever dies leaves a trace of every call it was making.
Where no limit is on a call that is a mark (`core.costs.call_marks`); its row follows when it has run for a
while, or when it is over. Otherwise it is the row: while one transaction runs the next requests gather, and
the following one takes them all; alone a request waits for one small transaction, and a hundred at once for
hardly more. Needs SQLAlchemy, so import it once a database is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from core.chat import ChatRequest, UpstreamCall
from core.costs.booking import Place
from core.costs.budgets import limits_outside_sessions
from core.costs.call_marks import CallMarks
from core.costs.group_batch import Admission, Batch, BookedCall, Stored
from core.costs.group_transaction import GroupTransaction
from core.costs.worst_case import PricedModels
from core.errors import BudgetExceeded, StorageError, TensorWallError
from core.keys import GatewayKey
from core.keys.ring import KeyRing
from core.settings import BudgetSettings
from core.storage import Database

__all__ = ("GroupLedger", "LedgerEntry")

_SETTLE_SECONDS = 0.005
"""For which the settlement of a call waits for others to be booked with it."""
_ROW_SECONDS = 0.1
"""For which a call that is marked runs without a row: most are over by then, and need but one."""
_RETRY_SECONDS = 1.0
"""After which a transaction that failed is tried again."""
_CLOSING_SECONDS = 10.0
"""For which calls that are not settled keep a ledger from being closed."""

log = logging.getLogger("tensorwall.ledger")


class GroupLedger:
    """Books and admits the calls of all requests of this process, on the loop that runs it.

    Args:
        database: holds the ledger.
        models: prices and sizes.
        budgets: what may be spent; those of conversations do not count here.
        ring: the keys; a call of one that was revoked in the meantime is not admitted.
        recover: settles what died; money may be held for a process that is gone.
        marks: of the calls that no limit is on; without them every call waits for its row.
        retry_after: seconds after which a transaction that failed is tried again.

    Attributes:
        failure: why calls cannot be booked, as long as that lasts; ``None`` when all is well.
    """

    def __init__(
        self,
        database: Database,
        models: PricedModels,
        budgets: BudgetSettings | None,
        ring: KeyRing,
        recover: Callable[[], Awaitable[int]],
        *,
        marks: CallMarks | None = None,
        retry_after: float = _RETRY_SECONDS,
    ) -> None:
        self.failure: TensorWallError | None = None
        limits = limits_outside_sessions(budgets)
        refuse_unknown = budgets is None or budgets.unknown_prices == "refuse"
        self._database = database
        self._transaction = GroupTransaction(database, models, limits, ring, refuse_unknown=refuse_unknown)
        self._recover = recover
        self._limited = bool(limits)
        self._marks = marks
        self._retry_after = retry_after
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[str, BookedCall] = {}
        self._waiting = Batch()
        self._writing: Future[Stored] | None = None
        self._changed = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None
        self._later: asyncio.TimerHandle | None = None
        self._rows: asyncio.TimerHandle | None = None
        self._rows_are_due = False

    @property
    def unsettled(self) -> int:
        """Calls that are over and not settled in the database."""
        return len(self._waiting.ended)

    def entry(self, place: Place, key: GatewayKey, recheck: Callable[[], object]) -> LedgerEntry:
        """What to hand to the router for one request, as its observer and as its gate.

        Args:
            place: what its calls belong to.
            key: whose budgets count beside the common ones.
            recheck: raises where the key may not be used any more; asked when the ring is fresh.
        """
        return LedgerEntry(self, place, key, recheck)

    async def aclose(self, patience: float = _CLOSING_SECONDS) -> None:
        """Wait until all calls are over and settled; `unsettled` has those that are not.

        Args:
            patience: seconds to wait; a transaction that has begun is waited for all the same.
        """
        if self._retry is not None:
            self._try_again()
        self._write_next()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._under_way or self._waiting or self._writing is not None:
                    await self._change()
        while self._writing is not None:
            await self._change()
        for timer in (self._retry, self._later, self._rows):
            if timer is not None:
                timer.cancel()
        if self._marks is not None:
            self._marks.close()

    async def _change(self) -> None:
        """Wait until a call is over, or a transaction."""
        self._changed.clear()
        await self._changed.wait()

    # -- a call begins -----------------------------------------------------------------------------

    async def admit(self, asked: BookedCall) -> int | None:
        """Store that a call is about to be sent; see ``core.chat.CallGate``."""
        if self._marks is not None and self._is_unlimited(asked) and self._marks.has_fresh_keys():
            asked.recheck()
            asked.mark = self._marks.mark(asked.call, asked.place, asked.output_cap)
            if asked.mark is not None:
                self._under_way[asked.call.call_id] = asked
                self._give_rows_later()
                return asked.output_cap
        try:
            return await self._admitted(asked)
        except BudgetExceeded:
            if not await self._recover():
                raise
            return await self._admitted(asked)

    def _is_unlimited(self, asked: BookedCall) -> bool:
        return not self._limited and not asked.key.scopes.budgets and self.failure is None

    async def _admitted(self, asked: BookedCall) -> int | None:
        admission = Admission(asked, self._loop.create_future())
        self._waiting.admissions.append(admission)
        self._write_next()
        try:
            granted = await admission.admitted
        except asyncio.CancelledError:
            if admission in self._waiting.admissions:
                self._waiting.admissions.remove(admission)
            else:
                self._waiting.withdrawn.append(asked.call.call_id)
                self._write_soon()
            raise
        self._under_way[asked.call.call_id] = asked
        return granted

    def _give_rows_later(self) -> None:
        """See that the calls which still run in a while have rows, to be seen and counted by others."""
        if self._rows is None:
            self._rows = self._loop.call_later(_ROW_SECONDS, self._give_rows)

    def _give_rows(self) -> None:
        self._rows = None
        self._rows_are_due = True
        self._write_next()

    # -- a call is over ----------------------------------------------------------------------------

    def ended(self, call: UpstreamCall) -> None:
        """Have the row of a call that is over settled; returns at once."""
        booked = self._under_way.pop(call.call_id, None)
        if booked is None:  # it was never admitted
            return
        booked.call = call
        if self._marks is not None:
            booked.mark = self._marks.ended(booked.mark, call, booked.place, booked.output_cap)
        self._waiting.ended.append(booked)
        self._changed.set()
        self._write_soon()

    # -- transactions ------------------------------------------------------------------------------

    def _write_soon(self) -> None:
        """Settle with the next call that is admitted, or in a moment: one transaction does for both then."""
        if self._writing is None and self._later is None:
            self._later = self._loop.call_later(_SETTLE_SECONDS, self._write_later)

    def _write_later(self) -> None:
        self._later = None
        self._write_next()

    def _write_next(self) -> None:
        """Hand all that waits to the storage worker, unless it is still at what it got before."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._writing is not None or self._retry is not None:
            return
        if self._rows_are_due:  # only now, so that none is in the transaction before
            self._rows_are_due = False
            self._waiting.marked = [booked for booked in self._under_way.values() if not booked.has_row]
        if not self._waiting and self.failure is None:
            return
        batch, self._waiting = self._waiting, Batch()
        try:
            writing = self._writing = self._database.offload(lambda: self._transaction.book(batch))
        except StorageError as error:  # closed
            self._over(batch, error)
            return
        writing.add_done_callback(
            lambda written: self._loop.call_soon_threadsafe(self._written, batch, written)
        )

    def _written(self, batch: Batch, written: Future[Stored]) -> None:
        """A transaction is over: tell those who wait for it, and do the next."""
        self._writing = None
        error = written.exception()
        if error is None:
            self.failure = None
            self._note(batch, written.result())
        elif isinstance(error, TensorWallError):
            self._over(batch, error)
        else:
            self._over(batch, StorageError(f"Calls could not be booked: {type(error).__name__}: {error}"))
        if self._waiting.admissions or self._rows_are_due:
            self._write_next()
        elif self._waiting:
            self._write_soon()
        self._changed.set()

    def _note(self, batch: Batch, stored: Stored) -> None:
        """Those of a batch are in the database."""
        for booked in [*stored.settled, *batch.marked]:
            booked.has_row = True
            if booked.mark is not None and self._marks is not None:
                self._marks.erase(booked.mark)
                booked.mark = None
        for admission, verdict in zip(batch.admissions, stored.verdicts, strict=True):
            admission.booked.has_row = True
            admission.answer(verdict)

    def _over(self, batch: Batch, error: TensorWallError) -> None:
        """Nothing of a batch was stored: its new calls are refused, and its settlements are tried again."""
        for admission in batch.admissions:
            admission.answer(error)
        self.failure = error
        self._rows_are_due |= bool(batch.marked)
        self._waiting.ended[:0] = batch.ended
        self._waiting.withdrawn[:0] = batch.withdrawn
        self._retry = self._loop.call_later(self._retry_after, self._try_again)

    def _try_again(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._write_next()


class LedgerEntry:
    """One request's calls in the `GroupLedger`: a ``core.chat.CallGate`` and a ``core.chat.CallObserver``.

    Attributes:
        place: what the calls belong to.
        key: whose budgets count.
        recheck: raises where the key may not be used any more.
    """

    __slots__ = ("_ledger", "key", "place", "recheck")

    def __init__(
        self, ledger: GroupLedger, place: Place, key: GatewayKey, recheck: Callable[[], object]
    ) -> None:
        self._ledger = ledger
        self.place = place
        self.key = key
        self.recheck = recheck

    async def admit(self, call: UpstreamCall, request: ChatRequest, output_cap: int | None) -> int | None:
        """Store a mark of the call, or its row with the most it may cost."""
        asked = BookedCall(call, self.place, self.key, self.recheck, request, output_cap)
        return await self._ledger.admit(asked)

    def call_started(self, call: UpstreamCall) -> None:
        """It was admitted, and stored with that."""

    def call_ended(self, call: UpstreamCall) -> None:
        """Settle its row."""
        self._ledger.ended(call)
