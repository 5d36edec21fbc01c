"""The calls of a server that hear and speak: stored before they are sent, within the budgets of their key.

They are few and take seconds, so each has transactions of its own; ``core.costs.group_ledger`` books chat.
Needs SQLAlchemy, so import it once a database is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, insert

from core.costs.booking import Place, book_speech, speech_values, withdraw
from core.costs.budgets import limits_outside_sessions
from core.costs.ledger_lock import lock_ledger
from core.costs.purse import Purse
from core.costs.speech_calls import SpeechCall
from core.errors import BudgetExceeded, StorageError, TensorWallError
from core.keys import GatewayKey
from core.keys.ring import KeyRing
from core.settings import BudgetSettings
from core.storage import Database
from core.storage.tables import calls

__all__ = ("SpeechLedger",)

log = logging.getLogger("tensorwall.ledger")

_INSERT = insert(calls)


class SpeechLedger:
    """Admits and books the calls of this process that hear and speak.

    Args:
        database: holds the ledger.
        budgets: what may be spent; those of conversations do not count here.
        ring: the keys; a call of one that was revoked in the meantime is not admitted.
        recover: settles what died; money may be held for a process that is gone.

    Attributes:
        failure: why calls could not be settled, as long as that lasts; ``None`` when all is well.
    """

    def __init__(
        self,
        database: Database,
        budgets: BudgetSettings | None,
        ring: KeyRing,
        recover: Callable[[], Awaitable[int]],
    ) -> None:
        self.failure: TensorWallError | None = None
        self._database = database
        self._budgets = limits_outside_sessions(budgets)
        self._refuse_unknown = budgets is None or budgets.unknown_prices == "refuse"
        self._ring = ring
        self._recover = recover
        self._unsettled: dict[str, tuple[SpeechCall, Place]] = {}

    async def admit(
        self, call: SpeechCall, place: Place, key: GatewayKey, recheck: Callable[[], object]
    ) -> None:
        """Store the row of a call that is about to be made, and set aside what it will cost.

        Args:
            call: with its price looked up.
            place: what it belongs to.
            key: whose budgets count beside the common ones.
            recheck: raises where the key may not be used any more; asked when the ring is fresh.

        Raises:
            BudgetExceeded: a hard limit refuses the call.
            KeyRefused: the key may not be used any more.
            StorageError: or one of its kin: the call cannot be stored.
        """
        try:
            try:
                await self._database.run(self._admit, call, place, key, recheck)
            except BudgetExceeded:
                if not await self._recover():
                    raise
                await self._database.run(self._admit, call, place, key, recheck)
        except asyncio.CancelledError:
            with contextlib.suppress(StorageError):  # closed: whoever opens it next finds the call dead
                self._database.submit(withdraw, call.call_id)
            raise

    async def settle(self, call: SpeechCall, place: Place) -> None:
        """Book how an admitted call went; what cannot be stored now is with the next one, or at the end."""
        self._unsettled[call.call_id] = call, place
        await self._settle_all()

    async def aclose(self) -> None:
        """Try once more to store what could not be; whoever opens the database next finds what is left."""
        if self._unsettled:
            await self._settle_all()
        if self._unsettled:
            log.error("%d calls that hear or speak are not booked: %s", len(self._unsettled), self.failure)

    def _admit(
        self,
        connection: Connection,
        call: SpeechCall,
        place: Place,
        key: GatewayKey,
        recheck: Callable[[], object],
    ) -> None:
        lock_ledger(connection)
        self._ring.refresh(connection)
        recheck()
        if self._budgets or key.scopes.budgets:
            Purse(connection, self._budgets, refuse_unknown=self._refuse_unknown).grant(call.worst_cost, key)
        row = {
            **speech_values(call),
            **place,
            "estimated": True,
            "cost": None,
            "reserved": call.worst_cost,
            "writer": self._database.instance,
        }
        connection.execute(_INSERT, row)

    async def _settle_all(self) -> None:
        ended = list(self._unsettled.values())
        try:
            # Shielded: the row is settled, too, when the client has gone and the server stops.
            await asyncio.shield(asyncio.wrap_future(self._database.submit(_settle, ended)))
        except TensorWallError as error:
            self.failure = error
            return
        self.failure = None
        for call, _ in ended:
            self._unsettled.pop(call.call_id, None)


def _settle(connection: Connection, ended: list[tuple[SpeechCall, Place]]) -> None:
    lock_ledger(connection)
    for call, place in ended:
        book_speech(connection, call, place, call.price)
