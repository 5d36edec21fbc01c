"""From the list of sessions down to one call, and from a cost to the message that caused it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from app.figures import money
from app.tui.review.context import Place
from app.tui.review.screen import ReviewScreen
from app.tui.review.table import Table
from core.chat import Usage
from core.review import Scope
from tests.app.tui.conftest import User, opened, says
from tests.app.tui.review.conftest import NOW, SMALL, Past, reviewing
from tests.simulated import Simulated

DAY = timedelta(days=1)


def titles(user: User) -> list[str]:
    """Of no session before the review is there."""
    tables = user.app.screen.query(Table)
    return [str(row.cells[0]) for row in tables.first().rows] if tables else []


def table(user: User) -> Table:
    screen = user.app.screen
    assert isinstance(screen, ReviewScreen)
    return screen.view.query_one(Table)


async def test_sessions_are_listed_with_what_they_cost_the_last_used_first(past: Past, folder: Path) -> None:
    old, new = await past.session("Sourdough"), await past.session("Tax return")
    await past.turn(old, "How long does it rise?", ago=DAY)
    await past.turn(new, "What is deductible?")
    await past.turn(new, "And a bicycle?")
    cost = (await past.records.review.totals(Scope(session_id=new))).cost
    async with reviewing(folder) as user:
        await user.sees("Sourdough", "Tax return", "2 sessions", money(cost), "3 turns", "3 calls")
        assert titles(user) == ["Tax return", "Sourdough"]


async def test_the_sums_are_those_of_the_ledger(past: Past, folder: Path) -> None:
    session = await past.session("Mixed")
    await past.turn(session, "billed")
    await past.turn(session, "estimated", usage=None, prompt_tokens_estimate=500, output_characters=400)
    await past.turn(session, "unpriced", model="nobody/knows")
    totals = await past.records.review.totals()
    assert totals.billed_cost + totals.estimated_cost == totals.cost
    assert totals.unknown_price_calls == 1
    async with reviewing(folder, size=(110, 24)) as user:
        await user.sees(
            f"{money(totals.billed_cost)} billed + {money(totals.estimated_cost, estimated=True)} estimated",
            f"{money(totals.cost, estimated=True)}+?",
            "1 at unknown prices",
        )


async def test_sorting_goes_from_column_to_column_and_back(past: Past, folder: Path) -> None:
    cheap, dear = await past.session("Cheap"), await past.session("Dear")
    await past.turn(dear, "much", usage=Usage(50_000, 9_000), ago=DAY)
    await past.turn(cheap, "little")
    async with reviewing(folder) as user:
        await user.until(lambda: titles(user) == ["Cheap", "Dear"])
        await user.presses("right")
        await user.sees("↓Cost")
        await user.until(lambda: titles(user) == ["Dear", "Cheap"])
        await user.presses("v")
        await user.sees("↑Cost")
        await user.until(lambda: titles(user) == ["Cheap", "Dear"])
        await user.presses("left")
        await user.sees("↓Last used")


async def test_periods_and_the_filter_narrow_what_is_counted(past: Past, folder: Path) -> None:
    today, earlier = await past.session("Today"), await past.session("Last year")
    await past.turn(today, "now")
    await past.turn(earlier, "then", ago=400 * DAY, model=SMALL)
    async with reviewing(folder) as user:
        await user.until(lambda: titles(user) == ["Today"])
        await user.presses("a")
        await user.until(lambda: titles(user) == ["Today", "Last year"])
        await user.presses("slash")
        await user.types("model:gpt-oss-20b")
        await user.until(lambda: titles(user) == ["Last year"])
        await user.presses("enter")
        await user.sees("Filter: model:gpt-oss-20b", "1 turn")
        await user.presses("slash", "escape")
        await user.until(lambda: titles(user) == ["Today", "Last year"])
        await user.presses("t")
        await user.until(lambda: titles(user) == ["Today"])


async def test_what_is_typed_while_the_review_opens_is_no_filter(
    past: Past, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    focused: list[Widget | None] = []
    set_focus = Screen.set_focus

    def noted(screen: Screen[object], widget: Widget | None, *given: Any, **named: Any) -> None:
        focused.append(widget)
        set_focus(screen, widget, *given, **named)

    monkeypatch.setattr(Screen, "set_focus", noted)
    await past.turn(await past.session("Kept"), "here")
    async with reviewing(folder) as user:
        await user.sees("Kept")
        await user.until(lambda: user.app.focused is table(user))
    assert not any(isinstance(widget, Input) for widget in focused)


async def test_a_filter_that_cannot_be_read_is_told(past: Past, folder: Path) -> None:
    await past.turn(await past.session("Kept"), "here")
    async with reviewing(folder, size=(140, 30)) as user:
        await user.sees("Kept")
        await user.presses("slash")
        await user.types("modle:x")
        await user.sees("There is no field 'modle' to filter by. Fields: model, provider")
        await user.presses("escape")
        await user.sees("Kept")


async def test_more_sessions_are_fetched_as_the_cursor_nears_the_end(past: Past, folder: Path) -> None:
    for number in range(260):
        past.call(f"session{number:05}", ago=timedelta(seconds=number))
    async with reviewing(folder) as user:
        await user.sees("260 sessions")
        while len(table(user).rows) < 260:
            before = len(table(user).rows)
            await user.presses("end")
            await user.until(lambda before=before: len(table(user).rows) > before)
        assert len(set(titles(user))) == 260


async def test_deleted_sessions_and_calls_outside_of_sessions_are_marked(past: Past, folder: Path) -> None:
    gone = await past.session("Gone")
    await past.turn(gone, "forget this")
    past.call(None, feature="title", ago=DAY)
    await past.records.conversations.delete(gone)
    async with reviewing(folder) as user:
        await user.sees("(deleted)", "(outside of sessions)", "deleted; what it cost stays")
        await user.presses("o")
        await user.told("There is no")
        assert isinstance(user.app.screen, ReviewScreen)
        await user.presses("enter")
        await user.sees("(the question is gone)")


async def test_down_to_a_call_and_back(past: Past, folder: Path) -> None:
    session = await past.session("Deep")
    answer = await past.turn(
        session,
        "Why is the sky blue?",
        outcome="failed",
        usage=None,
        error="no room",
        error_type="RateLimited",
    )
    past.call(session, answer, role="fallback", reason="rate limited", model=SMALL, request_id="req_42")
    async with reviewing(folder, size=(140, 45)) as user:
        await user.sees("Deep")
        await user.presses("enter")
        await user.sees("Why is the sky blue?", "fallback")
        await user.presses("enter")
        await user.sees("gpt-oss-120b", "gpt-oss-20b", "RateLimited: no room", "░░ prompt", "██ answering")
        await user.presses("down")
        await user.sees("fallback: rate limited", "req_42", "1,000 prompt (400 cached)", "per 1M tokens")
        await user.presses("escape", "escape")
        await user.sees("1 session")


async def test_from_a_cost_to_its_answer_in_the_chat(past: Past, folder: Path) -> None:
    session = await past.session("Long")
    first = await past.turn(session, "the first question")
    for number in range(40):
        await past.turn(session, f"question {number}")
    async with reviewing(folder, start=Place(session, first)) as user:
        await user.sees("the first question", "Route")
        await user.presses("o")
        await user.until(lambda: user.app.screen is user.chat)
        await user.sees("The answer to the first question")
        selected = user.chat.transcript.selected_entry
        assert selected is not None
        assert selected.id == first


async def test_from_an_answer_to_its_cost_and_on_with_new_calls(keyed: Simulated, folder: Path) -> None:
    says(keyed, "Forty-two.")
    async with opened(folder) as user:
        await user.asks("What is the answer?")
        await user.presses("alt+up", "dollar_sign")
        await user.sees("What is the answer?", "Route", "Tokens", "billed")
        await user.presses("escape", "escape")
        await user.sees("1 session", "1 turn")
        user.chat.submit("And again?")
        await user.sees("2 turns")


async def test_cost_opens_the_turns_of_the_session_in_the_chat(keyed: Simulated, folder: Path) -> None:
    says(keyed, "Yes.")
    async with opened(folder) as user:
        await user.sends("/cost")
        await user.told("This session has cost nothing yet.")
        await user.asks("Really?")
        await user.sends("/cost")
        await user.sees("Question", "Really?", "billed")
        await user.presses("escape", "escape")
        await user.presses("ctrl+s")
        await user.sees("[1 Sessions]", "Really?")


async def test_nothing_asked_yet_is_said(keyed: Simulated, folder: Path) -> None:
    async with reviewing(folder) as user:
        await user.presses("a")
        await user.sees("Nothing has been asked yet")


async def test_a_database_that_fails_is_told_and_asked_again(past: Past, folder: Path) -> None:
    await past.turn(await past.session("Still here"), "hello")
    async with reviewing(folder, size=(110, 30)) as user:
        await user.sees("Still here")
        records = await user.conversation.services.records()
        await records.database.run(lambda c: c.exec_driver_sql("ALTER TABLE spend RENAME TO away"))
        await user.presses("r")
        await user.sees("R tries again", "Still here")
        await records.database.run(lambda c: c.exec_driver_sql("ALTER TABLE away RENAME TO spend"))
        await user.presses("r")
        await user.until(lambda: "tries again" not in user.screen)


async def test_the_mouse_sorts_moves_and_opens(past: Past, folder: Path) -> None:
    one, two = await past.session("One"), await past.session("Two")
    await past.turn(one, "first", usage=Usage(90_000, 900), ago=DAY)
    await past.turn(two, "second")
    async with reviewing(folder) as user:
        await user.until(lambda: titles(user) == ["Two", "One"])
        place = user.screen.splitlines()
        row = next(y for y, line in enumerate(place) if "Cost" in line and "Turns" in line)
        await user.pilot.click(Table, offset=(place[row].index("Cost") - 1, 0))
        await user.until(lambda: titles(user) == ["One", "Two"])
        await user.pilot.click(Table, offset=(2, 2))
        await user.until(lambda: table(user).cursor == 1)
        await user.pilot.click(Table, offset=(2, 2))
        await user.sees("second", "Question")


async def test_a_time_that_is_known_to_the_quarter_alone_is_told_as_such(past: Past, folder: Path) -> None:
    await past.turn(await past.session("Mine"), "now", ago=timedelta(minutes=20))
    past.call(None, feature="title", ago=timedelta(minutes=5))
    async with reviewing(folder, size=(110, 30)) as user:
        await user.sees("(outside of sessions)", "Mine", "600 ms")
        outside, mine = (
            next(line.split()[-1] for line in user.screen.splitlines() if line.strip().startswith(title))
            for title in ("(outside of sessions)", "Mine")
        )
        exact, quarter = ((NOW - timedelta(minutes=ago)).astimezone() for ago in (20, 15))
        assert (mine, outside) == (f"{exact:%H:%M}", f"~{quarter:%H:%M}")
        assert "0 ms" not in user.screen.replace("600 ms", "")
