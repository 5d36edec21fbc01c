"""`tensorwall keys`: secrets on stdout once, and everything about them but the secrets ever after."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert

from core.catalogue import load_catalogue
from core.errors import KeyRefused
from core.keys import KeyRing, prefix_of
from core.locations import find_locations
from core.records import Records, open_records
from core.storage.tables import calls
from tests.app.cli.conftest import OnTerminal, Run

SECRET = re.compile(r"gw_[A-Za-z0-9_-]{43}\n")


async def open_users_records() -> Records:
    """What the command opens, by this test's environment."""
    return await open_records(find_locations().database(None), load_catalogue())


def ring() -> KeyRing:
    async def read() -> KeyRing:
        records = await open_users_records()
        try:
            return await records.keys.ring()
        finally:
            await records.aclose()

    return asyncio.run(read())


def book(*rows: dict[str, Any]) -> None:
    """Write calls as the gateway will have booked them."""
    row = {
        "feature": "chat", "route": "r", "provider": "groq", "model": "m", "reason": "first",
        "started_at": datetime.now(UTC), "outcome": "answered", "prompt_tokens": 10, "completion_tokens": 5,
        "cached_tokens": 0, "reasoning_tokens": 0, "estimated": False, "cost": None,
        "key_id": None,
    }  # fmt: skip

    async def write() -> None:
        records = await open_users_records()
        made = [{**row, "call_id": str(number), **given} for number, given in enumerate(rows)]
        await records.database.run(lambda connection: connection.execute(insert(calls), made))
        await records.aclose()

    asyncio.run(write())


def listed(tensorwall: Run) -> list[dict[str, Any]]:
    ran = tensorwall("keys", "list", "--format", "json")
    found: list[dict[str, Any]] = json.loads(ran.out, parse_float=Decimal, parse_int=Decimal)
    return found


def test_a_secret_is_printed_once(tensorwall: Run) -> None:
    made = tensorwall("keys", "create", "editor")
    assert made.status == 0
    assert SECRET.fullmatch(made.out)
    assert "editor" in made.err
    assert "not shown again" in made.err
    secret = made.out.strip()
    assert secret not in made.err
    for form in ("table", "json"):
        ran = tensorwall("keys", "list", "--format", form)
        assert prefix_of(secret) in ran.out
        assert secret[len(prefix_of(secret)) :] not in ran.out + ran.err
    assert ring().find(secret).name == "editor"


def test_the_life_of_a_key(tensorwall: Run) -> None:
    made = tensorwall("keys", "create", "editor", "--quiet")
    assert SECRET.fullmatch(made.out)
    assert made.err == ""
    first = made.out.strip()
    rotated = tensorwall("keys", "rotate", prefix_of(first), "--grace", "2h")
    second = rotated.out.strip()
    assert prefix_of(first) in rotated.err
    both = ring()
    assert both.find(first) == both.find(second)
    with pytest.raises(KeyRefused, match="replaced"):
        both.find(first, datetime.now(UTC) + timedelta(hours=2))

    assert tensorwall("keys", "revoke", second).status == 0
    for secret in (first, second):
        with pytest.raises(KeyRefused, match="revoked"):
            ring().find(secret)
    again = tensorwall("keys", "rotate", "editor")
    assert (again.status, again.out) == (2, "")
    assert "revoked" in again.err


def test_a_key_has_the_scopes_it_was_given(tensorwall: Run) -> None:
    made = tensorwall(
        "keys", "create", "ci", "--models", "gpt-oss*, qwen", "--endpoints", "chat,models",
        "--budget", "5/month", "--budget", "$0.25/day", "--expires", "2099-01-31", "-q",
    )  # fmt: skip
    key = ring().find(made.out.strip())
    assert key.scopes.models == ("gpt-oss*", "qwen")
    assert key.scopes.endpoints == ("chat", "models")
    assert {budget.period: budget.hard for budget in key.scopes.budgets} == {
        "month": Decimal(5), "day": Decimal("0.25"),
    }  # fmt: skip
    assert key.expires_at == datetime(2099, 2, 1).astimezone(UTC)
    table = tensorwall("keys", "list").out
    assert "chat, models of gpt-oss*, qwen; until 2099-02-01 00:00" in table
    assert "$0 of $0.250 a day, $0 of $5.00 a month" in table


def test_spend_is_told_against_the_budgets(tensorwall: Run) -> None:
    tensorwall("keys", "create", "ci", "--budget", "10/total")
    tensorwall("keys", "create", "free")
    ci, free = listed(tensorwall)
    now = datetime.now(UTC)
    book(
        {"key_id": ci["id"], "cost": Decimal("0.000000000001"), "started_at": now},
        {"key_id": ci["id"], "cost": Decimal("0.3"), "estimated": True},
        {"key_id": ci["id"], "cost": Decimal(7), "started_at": now - timedelta(days=400)},
        {"key_id": free["id"]},
        {"cost": Decimal(99)},
    )
    ci, free = listed(tensorwall)
    assert (ci["calls"], ci["cost_usd"]) == (3, Decimal("7.300000000001"))
    assert ci["estimated_cost_usd"] == Decimal("0.3")
    assert (ci["total_budget_usd"], ci["total_spent_usd"]) == (10, ci["cost_usd"])
    assert (ci["total_held_usd"], ci["month_budget_usd"]) == (0, None)
    assert datetime.fromisoformat(ci["last_used"]) >= now
    assert (free["calls"], free["unknown_price_calls"], free["cost_usd"]) == (1, 1, 0)
    rows = list(csv.DictReader(io.StringIO(tensorwall("keys", "list", "--format", "csv").out)))
    assert [row["name"] for row in rows] == ["ci", "free"]
    assert rows[0]["cost_usd"] == "7.300000000001"
    assert "$7.30 of $10.00 in all" in tensorwall("keys", "list").out


def test_a_long_name_is_cut_on_a_terminal_alone(
    tensorwall: Run, on_terminal: Callable[..., OnTerminal]
) -> None:
    name = "n" * 100
    tensorwall("keys", "create", name)
    assert name in tensorwall("keys", "list").out
    terminal = on_terminal("keys", "list", columns=100)
    assert terminal.wait() == 0
    row = terminal.seen.splitlines()[1]
    assert name not in row
    assert row.split()[1].endswith("…")
    assert row.split()[2:] == ["active", "$0", "never", "everything"]


def test_a_name_that_a_key_has_is_refused(tensorwall: Run) -> None:
    made = tensorwall("keys", "create", "twin", "-q").out.strip()
    again = tensorwall("keys", "create", "twin", "-q")
    assert (again.status, again.out) == (2, "")
    assert prefix_of(made) in again.err
    assert "already" in again.err
    assert len(listed(tensorwall)) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "x", "--budget", "5"), "5/month"),
        (("create", "x", "--budget", "1/day", "--budget", "2/day"), "two budgets"),
        (("create", "x", "--expires", "yesterday"), "no time"),
        (("rotate", "x", "--grace", "-1h"), "no time"),
        (("rotate", "x"), "no such key"),
    ],
)
def test_what_makes_no_sense_is_told(tensorwall: Run, arguments: tuple[str, ...], told: str) -> None:
    ran = tensorwall("keys", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err


def test_the_demo_keeps_its_keys_apart(tensorwall: Run) -> None:
    tensorwall("keys", "--demo", "create", "editor")
    ran = tensorwall("keys", "list")
    assert (ran.status, ran.out) == (0, "")
    assert "no keys yet" in ran.err
    assert "editor" in tensorwall("keys", "list", "--demo").out
