"""The ledger of a server: the calls of many requests booked together, in one transaction for all that wait.

A row is stored before its call is sent, so that whatever dies leaves a mark of every call it was making.
While one transaction runs the next requests gather, and the following one takes them all: alone a request
waits for one small transaction, and a hundred at once for hardly more. Needs SQLAlchemy, so import it once a
database is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, update

from core.chat import ChatRequest, UpstreamCall
from core.costs.booking import Place, Priced, booked_usage, call_values, ended_values, priced
from core.costs.budgets import limits_outside_sessions
from core.costs.ledger_lock import lock_ledger
from core.costs.price_rows import keep_price
from core.costs.purse import Purse
from core.costs.worst_case import PricedModels, WorstCase, worst_case
from core.errors import BudgetExceeded, DatabaseBusy, DiskFull, StorageError, TensorWallError
from core.keys import GatewayKey
from core.keys.ring import KeyRing
from core.settings import BudgetSettings
from core.storage import Database
from core.storage.statements import WrittenOften
from core.storage.tables import calls

__all__ = ("GroupLedger", "LedgerEntry")

_INSERT = WrittenOften(insert(calls))
_SETTLE = WrittenOften(update(calls).where(calls.c.call_id == bindparam("booked")))
_WITHDRAW = delete(calls).where(calls.c.call_id == bindparam("booked"), calls.c.outcome == "running")
_SETTLE_SECONDS = 0.005
"""For which the settlement of a call waits for another call to be admitted with it."""
_RETRY_SECONDS = 1.0
"""After which a transaction that failed is tried again."""
_CLOSING_SECONDS = 10.0
"""For which calls that are not settled keep a ledger from being closed."""

log = logging.getLogger("tensorwall.ledger")


@dataclass(frozen=True, slots=True)
class _Question:
    """What a call will ask, and the tokens its answer may have at most."""

    request: ChatRequest
    output_cap: int | None


@dataclass(slots=True, eq=False)
class _Admission:
    """A call that waits for its row."""

    entry: LedgerEntry
    call: UpstreamCall
    question: _Question
    admitted: asyncio.Future[int | None]


@dataclass(slots=True)
class _Batch:
    """What one transaction does."""

    admissions: list[_Admission] = field(default_factory=list)
    ended: list[UpstreamCall] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.admissions or self.ended or self.withdrawn)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is looked up before the transaction, since it may take a while the first time."""

    worst: Sequence[WorstCase]
    ended: Sequence[Priced[UpstreamCall]]


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a transaction has done: its verdict on each admission, and the prices that are kept now."""

    verdicts: Sequence[int | TensorWallError | None]
    prices: frozenset[str]


class GroupLedger:
    """Books and admits the calls of all requests of this process, on the loop that runs it.

    Args:
        database: holds the ledger.
        models: prices and sizes.
        budgets: what may be spent; those of conversations do not count here.
        ring: the keys; a call of one that was revoked in the meantime is not admitted.
        recover: settles what died; money may be held for a process that is gone.
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
        retry_after: float = _RETRY_SECONDS,
    ) -> None:
        self.failure: TensorWallError | None = None
        self._database = database
        self._models = models
        self._budgets = limits_outside_sessions(budgets)
        self._refuse_unknown = budgets is None or budgets.unknown_prices == "refuse"
        self._ring = ring
        self._recover = recover
        self._waiting = _Batch()
        self._writing: Future[_Stored] | None = None
        self._retry_after = retry_after
        self._running: set[str] = set()
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._retry: asyncio.TimerHandle | None = None
        self._later: asyncio.TimerHandle | None = None
        self._kept_prices: set[str] = set()

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
                while self._running or self._waiting or self._writing is not None:
                    await self._change()
        while self._writing is not None:
            await self._change()
        for timer in (self._retry, self._later):
            if timer is not None:
                timer.cancel()

    async def _change(self) -> None:
        """Wait until a call is over, or a transaction."""
        self._changed.clear()
        await self._changed.wait()

    async def admit(self, entry: LedgerEntry, call: UpstreamCall, question: _Question) -> int | None:
        """Store the row of a call that is about to be sent; see ``core.chat.CallGate``."""
        try:
            return await self._admitted(entry, call, question)
        except BudgetExceeded:
            if not await self._recover():
                raise
            return await self._admitted(entry, call, question)

    async def _admitted(self, entry: LedgerEntry, call: UpstreamCall, question: _Question) -> int | None:
        admission = _Admission(entry, call, question, self._loop.create_future())
        self._waiting.admissions.append(admission)
        self._write_next()
        try:
            granted = await admission.admitted
        except asyncio.CancelledError:
            if admission in self._waiting.admissions:
                self._waiting.admissions.remove(admission)
            else:
                self._waiting.withdrawn.append(call.call_id)
                self._write_soon()
            raise
        self._running.add(call.call_id)
        return granted

    def ended(self, call: UpstreamCall) -> None:
        """Have the row of a call that is over settled; returns at once."""
        self._running.discard(call.call_id)
        self._waiting.ended.append(replace(call))
        self._changed.set()
        self._write_soon()

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
        if not self._waiting and self.failure is None:
            return
        batch, self._waiting = self._waiting, _Batch()
        try:
            writing = self._writing = self._database.offload(lambda: self._write(batch))
        except StorageError as error:  # closed
            self._over(batch, error)
            return
        writing.add_done_callback(
            lambda written: self._loop.call_soon_threadsafe(self._written, batch, written)
        )

    def _written(self, batch: _Batch, written: Future[_Stored]) -> None:
        """A transaction is over: tell those who wait for it, and do the next."""
        self._writing = None
        error = written.exception()
        if error is None:
            self.failure = None
            stored = written.result()
            self._kept_prices |= stored.prices
            for admission, verdict in zip(batch.admissions, stored.verdicts, strict=True):
                _answer(admission, verdict)
        elif isinstance(error, TensorWallError):
            self._over(batch, error)
        else:
            self._over(batch, StorageError(f"Calls could not be booked: {type(error).__name__}: {error}"))
        if self._waiting.admissions:
            self._write_next()
        elif self._waiting:
            self._write_soon()
        self._changed.set()

    def _over(self, batch: _Batch, error: TensorWallError) -> None:
        """Nothing of a batch was stored: its new calls are refused, and its settlements are tried again."""
        for admission in batch.admissions:
            _answer(admission, error)
        self.failure = error
        self._waiting.ended[:0] = batch.ended
        self._waiting.withdrawn[:0] = batch.withdrawn
        self._retry = self._loop.call_later(self._retry_after, self._try_again)

    def _try_again(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._write_next()

    def _prepare(self, batch: _Batch) -> _Prepared:
        """On the storage worker, outside of any transaction."""
        worst = [
            worst_case(self._models, waits.call, waits.question.request, waits.question.output_cap)
            for waits in batch.admissions
        ]
        return _Prepared(worst, [priced(self._models, call, booked_usage(call)) for call in batch.ended])

    def _write(self, batch: _Batch) -> _Stored:
        """On the storage worker: prepare what takes time, then do it all in one transaction."""
        prepared = self._prepare(batch)
        settled = prepared.ended
        try:
            verdicts = self._database.write_within(self._write_all, batch, prepared)
        except (DatabaseBusy, DiskFull):
            raise
        except StorageError:
            if not batch.ended:
                raise
            settled = self._settle_one_by_one(prepared.ended)
            verdicts = self._database.write_within(
                self._write_all, replace(batch, ended=[]), replace(prepared, ended=())
            )
        return _Stored(verdicts, frozenset(done.price.id for done in settled if done.price))

    def _settle_one_by_one(self, ended: Sequence[Priced[UpstreamCall]]) -> list[Priced[UpstreamCall]]:
        """Settle what the database takes: a call that it does not take keeps no other from being booked.

        Such a call stays a running one, until this process has ended and the next finds it.

        Raises:
            StorageError: the database takes nothing at all.
        """
        settled = []
        for done in ended:
            try:
                self._database.write_within(self._settle, [done])
            except StorageError as error:
                self._database.write_within(self._ring.refresh)
                log.error("The call %s cannot be settled: %s", done.call.call_id, error)
            else:
                settled.append(done)
        return settled

    def _write_all(
        self, connection: Connection, batch: _Batch, prepared: _Prepared
    ) -> list[int | TensorWallError | None]:
        self._settle(connection, prepared.ended)
        if batch.withdrawn:
            connection.execute(_WITHDRAW, [{"booked": call_id} for call_id in batch.withdrawn])
        if batch.admissions:
            return self._admit_all(connection, batch.admissions, prepared.worst)
        if not batch:
            self._ring.refresh(connection)  # so that something tells whether the database works again
        return []

    def _settle(self, connection: Connection, ended: Sequence[Priced[UpstreamCall]]) -> None:
        if not ended:
            return
        lock_ledger(connection)
        rows = [
            {"booked": done.call.call_id, **ended_values(done.call, done.usage, done.price)} for done in ended
        ]
        _SETTLE.run(connection, rows)
        for done in ended:
            if done.price is not None and done.price.id not in self._kept_prices:
                keep_price(connection, done.call.provider, done.call.model, done.price)

    def _admit_all(
        self, connection: Connection, admissions: Sequence[_Admission], worst: Sequence[WorstCase]
    ) -> list[int | TensorWallError | None]:
        self._ring.refresh(connection)
        limited = self._budgets or any(waits.entry.key.scopes.budgets for waits in admissions)
        purse = Purse(connection, self._budgets, refuse_unknown=self._refuse_unknown) if limited else None
        verdicts: list[int | TensorWallError | None] = []
        rows: list[dict[str, Any]] = []
        for number, admission in enumerate(admissions):
            entry, granted = admission.entry, admission.question.output_cap
            reserved = worst[number].cost()  # where no limit counts it, too: should this process die
            try:
                entry.recheck()
                if purse is not None:
                    granted, reserved = purse.grant_answer(worst[number], entry.key, granted)
            except TensorWallError as refused:
                verdicts.append(refused)
                continue
            verdicts.append(granted)
            rows.append(
                {
                    **entry.place,
                    **call_values(admission.call),
                    "writer": self._database.instance,
                    "reserved": reserved,
                }
            )
        _INSERT.run(connection, rows)
        return verdicts


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
        """Store the call's row, with the most it may cost."""
        return await self._ledger.admit(self, call, _Question(request, output_cap))

    def call_started(self, call: UpstreamCall) -> None:
        """Its row is there: it was admitted."""

    def call_ended(self, call: UpstreamCall) -> None:
        """Settle its row."""
        self._ledger.ended(call)


def _answer(admission: _Admission, verdict: int | TensorWallError | None) -> None:
    if admission.admitted.done():  # cancelled
        return
    if isinstance(verdict, TensorWallError):
        admission.admitted.set_exception(verdict)
    else:
        admission.admitted.set_result(verdict)
