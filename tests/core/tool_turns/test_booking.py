"""What turns that call tools cost: each call upstream is booked, and limited."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.chat import ToolStarted
from core.errors import AllRoutesFailed, BudgetExceeded
from core.settings import BudgetSettings, LimitSettings
from tests.core.tool_turns.desk import ADD, SHOUT, Desk, add, read


async def test_each_call_upstream_is_booked_on_the_turn(desk: Desk) -> None:
    desk.calls([ADD], [SHOUT])
    turn = desk.ask("Go.")
    await read(turn)
    records = await desk.records()
    rows = await records.ledger.rows(turn.session_id)
    assert [(row.message_id, row.role, row.feature) for row in rows] == [
        (turn.answer_id, role, "chat") for role in ("first", "tools", "tools")
    ]
    assert turn.cost == sum((row.cost for row in rows if row.cost), Decimal(0)) > 0
    assert turn.usage is not None
    assert turn.usage.prompt_tokens == sum(row.prompt_tokens for row in rows)
    assert (await records.ledger.totals(turn.session_id)).turns == 1


async def test_calls_that_break_off_are_made_anew_run_once_and_booked_twice(desk: Desk) -> None:
    desk.calls([ADD], faults=[{"kind": "cut", "after_tokens": 4, "times": 1}])
    turn = desk.ask("Go.", irrevocable="text")
    events = await read(turn)
    assert sum(isinstance(event, ToolStarted) for event in events) == 1
    assert (turn.text, turn.state) == ("Done.", "complete")
    assert [(role, text) for role, text, _ in await desk.branch(turn)] == [
        ("user", "Go."),
        ("assistant", ""),
        ("tool", "5"),
        ("assistant", "Done."),
    ]
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert [(row.role, row.outcome) for row in rows] == [
        ("first", "interrupted"),
        ("retry", "answered"),
        ("tools", "answered"),
    ]
    assert turn.cost == sum((row.cost for row in rows if row.cost), Decimal(0))


async def test_budgets_hold_for_each_call(desk: Desk) -> None:
    desk.assistant.budgets = BudgetSettings(session=LimitSettings(hard=Decimal("0.0006")))
    desk.simulator.configure(reasoning="", tool_calls=[ADD], text="Done.", tokens=200)
    desk.use(add, steps=100)
    turn = desk.ask("Go. " * 200)
    with pytest.raises((BudgetExceeded, AllRoutesFailed)):
        await read(turn)
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert len(rows) > 1
    assert sum((row.cost for row in rows if row.cost), Decimal(0)) <= Decimal("0.0006")
