"""Turns under a budget: asked before they are sent, shortened or moved where money is short, told of once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from core.assistant import Assistant, Turn
from core.catalogue import load_catalogue
from core.chat import Event, Finished, Message, OutputCapped, RouteChanged, SoftLimitPassed, TextDelta
from core.errors import BudgetExceeded, StorageError
from core.providers import OpenAICompatibleProvider, groq_provider
from core.providers.profiles import OLLAMA
from core.records import LazyRecords, Records, open_records
from core.routing import LLMRouter, RouteEndpoint
from core.settings import BudgetSettings, ChatSettings
from tests.simulated import Simulated

GROQ_MODEL = "openai/gpt-oss-120b"


def hard(**limits: float) -> BudgetSettings:
    return BudgetSettings.model_validate({scope: {"hard": limit} for scope, limit in limits.items()})


def soft(**limits: float) -> BudgetSettings:
    return BudgetSettings.model_validate({scope: {"soft": limit} for scope, limit in limits.items()})


class Desk:
    """An assistant that asks the simulator as Groq, then (with ``local``) as a server of the user's own."""

    def __init__(self, simulator: Simulated, records: LazyRecords) -> None:
        self.simulator = simulator
        self.records = records
        self.router = LLMRouter(catalogue=load_catalogue())
        groq = groq_provider.with_overrides(api_key=simulator.api_key, base_url=simulator.base_url)
        self.groq = RouteEndpoint(provider=groq)
        self.router.add_route("*", [self.groq])
        self.assistant = Assistant(self.router, load_catalogue(), ChatSettings(model=GROQ_MODEL), records)

    def add_local(self) -> None:
        local = OpenAICompatibleProvider(
            OLLAMA, api_key=self.simulator.api_key, base_url=self.simulator.generic_url
        )
        free = RouteEndpoint(provider=local, priority=1, model="llama-3.1-8b-instant")
        self.router.add_route("*", [self.groq, free])

    def ask(self, text: str = "Tides?", *, tentative: bool = False) -> Turn:
        return self.assistant.reply(None, Message(role="user", content=text), tentative=tentative)

    async def answer(self, text: str = "Tides?") -> list[Event]:
        return [event async for event in self.ask(text)]


@pytest.fixture
async def desk(simulator: Simulated, tmp_path: Path) -> AsyncIterator[Desk]:
    simulator.configure(text="The moon pulls the sea.")
    records = LazyRecords(partial(open_records, tmp_path / "tensorwall.db", load_catalogue()))
    desk = Desk(simulator, records)
    yield desk
    await records.aclose()
    await desk.router.aclose()


async def spent(records: Records) -> Decimal:
    return (await records.ledger.totals()).cost


async def test_an_answer_within_the_limit_is_settled_at_its_cost(desk: Desk) -> None:
    desk.assistant.budgets = hard(day=1)
    turn = desk.ask()
    assert [event async for event in turn]
    (row,) = await (await desk.records()).ledger.rows(turn.session_id)
    assert (row.outcome, row.feature, row.message_id) == ("answered", "chat", turn.answer_id)
    assert row.reserved is not None
    assert row.cost is not None
    assert row.cost <= row.reserved


async def test_a_call_that_may_pass_the_limit_is_not_sent(desk: Desk) -> None:
    desk.assistant.budgets = hard(day=0.0000001)
    turn = desk.ask()
    with pytest.raises(BudgetExceeded, match=r"The hard limit of \$\S+ a day"):
        assert [event async for event in turn]
    assert desk.simulator.requests() == []
    assert turn.state == "failed"
    records = await desk.records()
    assert await records.ledger.rows() == []
    messages = await records.conversations.messages(turn.session_id)
    assert messages[-1].error_type == "BudgetExceeded"  # the question is kept, and why it has no answer


async def test_where_money_is_short_a_lower_cap_is_sent(desk: Desk) -> None:
    desk.assistant.budgets = hard(day=0.001)
    events = await desk.answer()
    (sent,) = desk.simulator.requests()
    cap = sent["body"]["max_completion_tokens"]
    assert OutputCapped(cap) in events
    price = load_catalogue().price("groq", GROQ_MODEL, datetime.now(UTC))
    assert price is not None
    assert 256 <= cap < 4096
    assert cap * price.output / 1_000_000 <= Decimal("0.001")


async def test_a_free_server_answers_where_money_is_out(desk: Desk) -> None:
    desk.add_local()
    desk.assistant.budgets = hard(day=0.0000001)
    events = await desk.answer()
    (change,) = [event for event in events if isinstance(event, RouteChanged)]
    assert change.reason.startswith("Groq costs more than the budget leaves")
    assert (
        "".join(event.text for event in events if isinstance(event, TextDelta)) == "The moon pulls the sea."
    )
    (row,) = await (await desk.records()).ledger.rows()
    assert (row.provider, row.role, row.cost) == ("ollama", "fallback", 0)


async def test_a_stopped_answer_gives_back_what_it_did_not_use(desk: Desk) -> None:
    desk.simulator.configure(text="word " * 2_000, tokens_per_second=200)
    desk.assistant.budgets = hard(day=1)
    turn = desk.ask()
    async for event in turn:
        if isinstance(event, TextDelta):
            break
    await turn.aclose()
    ledger = (await desk.records()).ledger
    (standing,) = await ledger.standings(desk.assistant.budgets)
    assert standing.reserved == 0
    assert 0 < standing.spent < Decimal("0.001")


@pytest.mark.parametrize("kept", [True, False])
async def test_a_guess_is_speculation_until_it_is_kept(desk: Desk, kept: bool) -> None:
    desk.assistant.budgets = hard(day=1, session=1)
    turn = desk.ask(tentative=True)
    assert [event async for event in turn]
    if kept:
        await turn.keep()
    await turn.aclose()
    (row,) = await (await desk.records()).ledger.rows()
    expected = ("chat", turn.answer_id, turn.session_id) if kept else ("speculation", None, None)
    assert (row.feature, row.message_id, row.session_id) == expected
    assert row.outcome == "answered"


async def test_a_soft_limit_is_told_once_after_the_answer(desk: Desk) -> None:
    desk.assistant.budgets = soft(day=0.0000001)
    *_, finished, warning = await desk.answer()
    assert isinstance(finished, Finished)
    assert warning == SoftLimitPassed("day", Decimal("0.0000001"), await spent(await desk.records()))
    assert isinstance((await desk.answer())[-1], Finished)


async def test_a_soft_limit_alone_does_not_wait_for_storage(desk: Desk) -> None:
    desk.assistant.budgets = soft(day=100)
    turn = desk.ask(tentative=True)
    assert [event async for event in turn]
    assert not desk.records.are_open


async def test_a_title_is_not_worth_passing_a_limit(desk: Desk) -> None:
    turn = desk.ask()
    assert [event async for event in turn]
    desk.assistant.budgets = hard(day=0.0000001)
    assert await desk.assistant.suggest_title(turn.session_id) is None
    assert len(desk.simulator.requests()) == 1


async def test_without_storage_no_hard_limit_can_be_kept(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_text("not a database at all")
    records = LazyRecords(partial(open_records, tmp_path / "broken.db", load_catalogue()))
    assistant = Assistant(desk.router, load_catalogue(), ChatSettings(model=GROQ_MODEL), records, hard(day=1))
    turn = assistant.reply(None, Message(role="user", content="Tides?"))
    with pytest.raises(StorageError):
        assert [event async for event in turn]
    assert desk.simulator.requests() == []
    assistant.budgets = None
    assert [event async for event in assistant.reply(None, Message(role="user", content="Tides?"))]


async def test_the_same_money_is_not_promised_to_two_answers(desk: Desk) -> None:
    desk.simulator.configure(text="word " * 100, tokens_per_second=50)
    desk.assistant.budgets = hard(day=0.001)
    first = desk.ask("One?")
    async for event in first:
        if isinstance(event, TextDelta):
            break
    with pytest.raises(BudgetExceeded, match="held for running calls"):
        await desk.answer("Two?")
    async for _ in first:
        pass
    assert await desk.answer("Three?")
