"""Turns that are stopped, in each way, or never read."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from decimal import Decimal

import pytest

from core.assistant import Turn
from core.chat import (
    TextDelta,
)
from tests.core.assistant.conftest import PLAIN, Desk, read


async def begun(turn: Turn) -> None:
    while not turn.text:  # noqa: ASYNC110  # the reader's progress is all there is to see
        await asyncio.sleep(0.001)


async def stop_by_aclose(turn: Turn) -> None:
    async for event in turn:
        if isinstance(event, TextDelta):
            await turn.aclose()


async def stop_from_another_task(turn: Turn) -> None:
    reading = asyncio.create_task(read(turn))
    await begun(turn)
    await turn.aclose()
    assert isinstance((await reading)[-1], TextDelta)


async def stop_by_cancelling(turn: Turn) -> None:
    reading = asyncio.create_task(read(turn))
    await begun(turn)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def stop_by_leaving(turn: Turn) -> None:
    async with turn:
        async for event in turn:
            if isinstance(event, TextDelta):
                break


@pytest.mark.parametrize(
    "stop", [stop_by_aclose, stop_from_another_task, stop_by_cancelling, stop_by_leaving]
)
async def test_stopping_ends_the_call_and_keeps_the_text(desk: Desk, stop: Callable) -> None:
    desk.simulator.configure(text=[f"{number} " for number in range(2_000)], tokens_per_second=200, **PLAIN)
    turn = desk.ask("Count.")
    await stop(turn)
    assert turn.state == "stopped"
    assert turn.response is None
    assert turn.text.startswith("0 ")
    assert await desk.branch(turn) == [("user", "Count.", "complete"), ("assistant", turn.text, "stopped")]
    (row,) = await (await desk.records()).ledger.rows(turn.session_id)
    assert (row.outcome, row.estimated) == ("cancelled", True)
    assert row.completion_tokens > 0
    assert row.cost
    await turn.aclose()
    await read(turn)  # what a consumer that was stopped had not taken yet
    assert await read(turn) == []


async def test_a_turn_that_is_never_read_does_nothing(desk: Desk) -> None:
    async with desk.ask("Nothing?") as turn:
        pass
    assert turn.state == "stopped"
    assert await read(turn) == []
    assert desk.opened == 0
    assert desk.simulator.requests() == []


@pytest.mark.parametrize("tentative", [False, True])
async def test_a_turn_stopped_in_the_tick_that_began_it_has_sent_nothing(desk: Desk, tentative: bool) -> None:
    turn = desk.ask("Nothing?", tentative=tentative)
    reading = asyncio.create_task(read(turn))
    await asyncio.sleep(0)
    await turn.aclose()
    assert turn.state == "stopped"
    assert await reading == []
    assert await read(turn) == []
    assert turn.cost == (Decimal(0) if tentative else None)
    assert desk.opened == 0
    assert desk.simulator.requests() == []


async def test_a_turn_stopped_in_the_tick_that_began_it_is_forgotten(desk: Desk) -> None:
    turn = desk.ask("Nothing?")
    reading = asyncio.create_task(read(turn))
    await asyncio.sleep(0)
    await turn.aclose()
    await reading
    stopped = weakref.ref(turn)
    del turn, reading
    desk.ask("And now?")
    gc.collect()
    assert stopped() is None
