"""`tensorwall costs --by key`: spend by the names of the gateway's keys, revoked ones too."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection, update

from core.catalogue import load_catalogue
from core.chat import Usage
from core.locations import find_locations
from core.records import open_records
from core.storage.tables import calls
from tests.app.cli.booked import book, exact
from tests.app.cli.conftest import Run


def give_keys(connection: Connection, made_with: dict[str, str | None]) -> None:
    for call_id, key_id in made_with.items():
        connection.execute(update(calls).where(calls.c.call_id == call_id).values(key_id=key_id))


async def test_spend_by_key_is_told_by_name(tensorwall: Run) -> None:
    records = await open_records(find_locations().database(None), load_catalogue())
    try:
        first, _ = await records.keys.create("alice")
        second, _ = await records.keys.create("bob")
        await records.keys.revoke(second.id)
        await records.keys.revoke("bob")
        again, _ = await records.keys.create("bob")
        ids = [first.id, first.id, second.id, again.id, None]
        for number in range(len(ids)):
            book(records, None, Usage(1_000 * (number + 1), 10))
        booked = await records.ledger.rows()
        made_with = dict(zip((row.call_id for row in booked), ids, strict=True))
        await records.database.run(give_keys, made_with)
        rows = await records.ledger.rows()
    finally:
        await records.aclose()
    told = exact(tensorwall("costs", "--by", "key", "--format", "json").out)["rows"]
    assert {row["key"]: (row["key_name"], row["calls"], row["cost_usd"]) for row in told} == {
        key_id or "": (name, ids.count(key_id), sum(row.cost or 0 for row in rows if row.key_id == key_id))
        for key_id, name in {
            first.id: "alice",
            second.id: f"bob ({second.id})",
            again.id: f"bob ({again.id})",
            None: "",
        }.items()
    }
    assert all(isinstance(row["cost_usd"], Decimal) and row["cost_usd"] > 0 for row in told)
    table = tensorwall("costs", "--by", "key,model", "--sort", "tokens").out
    for name in ("alice", f"bob ({second.id})", "(without a key)"):
        assert name in table
    for wanted, number in (("key:alice", 2), ("key:bob", 2), (f"key:{again.id}", 1), ('key:""', 1)):
        filtered = tensorwall("costs", "--by", "model", "--filter", wanted, "--format", "json").json
        assert filtered["totals"]["calls"] == number
