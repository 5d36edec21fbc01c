"""A server's calls that hear and speak, on both databases: stored before they are sent, within all limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from core.catalogue import load_catalogue
from core.costs.ledger import Ledger
from core.costs.speech_calls import OnThisMachine, SpeechCall, measured
from core.costs.speech_ledger import SpeechLedger
from core.errors import BudgetExceeded, KeyRefused, StorageError
from core.identifiers import new_id
from core.keys import GatewayKey, KeyBudget, KeyScopes
from core.keys.keys import Keys
from core.keys.ring import KeyRing
from core.settings import BudgetSettings
from core.storage import Database, open_database
from core.storage.tables import calls

CATALOGUE = load_catalogue()
ORPHEUS = "canopylabs/orpheus-v1-english"
COST = Decimal("0.0022")
"""Of a hundred characters."""


def speaking() -> SpeechCall:
    call = SpeechCall("speech", "groq", ORPHEUS, characters=100)
    call.look_up(CATALOGUE)
    return call


@dataclass
class Server:
    """One process of a gateway, as far as speech goes."""

    database: Database
    ring: KeyRing
    ledger: SpeechLedger
    key: GatewayKey
    secret: str

    @property
    def place(self) -> dict[str, str | None]:
        return {"session_id": None, "message_id": None, "feature": "editor", "key_id": self.key.id}

    async def admit(self, call: SpeechCall) -> None:
        await self.ledger.admit(call, self.place, self.key, lambda: self.ring.find(self.secret))

    async def rows(self) -> list[Any]:
        return await self.database.read(lambda c: list(c.execute(select(calls).order_by(calls.c.call_id))))


async def server_on(
    database: Database, common: dict[str, Any] | None = None, own: KeyBudget | None = None
) -> Server:
    """With budgets of all, and one of the key."""
    keys = Keys(database)
    key, secret = await keys.create(f"editor {new_id()}", KeyScopes(budgets=(own,) if own else ()))
    ring = await keys.ring()
    recover = Ledger(database, CATALOGUE).recover
    ledger = SpeechLedger(database, BudgetSettings.model_validate(common or {}), ring, recover)
    return Server(database, ring, ledger, key, secret)


@pytest.fixture
async def database(location: str | Path) -> AsyncIterator[Database]:
    async with await open_database(location) as opened:
        yield opened


async def test_a_call_has_its_row_before_it_is_made_and_is_settled_after(database: Database) -> None:
    server, call = await server_on(database), speaking()
    await server.admit(call)
    (row,) = await server.rows()
    assert (row.outcome, row.reserved, row.cost, row.feature) == ("running", COST, None, "editor")
    assert (row.key_id, row.writer) == (server.key.id, database.instance)
    with measured(call, CATALOGUE):
        pass
    await server.ledger.settle(call, server.place)
    (row,) = await server.rows()
    assert (row.outcome, row.cost, row.feature, row.writer) == ("answered", COST, "editor", None)


async def test_what_runs_counts_against_the_limits_of_the_key_and_of_all(database: Database) -> None:
    for common, own in (
        ({"day": {"hard": float(COST * 2)}}, None),
        ({}, KeyBudget("total", COST * 2)),
    ):
        await database.run(lambda connection: connection.execute(calls.delete()))
        server = await server_on(database, common, own)
        await server.admit(speaking())
        await server.admit(speaking())
        with pytest.raises(BudgetExceeded, match=r"held for running calls; this call may cost \$0\.0022"):
            await server.admit(speaking())
        assert len(await server.rows()) == 2


async def test_an_unknown_price_is_refused_where_a_limit_has_to_hold(database: Database) -> None:
    unknown = SpeechCall("speech", "groq", "speaks-9", characters=100)
    limited = await server_on(database, {"unknown_prices": "refuse"}, KeyBudget("day", COST))
    with pytest.raises(BudgetExceeded, match="whose price is unknown"):
        await limited.admit(unknown)
    free = await server_on(database)
    await free.admit(unknown)
    (row,) = await free.rows()
    assert row.reserved is None


async def test_what_this_machine_does_costs_nothing_with_any_budget(database: Database) -> None:
    server = await server_on(database, own=KeyBudget("day", Decimal("0.001")))
    call = SpeechCall("transcription", "local", "base", seconds=3600)
    call.look_up(OnThisMachine())
    await server.admit(call)
    with measured(call, OnThisMachine()):
        pass
    await server.ledger.settle(call, server.place)
    (row,) = await server.rows()
    assert (row.cost, row.audio_seconds, row.price_id) == (0, 3600, "local/speech")


async def test_a_key_that_another_process_revoked_is_not_admitted(database: Database) -> None:
    server = await server_on(database)
    await Keys(database).revoke(server.key.id)
    with pytest.raises(KeyRefused, match="was revoked"):
        await server.admit(speaking())
    assert await server.rows() == []


async def test_of_a_server_that_died_what_was_set_aside_is_booked(location: str | Path) -> None:
    async with await open_database(location) as died:
        await (await server_on(died)).admit(speaking())
    async with await open_database(location) as database:
        assert await Ledger(database, CATALOGUE).recover() == 1
        (row,) = await database.read(lambda c: list(c.execute(select(calls))))
    assert (row.outcome, row.cost, row.estimated) == ("crashed", COST, True)


async def test_what_cannot_be_settled_is_settled_with_the_next(database: Database) -> None:
    server, first, second = await server_on(database), speaking(), speaking()
    for call in (first, second):
        await server.admit(call)
        with measured(call, CATALOGUE):
            pass
    await database.run(lambda c: c.execute(text("ALTER TABLE price_rows RENAME TO gone")))
    await server.ledger.settle(first, server.place)
    assert isinstance(server.ledger.failure, StorageError)
    assert {row.outcome for row in await server.rows()} == {"running"}
    await database.run(lambda c: c.execute(text("ALTER TABLE gone RENAME TO price_rows")))
    await server.ledger.settle(second, server.place)
    assert server.ledger.failure is None
    assert [(row.outcome, row.cost) for row in await server.rows()] == [("answered", COST)] * 2
