"""What there is to spend for the holders of keys, within one transaction of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import Connection

from core.costs.budget_gate import standings
from core.costs.budgets import Budget, Standing, refusal, tightest
from core.costs.key_budgets import key_standings
from core.costs.ledger_lock import lock_ledger
from core.costs.worst_case import LEAST_USEFUL_OUTPUT, WorstCase
from core.keys import GatewayKey

__all__ = ("Purse",)


class Purse:
    """The budgets as they stand: read once, and less with every call that is granted.

    Nobody else writes to the ledger from now on until the transaction ends.

    Args:
        connection: within a transaction that writes.
        budgets: the common ones; those of a key are read when a call of it asks.
        refuse_unknown: refuse calls whose price is unknown where there is a hard limit.
    """

    def __init__(self, connection: Connection, budgets: Sequence[Budget], *, refuse_unknown: bool) -> None:
        lock_ledger(connection)
        self._connection = connection
        self._now = datetime.now(UTC)
        self._refuse_unknown = refuse_unknown
        self._common = standings(connection, budgets, None, self._now)
        self._of_keys: dict[str, list[Standing]] = {}
        self._granted: dict[str | None, Decimal] = {}

    def grant_answer(
        self, worst: WorstCase, key: GatewayKey, asked: int | None
    ) -> tuple[int | None, Decimal | None]:
        """The output cap, in tokens, that is granted to an answer, and what is reserved for it.

        Raises:
            BudgetExceeded: a hard limit leaves too little.
        """
        limit = self._tightest(key)
        if limit is None:
            return asked, worst.cost()
        if worst.price is None:
            self._refuse_if_unknown(limit)
            return asked, None
        least = min(LEAST_USEFUL_OUTPUT, worst.output_tokens)
        tokens = worst.output_for(limit.left or Decimal(0))
        if tokens < least:
            raise refusal(limit, worst.cost(least))
        reserved = worst.cost(tokens) or Decimal(0)
        self._take(reserved, key)
        return (asked if tokens == worst.output_tokens else tokens), reserved

    def grant(self, cost: Decimal | None, key: GatewayKey) -> None:
        """Grant a call whose cost is known ahead; ``None`` where nobody knows it.

        Raises:
            BudgetExceeded: a hard limit leaves less.
        """
        limit = self._tightest(key)
        if limit is None:
            return
        if cost is None:
            self._refuse_if_unknown(limit)
            return
        if cost > (limit.left or Decimal(0)):
            raise refusal(limit, cost)
        self._take(cost, key)

    def _tightest(self, key: GatewayKey) -> Standing | None:
        if key.id not in self._of_keys:
            self._of_keys[key.id] = key_standings(self._connection, key, self._now)
        return tightest(
            [*self._less_granted(self._common, None), *self._less_granted(self._of_keys[key.id], key.id)]
        )

    def _less_granted(self, read: Sequence[Standing], owner: str | None) -> list[Standing]:
        granted = self._granted.get(owner, Decimal(0))
        return [replace(standing, reserved=standing.reserved + granted) for standing in read]

    def _take(self, amount: Decimal, key: GatewayKey) -> None:
        for owner in (None, key.id):
            self._granted[owner] = self._granted.get(owner, Decimal(0)) + amount

    def _refuse_if_unknown(self, limit: Standing) -> None:
        if self._refuse_unknown:
            raise refusal(limit, None)
