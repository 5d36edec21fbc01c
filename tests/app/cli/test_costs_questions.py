"""`tensorwall costs --instead` and `--budgets`."""

from __future__ import annotations

import re

from core.catalogue import load_catalogue
from core.chat import Usage
from core.records import open_records
from tests.app.cli.booked import SMALL, Ledger, book, exact
from tests.app.cli.conftest import Run


def test_on_another_model(tensorwall: Run, ledger: Ledger) -> None:
    answer = exact(
        tensorwall("costs", "--instead", SMALL, "--session", ledger.rivers, "--format", "json").out
    )
    assert (answer["calls"], answer["left_out"], answer["unknown_price_calls"]) == (2, 1, 1)
    assert answer["actual_usd"] == ledger.rivers_totals.cost
    assert 0 < answer["instead_usd"] < answer["actual_usd"]
    words = tensorwall("costs", "--instead", f"groq/{SMALL}", "--session", "latest").out
    assert answer["estimated_calls"] == 1
    assert "2 calls cost ~$" in words
    assert "would have cost ~$" in words
    assert "less (" in words
    assert "at an unknown price" in words


def test_budgets(tensorwall: Run, ledger: Ledger) -> None:
    none = tensorwall("costs", "--budgets")
    assert (none.status, none.out) == (0, "")
    assert "config set budgets.month.hard" in none.err
    tensorwall("config", "set", "budgets.month.hard", "2")
    tensorwall("config", "set", "budgets.session.soft", "0.5")
    (month,) = exact(tensorwall("costs", "--budgets", "--format", "json").out)
    assert (month["budget"], month["hard_usd"], month["held_usd"]) == ("month", 2, 0)
    assert month["left_usd"] == 2 - month["spent_usd"]
    table = tensorwall("costs", "--budgets", "--session", "latest").out.splitlines()
    assert [line.split()[0] for line in table] == ["budget", "session", "month"]
    assert "with a new session" in table[1]
    assert table[1].split()[3].startswith("~$")


async def _month(tensorwall: Run, *calls: tuple[Usage | None, dict[str, object]]) -> str:
    """The line on the month, of these calls alone."""
    records = await open_records(Ledger().file, load_catalogue())
    for usage, values in calls:
        book(records, None, usage, **values)
    await records.aclose()
    (line,) = [line for line in tensorwall("costs").out.splitlines() if line.startswith("This month: ")]
    return line


async def test_a_month_without_spend_is_told_without_the_mark_of_an_estimate(tensorwall: Run) -> None:
    estimate = {"outcome": "interrupted", "output_characters": 500, "days": 70}
    free = (Usage(9, 9), {"provider": "ollama", "model": "llama3"})
    assert await _month(tensorwall, (None, estimate), free) == "This month: nothing yet; last month $0."


async def test_only_the_sums_with_an_estimate_in_them_are_marked(tensorwall: Run) -> None:
    estimate = {"outcome": "interrupted", "output_characters": 500}
    line = await _month(tensorwall, (None, estimate))
    assert re.fullmatch(
        r"This month: ~\$0\.0\d+ so far, some ~\$0\.\d+ by its end; last month \$0\.", line
    ), line
