"""Charts, questions, budgets and the export: what is on screen is what the ledger says."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.figures import money
from app.tui.review.budgets import budget_bar
from app.tui.review.plots import MARKS, burn_down, every_day, stacks
from core.costs.budgets import Budget, BudgetPeriod, Standing
from core.settings import BudgetSettings
from tests.app.tui.conftest import User
from tests.app.tui.review.conftest import NOW, SMALL, Past, reviewing

DAY = timedelta(days=1)


def limits(user: User, **budgets: dict[str, float]) -> None:
    user.conversation.services.assistant.budgets = BudgetSettings.model_validate(budgets)


async def some_past(past: Past) -> str:
    """Two sessions over three days: two models, a fallback after a failure, one answer stopped."""
    dear, cheap = await past.session("Dear"), await past.session("Cheap")
    answer = await past.turn(dear, "why?", outcome="failed", usage=None, error="no room")
    past.call(dear, answer, role="fallback", reason="rate limited")
    await past.turn(dear, "and then?", ago=DAY)
    await past.turn(cheap, "quick?", model=SMALL, ago=2 * DAY)
    past.call(cheap, None, outcome="cancelled", usage=None, output_chunks=30, ago=2 * DAY)
    await past.records.ledger.rows(limit=1)
    return dear


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_spend_per_day_is_drawn_with_a_mark_a_model(
    past: Past, folder: Path, size: tuple[int, int]
) -> None:
    await some_past(past)
    total = (await past.records.review.totals()).cost
    async with reviewing(folder, size=size) as user:
        await user.presses("3")
        await user.sees(f"{money(total)} spent, by day and model", f"{MARKS[1]} gpt-oss-20b", "19 Nov")
        await user.presses("t")
        await user.sees("22 Nov")


async def test_models_of_one_name_by_two_makers_are_told_apart(past: Past, folder: Path) -> None:
    session = await past.session("Two makers")
    await past.turn(session, "why?", model="openai/gpt-oss-20b")
    await past.turn(session, "why?", model="gpt-oss-20b", provider="openai")
    await past.turn(session, "why?")
    async with reviewing(folder, size=(110, 30)) as user:
        await user.presses("2")
        await user.sees(" openai/gpt-oss-20b ", " gpt-oss-20b ", " gpt-oss-120b ")
        await user.presses("3")
        await user.sees(" openai/gpt-oss-20b", " gpt-oss-120b")
        await user.presses("right")
        await user.sees(" openai/gpt-oss-20b ", " gpt-oss-120b ")


async def test_the_arrows_go_from_chart_to_chart(past: Past, folder: Path) -> None:
    await some_past(past)
    async with reviewing(folder, size=(110, 30)) as user:
        await user.presses("3", "right")
        await user.sees("[Cost against speed]", "tokens a second", "A gpt-oss-120b", "B gpt-oss-20b")
        await user.presses("right")
        await user.sees("spent this month, heading for", "day of the month")
        limits(user, month={"soft": 0.5, "hard": 1})
        await user.presses("r")
        await user.sees("left of $1.00 this month", "soft limit")
        await user.presses("left", "left")
        await user.sees("[Spend per day]")


async def test_without_spend_a_chart_says_so(past: Past, folder: Path) -> None:
    async with reviewing(folder) as user:
        await user.presses("3")
        await user.sees("Nothing was asked in this time")


async def test_a_chart_follows_the_theme(past: Past, folder: Path) -> None:
    await some_past(past)
    async with reviewing(folder) as user:
        await user.presses("3")
        await user.sees("spent, by day and model")
        legend = user.app.screen.query_one(".marks")
        before = repr(legend.render().spans)
        user.app.theme = "tensorwall-light"
        await user.until(lambda: repr(legend.render().spans) != before)


async def test_each_question_is_one_key(past: Past, folder: Path) -> None:
    await some_past(past)
    totals = await past.records.review.totals()
    async with reviewing(folder, size=(110, 30)) as user:
        await user.presses("c")
        await user.sees(f"Caching saved {money(totals.cache_saving)}.", "Cached tokens")
        await user.presses("f")
        await user.sees("Detours cost", "Fallback", "another place after a failure", "Stopped")
        await user.presses("d")
        await user.sees("The dearest session cost", "Dear", "Cheap")
        await user.presses("enter")
        await user.sees("and then?", "Question")
        await user.presses("escape", "m")
        await user.sees("No limit is set for it.", "At the end of the month")
        limits(user, month={"hard": 0.0001})
        await user.presses("r")
        await user.sees("The month's limit of $0.00010 is used up.")


async def test_another_model_is_priced_for_the_session_that_is_looked_at(past: Past, folder: Path) -> None:
    dear = await some_past(past)
    async with reviewing(folder, size=(110, 30)) as user:
        await user.sees("Dear")
        await user.presses("x")
        await user.sees("“Dear” cost", "in 2 calls", "Left out: 1 call without tokens")
        same = next(line for line in user.screen.splitlines() if "openai/gpt-oss-120b" in line)
        assert "+0%" in same
        await user.presses("c", "x")
        await user.sees("These calls cost")
    assert dear


async def test_questions_about_nothing_are_answered_in_words(past: Past, folder: Path) -> None:
    async with reviewing(folder) as user:
        for key, words in (
            ("c", "Caching saved nothing"),
            ("f", "No detours"),
            ("x", "there is nothing to price again"),
            ("d", "There is no session to compare"),
            ("m", "The month is heading for $0"),
        ):
            await user.presses(key)
            await user.sees(words)


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_budgets_show_what_is_spent_held_and_left(
    keyed: object, folder: Path, size: tuple[int, int]
) -> None:
    async with reviewing(folder, size=size) as user:
        limits(user, day={"soft": 0.5, "hard": 1}, month={"soft": 2})
        await user.presses("5")
        await user.sees(
            "Today", "$0 of $1.00", "$1.00 left", "soft limit $0.500", "This week", "no limit", "F10"
        )
        await user.sees("$0 of $2.00")


@pytest.mark.parametrize(("key", "first"), [("1", "session"), ("2", "model")])
async def test_what_is_looked_at_is_written_to_a_new_file(
    past: Past, folder: Path, key: str, first: str
) -> None:
    await some_past(past)
    total = (await past.records.review.totals()).cost
    async with reviewing(folder) as user:
        await user.presses(key, "e")
        await user.sees("Export what is looked at")
        await user.presses("enter")
        await user.told("written to")
        with (folder / f"costs-{NOW.astimezone():%Y-%m-%d}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert next(iter(rows[0])) == first
        assert sum(Decimal(row["cost_usd"]) for row in rows) == total
        await user.presses("e")
        await user.sees("Export what is looked at")
        await user.presses("enter")
        await user.told("is there already")


async def test_the_calls_of_a_session_are_written_as_json(past: Past, folder: Path) -> None:
    await some_past(past)
    async with reviewing(folder) as user:
        await user.sees("Dear")
        await user.presses("enter", "e")
        await user.sees("Export what is looked at")
        await user.presses("home", "ctrl+k")
        await user.types("calls.txt")
        await user.presses("enter")
        await user.sees("does not tell what to write")
        await user.presses("home", "ctrl+k")
        await user.types("calls.json")
        await user.presses("enter")
        await user.told("written to")
    written = json.loads((folder / "calls.json").read_text("utf-8"))
    assert {row["outcome"] for row in written["rows"]} == {"answered", "failed"}


async def test_a_folder_that_takes_no_file_is_told(past: Past, folder: Path) -> None:
    await some_past(past)
    async with reviewing(folder) as user:
        await user.presses("e")
        await user.sees("Export what is looked at")
        await user.presses("home", "ctrl+k")
        await user.types("nowhere/costs.csv")
        await user.presses("enter")
        await user.told("There is no folder")


def test_plotext_is_loaded_for_charts_alone() -> None:
    code = "import sys, app.tui.review.screen; print([m for m in sys.modules if 'plotext' in m])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


days = st.integers(1, 40).map(lambda number: every_day(date(2026, 1, 1), date(2026, 1, 1) + number * DAY))


@given(days, st.data())
def test_the_series_of_a_chart_add_up_to_each_day(found: list[date], data: st.DataObject) -> None:
    cost = st.decimals(0, 10, places=4)
    models = st.sampled_from([f"model {number}" for number in range(9)])
    keys = st.tuples(st.sampled_from(found), models)
    spent = data.draw(st.dictionaries(keys, cost, max_size=60))
    series = stacks(spent, found)
    assert len(series) <= len(MARKS)
    for number, day in enumerate(found):
        whole = sum(value for (at, _), value in spent.items() if at == day)
        assert sum(stack.values[number] for stack in series) == pytest.approx(float(whole))


amounts = st.decimals("0.0001", 100, places=4)


@given(
    amounts,
    st.none() | amounts,
    st.decimals(0, 200, places=4),
    st.decimals(0, 50, places=4),
    st.integers(8, 60),
)
def test_a_budgets_bar_is_as_wide_as_it_may_be(
    hard: Decimal, soft: Decimal | None, spent: Decimal, held: Decimal, width: int
) -> None:
    bar = budget_bar(Standing(Budget("day", soft, hard), BudgetPeriod("d"), spent, held), width)
    assert bar.cell_length == width
    assert ("█" in bar.plain or "|" in bar.plain) == bool(spent or (soft is not None and soft < hard))
    if spent >= hard and (soft is None or soft >= hard):
        assert bar.plain == "█" * width


@given(st.lists(st.decimals(0, 5, places=3), min_size=1, max_size=28), st.decimals(0, 9, places=2))
def test_a_budget_burns_down_to_nothing_and_never_below(costs: list[Decimal], projected: Decimal) -> None:
    spent = [sum(costs[: number + 1], Decimal(0)) for number in range(len(costs))]
    left, heading, soft = burn_down(spent, projected, Budget("month", Decimal(1), Decimal(3)), 30)
    assert list(left.ys) == sorted(left.ys, reverse=True)
    assert min((*left.ys, *heading.ys)) >= 0
    assert left.ys[-1] == heading.ys[0] == float(max(Decimal(0), 3 - spent[-1]))
    assert soft.ys == (2.0, 2.0)
    (rising, _) = burn_down(spent, projected, None, 30)
    assert rising.ys == tuple(map(float, spent))
