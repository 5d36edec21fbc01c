"""Turns that fail or are gone on with: what is kept, said and booked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.chat import (
    RouteChosen,
)
from core.errors import (
    StreamInterrupted,
    TensorWallError,
)
from tests.core.assistant.conftest import PLAIN, Desk, read


async def test_a_failure_keeps_what_had_arrived_and_says_why(desk: Desk) -> None:
    desk.simulator.configure(text="one two three four", faults=[{"kind": "end", "after_tokens": 3}], **PLAIN)
    turn = desk.ask("Count.")
    with pytest.raises(StreamInterrupted) as caught:
        await read(turn)
    assert await read(turn) == []  # an error is told once
    assert turn.state == "failed"
    answer = (await (await desk.records()).conversations.messages(turn.session_id))[-1]
    assert (answer.state, answer.message.text) == ("failed", turn.text)
    assert turn.text.startswith("one")
    assert (answer.error, answer.error_type) == (str(caught.value), "StreamInterrupted")
    row, *rescues = await (await desk.records()).ledger.rows(turn.session_id)
    assert (row.outcome, row.error_type, row.estimated) == ("interrupted", "StreamInterrupted", True)
    assert {(rescue.role, rescue.outcome) for rescue in rescues} <= {("rescue", "failed")}


async def test_an_answer_that_is_gone_on_with_is_one_message_and_each_of_its_calls_is_paid(
    desk: Desk,
) -> None:
    told = "One two three four five six seven eight nine ten."
    fault = {"kind": "cut", "after_tokens": 6, "times": 1}
    desk.simulator.configure(text=told, faults=[fault], **PLAIN)
    turn = desk.ask("Count.")
    events = await read(turn)
    assert [event.continues for event in events if isinstance(event, RouteChosen)] == [False, True]
    _, answer = await (await desk.records()).conversations.messages(turn.session_id)
    assert (answer.state, answer.message.text, turn.text) == ("complete", told, told)
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert [(row.role, row.outcome) for row in rows] == [("first", "interrupted"), ("rescue", "answered")]
    assert turn.cost == sum(row.cost for row in rows if row.cost is not None)
    assert turn.usage is not None
    assert turn.usage.prompt_tokens == sum(row.prompt_tokens for row in rows)
    assert turn.usage.completion_tokens == sum(row.completion_tokens for row in rows)


async def test_every_call_of_a_failed_turn_is_booked(desk: Desk) -> None:
    desk.simulator.fail("unauthorized")
    turn = desk.ask("Hello")
    with pytest.raises(TensorWallError):
        await read(turn)
    assert turn.state == "failed"
    answer = (await (await desk.records()).conversations.messages(turn.session_id))[-1]
    assert answer.error_type in {"AuthenticationFailed", "AllRoutesFailed"}
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert {row.outcome for row in rows} == {"failed"}
    assert sum((row.cost or 0 for row in rows), Decimal(0)) == 0
    desk.simulator.configure(text="Hi", **PLAIN)
    again = desk.assistant.reply(turn.session_id, None)
    await read(again)
    assert (await desk.branch(turn))[-1] == ("assistant", "Hi", "complete")


async def test_a_retired_model_is_replaced_and_both_calls_are_booked(desk: Desk) -> None:
    desk.simulator.configure(text="Hi", **PLAIN)
    turn = desk.ask("Hello", model="llama-3.3-70b-versatile")
    await read(turn)
    assert turn.state == "complete"
    records = await desk.records()
    rows = await records.ledger.rows(turn.session_id)
    assert [row.outcome for row in rows] == ["failed", "answered"]
    answer = (await records.conversations.messages(turn.session_id))[-1]
    assert answer.model == rows[-1].model != "llama-3.3-70b-versatile"
    assert (await records.conversations.get(turn.session_id)).model == "llama-3.3-70b-versatile"
