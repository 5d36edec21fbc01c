"""Answers that call tools, as the voice loop takes them: one text, of which each message is a part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from app.voice_reply import VoiceReply
from core.catalogue import Catalogue, load_catalogue
from core.chat import AnswerContinued, Event, RouteChosen, TextDelta, ToolFinished, ToolStarted
from core.voice.answer import BREAK, Answer
from core.voice.receipt import Receipt, ReceiptBuilder
from tests.core.tool_turns.desk import ADD, Desk
from tests.simulated import Simulated

ROUTE = RouteChosen("1", "m", "groq", "m", "only one")


class Scripted:
    """A reply whose events are given."""

    cost: Decimal | None = None

    def __init__(self, *events: Event) -> None:
        self._events = events

    async def __aiter__(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event

    async def keep(self) -> None:
        """Nothing to store."""

    async def heard(self, characters: int | None) -> None:
        """Nothing to store."""

    async def book(self, receipt: Receipt) -> None:
        """Nothing to store."""

    async def aclose(self) -> None:
        """Nothing is open."""


async def spoken(*events: Event) -> str:
    """The text to be spoken of an answer."""
    answer = Answer(1, "", Scripted(*events), ReceiptBuilder(1), now=lambda: 0.0)
    tasks: list[asyncio.Task[None]] = []

    def spawn(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    async def settled() -> None:
        """Nothing came before."""

    answer.begin(spawn, settled=settled)
    await answer.read()
    assert answer.whole
    return answer.text


async def test_what_is_said_before_and_after_a_tool_is_spoken_and_nothing_of_the_tool() -> None:
    calling = (ToolStarted("c", "m1", "add", "{}"), ToolFinished("c", "m1", "5", 0.1, failed=False))
    before, after = TextDelta("Let me see."), TextDelta("It is 5.")
    assert await spoken(ROUTE, before, *calling, AnswerContinued("m2"), ROUTE, after) == (
        f"Let me see.{BREAK}It is 5."
    )
    assert await spoken(ROUTE, *calling, AnswerContinued("m2"), ROUTE, after) == "It is 5."
    broken_off = (before, AnswerContinued("m2"), ROUTE, TextDelta("It"), ROUTE, after)
    assert await spoken(ROUTE, *broken_off) == f"Let me see.{BREAK}It is 5."


async def test_an_answer_that_another_route_goes_on_with_is_spoken_as_one() -> None:
    half, rest = TextDelta("Half a "), TextDelta("sentence.")
    assert await spoken(ROUTE, half, replace(ROUTE, continues=True), rest) == "Half a sentence."
    assert await spoken(ROUTE, half, ROUTE, rest) == "sentence."


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


async def test_what_was_heard_is_kept_with_the_message_it_belongs_to(
    simulator: Simulated, tmp_path: Path, catalogue: Catalogue
) -> None:
    desk = Desk(simulator, tmp_path / "tensorwall.db", catalogue)
    desk.calls([ADD])
    reply = VoiceReply(desk.ask("Go.", tentative=True), desk.records)
    await reply.keep()
    assert "".join([event.text async for event in reply if isinstance(event, TextDelta)]) == "Done."
    await reply.keep()
    first, last = reply.messages
    assert (first.begin, first.end, last.begin, last.end) == (0, 0, 0, 5)
    await reply.heard(2)
    messages = await (await desk.records()).conversations.messages(reply.turn.session_id)
    assert [(stored.message.role, stored.heard) for stored in messages][1:] == [
        ("assistant", None),
        ("tool", None),
        ("assistant", 2),
    ]
    await desk.records.aclose()
    await desk.router.aclose()


async def test_what_was_heard_counts_all_of_an_answer_that_was_gone_on_with(
    simulator: Simulated, tmp_path: Path, catalogue: Catalogue
) -> None:
    desk = Desk(simulator, tmp_path / "tensorwall.db", catalogue)
    told = "One two three four five six seven eight nine ten."
    simulator.configure(text=told, reasoning="", faults=[{"kind": "cut", "after_tokens": 6, "times": 1}])
    reply = VoiceReply(desk.ask("Go.", tentative=True), desk.records)
    await reply.keep()
    assert "".join([event.text async for event in reply if isinstance(event, TextDelta)]) == told
    (message,) = reply.messages
    assert (message.begin, message.end) == (0, len(told))
    await desk.records.aclose()
    await desk.router.aclose()


async def test_a_call_of_a_tool_that_breaks_off_is_made_anew_before_anything_is_said(
    simulator: Simulated, tmp_path: Path, catalogue: Catalogue
) -> None:
    desk = Desk(simulator, tmp_path / "tensorwall.db", catalogue)
    desk.calls([ADD], faults=[{"kind": "cut", "after_tokens": 4, "times": 1}])
    reply = VoiceReply(desk.ask("Go.", tentative=True), desk.records)
    await reply.keep()
    events = [event async for event in reply]
    assert await spoken(*events) == "Done."
    assert sum(isinstance(event, ToolStarted) for event in events) == 1
    rows = await (await desk.records()).ledger.rows(reply.turn.session_id)
    assert [row.outcome for row in rows] == ["interrupted", "answered", "answered"]
    await desk.records.aclose()
    await desk.router.aclose()
