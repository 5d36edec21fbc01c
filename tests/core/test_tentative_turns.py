"""Answers asked for before it is certain that they are wanted: stored when kept, else only booked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from core.assistant import Assistant, Turn
from core.catalogue import load_catalogue
from core.chat import Message, TextDelta
from core.errors import StorageError
from core.providers import groq_provider
from core.records import LazyRecords, Records, open_records
from core.routing import LLMRouter, RouteEndpoint
from core.settings import ChatSettings
from tests.simulated import Simulated


class Desk:
    """An assistant whose only provider is the simulator."""

    def __init__(self, simulator: Simulated, records: LazyRecords) -> None:
        self.records = records
        self.router = LLMRouter(catalogue=load_catalogue())
        provider = groq_provider.with_overrides(api_key=simulator.api_key, base_url=simulator.base_url)
        self.router.add_route("*", [RouteEndpoint(provider=provider)])
        self.assistant = Assistant(self.router, load_catalogue(), ChatSettings(), records)

    def guess(self, text: str, session_id: str | None = None) -> Turn:
        return self.assistant.reply(session_id, Message(role="user", content=text), tentative=True)


@pytest.fixture
async def desk(simulator: Simulated, tmp_path: Path) -> AsyncIterator[Desk]:
    simulator.configure(text="The moon pulls the sea.")
    records = LazyRecords(partial(open_records, tmp_path / "tensorwall.db", load_catalogue()))
    desk = Desk(simulator, records)
    yield desk
    await records.aclose()
    await desk.router.aclose()


async def texts(records: Records, session_id: str) -> list[tuple[str, str]]:
    stored = await records.conversations.messages(session_id)
    return [(message.message.text, message.state) for message in stored]


async def test_a_turn_kept_after_its_end_is_stored_as_any_other(desk: Desk) -> None:
    turn = desk.guess("Tides?")
    assert [event async for event in turn]
    assert not desk.records.are_open  # nothing was stored so far
    await turn.keep()
    records = await desk.records()
    assert await texts(records, turn.session_id) == [
        ("Tides?", "complete"),
        ("The moon pulls the sea.", "complete"),
    ]
    (row,) = await records.ledger.rows(turn.session_id)
    assert (row.feature, row.message_id, row.outcome) == ("chat", turn.answer_id, "answered")
    assert row.cost == turn.cost


async def test_a_turn_kept_while_it_streams_is_stored_while_it_streams(
    desk: Desk, simulator: Simulated
) -> None:
    simulator.configure(text="word " * 400, tokens_per_second=400)
    turn = desk.guess("Tides?")
    async for event in turn:
        if isinstance(event, TextDelta):
            break
    await turn.keep()
    assert turn.state == "streaming"
    assert [event async for event in turn]
    records = await desk.records()
    assert (await texts(records, turn.session_id))[1] == (turn.text, "complete")


async def test_keeping_twice_and_before_anything_is_sent(desk: Desk) -> None:
    turn = desk.guess("Tides?")
    await turn.keep()
    assert [event async for event in turn]
    await turn.keep()
    records = await desk.records()
    assert len(await texts(records, turn.session_id)) == 2
    assert len(await records.ledger.rows()) == 1


@pytest.mark.parametrize("finished", [True, False])
async def test_a_turn_that_is_thrown_away_is_only_booked(
    desk: Desk, simulator: Simulated, finished: bool
) -> None:
    if not finished:
        simulator.configure(text="word " * 2_000, tokens_per_second=200)
    turn = desk.guess("Tides?")
    async for event in turn:
        if isinstance(event, TextDelta) and not finished:
            break
    await turn.aclose()
    records = await desk.records()
    assert await records.conversations.latest() is None
    (row,) = await records.ledger.rows()
    assert (row.feature, row.message_id, row.session_id) == ("speculation", None, None)
    assert row.estimated is not finished
    assert row.cost == turn.cost
    assert turn.cost is not None
    assert turn.cost > Decimal(0)


async def test_what_was_thrown_away_counts_for_the_session_it_was_asked_in(desk: Desk) -> None:
    first = desk.guess("Tides?")
    assert [event async for event in first]
    await first.keep()
    second = desk.guess("And the sun?", first.session_id)
    assert [event async for event in second]
    await second.aclose()
    records = await desk.records()
    rows = await records.ledger.rows(first.session_id)
    assert [row.feature for row in rows] == ["chat", "speculation"]
    assert len(await texts(records, first.session_id)) == 2


async def test_what_a_guess_cost_is_known_however_often_it_is_closed(
    desk: Desk, simulator: Simulated
) -> None:
    simulator.configure(text="word " * 2_000, tokens_per_second=200)
    turn = desk.guess("Tides?")
    arrived = asyncio.Event()

    async def read() -> None:
        async for event in turn:
            if isinstance(event, TextDelta):
                arrived.set()

    reading = asyncio.create_task(read())
    await arrived.wait()
    reading.cancel()  # which closes the turn, too
    await asyncio.wait([reading])
    await turn.aclose()
    (row,) = await (await desk.records()).ledger.rows()
    assert row.cost == turn.cost
    assert turn.cost is not None
    assert turn.cost > Decimal(0)


async def test_throwing_away_what_was_never_sent_leaves_nothing_and_costs_nothing(desk: Desk) -> None:
    turn = desk.guess("Tides?")
    await turn.aclose()
    assert not desk.records.are_open
    assert turn.cost == Decimal(0)


async def test_without_storage_a_guess_costs_an_unknown_amount_and_no_error(
    desk: Desk, simulator: Simulated
) -> None:
    async def broken() -> Records:
        raise StorageError("No.")

    simulator.configure(text="word " * 2_000, tokens_per_second=200)
    assistant = Assistant(desk.router, load_catalogue(), ChatSettings(), LazyRecords(broken))
    turn = assistant.reply(None, Message(role="user", content="Tides?"), tentative=True)
    await anext(turn)
    await turn.aclose()
    assert turn.cost is None
    assert turn.storage_error is None


async def test_cancelling_whoever_keeps_loses_nothing(desk: Desk) -> None:
    turn = desk.guess("Tides?")
    assert [event async for event in turn]
    keeping = asyncio.create_task(turn.keep())
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.wait([keeping])
    await turn.keep()
    assert len(await texts(await desk.records(), turn.session_id)) == 2


async def test_a_guess_thrown_away_while_storage_is_broken_is_no_part_of_the_conversation(
    desk: Desk, tmp_path: Path
) -> None:
    broken = True

    async def open_once_mended() -> Records:
        if broken:
            raise StorageError("No.")
        return await open_records(tmp_path / "mended.db", load_catalogue())

    lazy = LazyRecords(open_once_mended)
    assistant = Assistant(desk.router, load_catalogue(), ChatSettings(), lazy)
    first = assistant.reply(None, Message(role="user", content="Tides?"))
    assert [event async for event in first]
    assert first.storage_error is not None
    guess = assistant.reply(first.session_id, Message(role="user", content="Wrong"), tentative=True)
    assert [event async for event in guess]
    await guess.aclose()
    broken = False
    second = assistant.reply(first.session_id, Message(role="user", content="And the sun?"))
    assert [event async for event in second]
    questions = [text for text, _ in await texts(await lazy(), first.session_id)][::2]
    await lazy.aclose()
    assert questions == ["Tides?", "And the sun?"]
