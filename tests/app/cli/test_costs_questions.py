"""`tensorwall costs --instead` and `--budgets`."""

from __future__ import annotations

from tests.app.cli.booked import SMALL, Ledger, exact
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
