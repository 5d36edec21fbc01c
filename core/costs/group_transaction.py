"""One transaction for the calls of many requests; everything here runs on the storage worker."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Connection, bindparam, delete, insert, update

from core.chat import UpstreamCall
from core.costs.booking import Priced, booked_usage, call_values, ended_values, final_values, priced
from core.costs.budgets import Budget
from core.costs.group_batch import Admission, Batch, BookedCall, Stored
from core.costs.ledger_lock import lock_ledger
from core.costs.price_rows import keep_price
from core.costs.purse import Purse
from core.costs.worst_case import PricedModels, WorstCase, worst_case
from core.errors import DatabaseBusy, DiskFull, StorageError, TensorWallError
from core.keys.ring import KeyRing
from core.storage import Database
from core.storage.statements import WrittenOften
from core.storage.tables import calls

__all__ = ("GroupTransaction",)

_INSERT = WrittenOften(insert(calls))
_SETTLE = WrittenOften(update(calls).where(calls.c.call_id == bindparam("booked")))
_WITHDRAW = delete(calls).where(calls.c.call_id == bindparam("booked"), calls.c.outcome == "running")

log = logging.getLogger("tensorwall.ledger")


@dataclass(frozen=True, slots=True)
class _Ended:
    """A call that is over, with its price."""

    booked: BookedCall
    priced: Priced[UpstreamCall]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is looked up before the transaction, since it may take a while the first time."""

    ended: Sequence[_Ended]
    marked: Sequence[WorstCase]
    admissions: Sequence[WorstCase]


class GroupTransaction:
    """Books the batches of one process, each in a transaction.

    Args:
        database: holds the ledger.
        models: prices and sizes.
        budgets: the common limits.
        refuse_unknown: refuse calls whose price is unknown where there is a hard limit.
        ring: the keys; refreshed with every batch that admits calls.
    """

    def __init__(
        self,
        database: Database,
        models: PricedModels,
        budgets: Sequence[Budget],
        ring: KeyRing,
        *,
        refuse_unknown: bool,
    ) -> None:
        self._database = database
        self._models = models
        self._budgets = budgets
        self._refuse_unknown = refuse_unknown
        self._ring = ring
        self._kept_prices: set[str] = set()

    def book(self, batch: Batch) -> Stored:
        """Prepare what takes time, then do it all in one transaction.

        Raises:
            StorageError: or one of its kin: nothing was stored.
        """
        prepared = self._prepare(batch)
        settled = prepared.ended
        try:
            verdicts = self._database.write_within(self._write, batch, prepared)
        except (DatabaseBusy, DiskFull):
            raise
        except StorageError:
            if not batch.ended:
                raise
            settled = self._settle_one_by_one(prepared.ended)
            verdicts = self._database.write_within(
                self._write, replace(batch, ended=[]), replace(prepared, ended=())
            )
        self._kept_prices |= {done.priced.price.id for done in settled if done.priced.price}
        return Stored([done.booked for done in settled], verdicts)

    def _prepare(self, batch: Batch) -> _Prepared:
        return _Prepared(
            [
                _Ended(booked, priced(self._models, booked.call, booked_usage(booked.call)))
                for booked in batch.ended
            ],
            [self._worst_case(booked) for booked in batch.marked],
            [self._worst_case(admission.booked) for admission in batch.admissions],
        )

    def _worst_case(self, booked: BookedCall) -> WorstCase:
        return worst_case(self._models, booked.call, booked.request, booked.output_cap)

    def _settle_one_by_one(self, ended: Sequence[_Ended]) -> list[_Ended]:
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
                log.error("The call %s cannot be settled: %s", done.booked.call.call_id, error)
            else:
                done.booked.has_row = True  # also where the rest of its batch fails, and all is tried again
                settled.append(done)
        return settled

    def _write(
        self, connection: Connection, batch: Batch, prepared: _Prepared
    ) -> list[int | TensorWallError | None]:
        self._settle(connection, prepared.ended)
        if batch.withdrawn:
            connection.execute(_WITHDRAW, [{"booked": call_id} for call_id in batch.withdrawn])
        self._insert(connection, batch.marked, [worst.cost() for worst in prepared.marked])
        if batch.admissions:
            return self._admit(connection, batch.admissions, prepared.admissions)
        if not batch:
            self._ring.refresh(connection)  # so that something tells whether the database works again
        return []

    def _settle(self, connection: Connection, ended: Sequence[_Ended]) -> None:
        if not ended:
            return
        lock_ledger(connection)
        with_row = [done.priced for done in ended if done.booked.has_row]
        _SETTLE.run(
            connection,
            [
                {"booked": done.call.call_id, **ended_values(done.call, done.usage, done.price)}
                for done in with_row
            ],
        )
        without = [done for done in ended if not done.booked.has_row]
        _INSERT.run(connection, [final_values(done.priced, done.booked.place) for done in without])
        for done in ended:
            if (price := done.priced.price) is not None and price.id not in self._kept_prices:
                keep_price(connection, done.booked.call.provider, done.booked.call.model, price)

    def _admit(
        self, connection: Connection, admissions: Sequence[Admission], worst: Sequence[WorstCase]
    ) -> list[int | TensorWallError | None]:
        self._ring.refresh(connection)
        limited = self._budgets or any(waits.booked.key.scopes.budgets for waits in admissions)
        purse = Purse(connection, self._budgets, refuse_unknown=self._refuse_unknown) if limited else None
        verdicts: list[int | TensorWallError | None] = []
        admitted, money = [], []
        for admission, case in zip(admissions, worst, strict=True):
            booked = admission.booked
            granted, reserved = booked.output_cap, case.cost()
            try:
                booked.recheck()
                if purse is not None:
                    granted, reserved = purse.grant_answer(case, booked.key, granted)
            except TensorWallError as refused:
                verdicts.append(refused)
                continue
            verdicts.append(granted)
            admitted.append(booked)
            money.append(reserved)
        self._insert(connection, admitted, money)
        return verdicts

    def _insert(
        self, connection: Connection, running: Sequence[BookedCall], reserved: Sequence[Decimal | None]
    ) -> None:
        """The rows of calls that run, with the most they may cost: for when this process dies."""
        writer = self._database.instance
        _INSERT.run(
            connection,
            [
                {**booked.place, **call_values(booked.call), "writer": writer, "reserved": most}
                for booked, most in zip(running, reserved, strict=True)
            ],
        )
