"""The gate: no interleaving of reservations, settlements, cancellations and crashes passes a hard limit."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import ModelInfo, Price, SpeechPrice
from core.chat import ChatRequest, Message, UpstreamCall, Usage
from core.costs.ledger import Ledger
from core.costs.speech_calls import SpeechCall
from core.costs.tokens import estimate_prompt_tokens
from core.errors import BudgetExceeded
from core.identifiers import new_id
from core.settings import BudgetSettings
from core.storage import Database, open_database
from tests.databases import NewDatabase

REQUEST = ChatRequest(model="big", messages=[Message(role="user", content="How high is the tide today?")])
PROMPT = estimate_prompt_tokens(REQUEST)


@dataclass
class Models:
    """What is known of two models."""

    prices: dict[str, Price] = field(
        default_factory=lambda: {
            "big": Price("p/big@1", Decimal(1), Decimal(10)),
            "free": Price("p/free@1", Decimal(0), Decimal(0)),
        }
    )

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        return self.prices.get(model)

    def find(self, provider: str, model: str) -> ModelInfo | None:
        return ModelInfo(provider, model, model, max_output_tokens=2_000) if model == "big" else None

    def speech_price(self, provider: str, model: str, at: datetime) -> SpeechPrice | None:
        return SpeechPrice("p/hears@1", per_audio_hour=Decimal("0.36"), minimum_seconds=10)


def call(model: str = "big", **values: Any) -> UpstreamCall:
    made = {"call_id": new_id(), "route": model, "provider": "p", "model": model, "reason": "first"}
    return UpstreamCall(
        **{**made, "started_at": datetime.now(UTC), "prompt_tokens_estimate": PROMPT, **values}
    )


def hard(**limits: float) -> BudgetSettings:
    return BudgetSettings.model_validate({scope: {"hard": limit} for scope, limit in limits.items()})


@pytest.fixture
async def database(location: str | Path) -> AsyncIterator[Database]:
    async with await open_database(location) as database:
        yield database


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, Models())


async def committed(database: Database) -> Decimal:
    """What is spent and what running calls may still cost, from the rows themselves."""

    def read(connection: Any) -> int:
        query = "SELECT sum(CASE WHEN outcome = 'running' THEN reserved ELSE cost END) FROM calls"
        return int(connection.exec_driver_sql(query).scalar_one() or 0)

    return Decimal(await database.read(read)).scaleb(-12)


def end(ledger: Ledger, made: UpstreamCall, tokens: int, session: str | None = None, **values: Any) -> None:
    made.outcome, made.usage = "answered", Usage(PROMPT, tokens)
    for name, value in values.items():
        setattr(made, name, value)
    ledger.observer(session).call_ended(made)


async def test_what_a_call_may_cost_is_set_aside_and_settled(ledger: Ledger) -> None:
    budgets = hard(day=1)
    made = call()
    assert await ledger.gate(budgets, "s", "m").admit(made, REQUEST, 1_000) == 1_000
    (row,) = await ledger.rows("s")
    assert (row.outcome, row.message_id, row.cost) == ("running", "m", None)
    assert row.reserved is not None
    assert Decimal("0.01") < row.reserved < Decimal("0.0101")
    (standing,) = await ledger.standings(budgets, "s")
    assert (standing.spent, standing.reserved) == (0, row.reserved)

    ledger.observer("s", "m").call_started(made)
    end(ledger, made, 10, "s")
    (row,) = await ledger.rows("s")
    (standing,) = await ledger.standings(budgets, "s")
    assert (standing.spent, standing.reserved) == (row.cost, 0)
    assert row.cost == Models().prices["big"].cost(Usage(PROMPT, 10))


async def test_where_money_is_short_the_answer_may_be_shorter(ledger: Ledger) -> None:
    gate = ledger.gate(hard(session=0.005), "s")
    granted = await gate.admit(call(), REQUEST, 1_000)
    assert granted is not None
    assert 450 < granted < 500
    with pytest.raises(BudgetExceeded, match="held for running calls") as refused:
        await gate.admit(call(), REQUEST, 1_000)
    assert refused.value.scope == "session"
    assert await ledger.gate(hard(session=0.005), "another").admit(call(), REQUEST, 400) == 400


async def test_a_call_without_a_cap_is_given_one_where_money_is_short(ledger: Ledger) -> None:
    assert await ledger.gate(hard(day=1)).admit(call(), REQUEST, None) is None
    (row,) = await ledger.rows()
    assert row.reserved is not None
    assert row.reserved > Decimal("0.02")  # the longest answer of the model
    granted = await ledger.gate(hard(day=0.03)).admit(call(), REQUEST, None)
    assert granted is not None
    assert 900 < granted < 1_000


async def test_short_answers_are_not_refused_for_being_short(ledger: Ledger) -> None:
    assert await ledger.gate(hard(day=0.001)).admit(call(), REQUEST, 5) == 5


async def test_a_free_model_is_admitted_with_nothing_left(ledger: Ledger) -> None:
    end(ledger, call(), 1_000_000)
    with pytest.raises(BudgetExceeded):
        await ledger.gate(hard(day=1)).admit(call(), REQUEST, 100)
    assert await ledger.gate(hard(day=1)).admit(call("free"), REQUEST, 100) == 100


async def test_an_unknown_price_is_refused_or_allowed_as_the_settings_say(ledger: Ledger) -> None:
    with pytest.raises(BudgetExceeded, match="price is unknown") as refused:
        await ledger.gate(hard(day=1)).admit(call("new"), REQUEST, 100)
    assert "budgets.unknown_prices allow" in refused.value.hint
    lax = hard(day=1).model_copy(update={"unknown_prices": "allow"})
    assert await ledger.gate(lax).admit(call("new"), REQUEST, 100) == 100
    assert await ledger.gate(lax).admit(call("new"), REQUEST, None) is None


async def test_without_hard_limits_nothing_is_asked(ledger: Ledger, database: Database) -> None:
    gate = ledger.gate(BudgetSettings.model_validate({"day": {"soft": 0.000001}}))
    await database.aclose()  # not even storage
    assert await gate.admit(call(), REQUEST, 77) == 77


async def test_what_was_spent_before_the_period_does_not_count(ledger: Ledger) -> None:
    end(ledger, call(started_at=datetime.now(UTC) - timedelta(days=40)), 1_000_000)
    for scope in ("day", "week", "month"):
        assert await ledger.gate(hard(**{scope: 0.1})).admit(call(), REQUEST, 100) == 100


async def test_a_clock_that_was_ahead_frees_no_money(ledger: Ledger) -> None:
    end(ledger, call(started_at=datetime.now(UTC) + timedelta(days=40)), 1_000_000)
    for scope in ("day", "week", "month"):
        with pytest.raises(BudgetExceeded):
            await ledger.gate(hard(**{scope: 1})).admit(call(), REQUEST, 1_000)


async def test_speech_is_reserved_at_its_price(ledger: Ledger) -> None:
    heard = SpeechCall("transcription", "p", "hears", seconds=3600)
    heard.look_up(Models())
    await ledger.gate(hard(day=0.5), "s").admit_speech(heard)
    (row,) = await ledger.rows("s")
    assert (row.outcome, row.reserved, row.feature) == ("running", Decimal("0.36"), "transcription")
    more = SpeechCall("transcription", "p", "hears", seconds=3600)
    more.look_up(Models())
    with pytest.raises(BudgetExceeded):
        await ledger.gate(hard(day=0.5), "s").admit_speech(more)
    heard.outcome = "answered"
    heard.settle()
    await ledger.book_speech(heard, "s")
    (row,) = await ledger.rows("s")
    assert (row.outcome, row.cost, row.audio_seconds) == ("answered", Decimal("0.36"), 3600)


async def test_a_call_that_is_cancelled_while_it_is_admitted_holds_nothing(ledger: Ledger) -> None:
    gate = ledger.gate(hard(day=1), "s")
    for patience in range(6):
        admitting = asyncio.create_task(gate.admit(call(), REQUEST, 100))
        for _ in range(patience):
            await asyncio.sleep(0)
        admitting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await admitting
            end(ledger, call(), 0, outcome="failed")
    assert [row for row in await ledger.rows("s") if row.outcome == "running" and admitting.cancelled()] == []


async def test_money_held_for_the_dead_is_found_before_a_call_is_refused(
    location: str | Path, ledger: Ledger
) -> None:
    async with await open_database(location) as other:
        await Ledger(other, Models()).gate(hard(day=0.02)).admit(call(), REQUEST, 1_900)
        with pytest.raises(BudgetExceeded):
            await ledger.gate(hard(day=0.02)).admit(call(), REQUEST, 1_000)
    assert await ledger.gate(hard(day=0.02)).admit(call(), REQUEST, 1_000) == 1_000
    outcomes = sorted(row.outcome for row in await ledger.rows())
    assert outcomes == ["crashed", "running"]


@pytest.mark.parametrize(("feature", "books_all"), [("title", True), ("speculation", True), ("chat", False)])
async def test_what_was_stored_nowhere_may_have_used_all_that_was_set_aside(
    location: str | Path, ledger: Ledger, feature: str, books_all: bool
) -> None:
    async with await open_database(location) as other:
        await Ledger(other, Models()).gate(hard(day=1), "s", feature=feature).admit(call(), REQUEST, 500)
    assert await ledger.recover() == 1
    (row,) = await ledger.rows()
    assert (row.outcome, row.estimated, row.completion_tokens) == ("crashed", True, 0)
    assert row.reserved is not None
    assert row.cost is not None
    assert (row.cost == row.reserved) is books_all
    assert 0 < row.cost <= row.reserved
    assert (await ledger.totals()).estimated_cost == row.cost


async def test_a_soft_limit_warns_once_for_each_period_in_all_processes(
    location: str | Path, ledger: Ledger
) -> None:
    budgets = BudgetSettings.model_validate({"session": {"soft": 0.001}, "day": {"soft": 0.002}})
    assert await ledger.newly_passed(budgets, "a") == []
    end(ledger, call(), 150, "a")
    (passed,) = await ledger.newly_passed(budgets, "a")
    assert (passed.budget.scope, passed.spent > Decimal("0.0015")) == ("session", True)
    end(ledger, call(), 150, "b")
    async with await open_database(location) as other:
        told = await Ledger(other, Models()).newly_passed(budgets, "b")
    assert [one.budget.scope for one in told] == ["session", "day"]
    assert await ledger.newly_passed(budgets, "a") == []
    assert await ledger.newly_passed(budgets, "b") == []
    raised = BudgetSettings.model_validate({"session": {"soft": 0.0012}})
    assert [one.budget.soft for one in await ledger.newly_passed(raised, "a")] == [Decimal("0.0012")]


async def test_calls_outside_of_sessions_use_up_no_sessions_budget(ledger: Ledger) -> None:
    """Else all of them, ever, would be one session."""
    budgets = BudgetSettings.model_validate({"session": {"soft": 0.0001, "hard": 0.02}})
    for _ in range(4):
        made = call()
        assert await ledger.gate(budgets).admit(made, REQUEST, 1_000) == 1_000
        end(ledger, made, 900)
    assert await ledger.standings(budgets) == []
    assert await ledger.newly_passed(budgets, None) == []
    assert await ledger.gate(budgets, "s").admit(call(), REQUEST, 1_000) == 1_000


steps = st.lists(
    st.tuples(
        st.sampled_from(["admit", "admit", "admit", "settle", "cancel", "fail", "crash", "recover"]),
        st.integers(0, 2),  # whose database
        st.integers(1, 1_500),  # the cap, or the tokens
    ),
    max_size=30,
)


@given(steps, st.floats(0.001, 0.1))
@settings(deadline=None, max_examples=25)
async def test_no_sequence_of_steps_passes_a_hard_limit(
    new_database: NewDatabase, made: list[tuple[str, int, int]], limit: float
) -> None:
    with new_database() as location:
        await take_steps(location, made, limit)


async def take_steps(location: str | Path, made: list[tuple[str, int, int]], limit: float) -> None:
    budgets = hard(day=limit, month=limit * 2)
    most = budgets.day.hard
    assert most is not None
    async with contextlib.AsyncExitStack() as exits:
        databases = [await open_database(location) for _ in range(3)]
        for database in databases:
            exits.push_async_callback(database.aclose)
        running: list[list[tuple[UpstreamCall, int]]] = [[], [], []]
        for step, who, number in made:
            ledger = Ledger(databases[who], Models())
            if step == "admit":
                one = call()
                with contextlib.suppress(BudgetExceeded):
                    granted = await ledger.gate(budgets).admit(one, REQUEST, number)
                    assert granted is not None
                    running[who].append((one, granted))
            elif step == "crash":
                await databases[who].aclose()
                running[who].clear()
                databases[who] = await open_database(location)
                exits.push_async_callback(databases[who].aclose)
            elif step == "recover":
                await ledger.recover()
            elif running[who]:
                one, granted = running[who].pop()
                match step:
                    case "settle":
                        end(ledger, one, min(number, granted))
                    case "cancel":
                        end(
                            ledger,
                            one,
                            0,
                            outcome="cancelled",
                            usage=None,
                            output_chunks=min(number, granted),
                        )
                    case "fail":
                        end(ledger, one, 0, outcome="failed", usage=None)
                await ledger.rows(limit=1)
            assert await committed(databases[who]) <= most


@pytest.mark.parametrize("seed", range(3))
async def test_a_hundred_calls_at_once_keep_the_limit(location: str | Path, seed: int) -> None:
    chance = Random(seed)
    budgets = hard(day=0.05)
    async with await open_database(location) as one, await open_database(location) as other:
        ledgers = [Ledger(one, Models()), Ledger(other, Models())]

        async def go(number: int) -> bool:
            ledger, made = ledgers[number % 2], call()
            await asyncio.sleep(0)
            try:
                granted = await ledger.gate(budgets).admit(made, REQUEST, chance.randint(1, 1_000))
            except BudgetExceeded:
                return False
            assert granted is not None
            assert await committed(one) <= Decimal("0.05")
            fate = chance.random()
            if fate < 0.5:
                end(ledger, made, granted)
            elif fate < 0.8:
                end(ledger, made, 0, outcome="cancelled", usage=None, output_chunks=granted // 2)
            return True

        admitted = await asyncio.gather(*(go(number) for number in range(100)))
        assert 5 <= sum(admitted) < 100
        assert await committed(other) <= Decimal("0.05")


SPENDER = """
import asyncio, sys
from tests.core.costs.test_budget_gate import REQUEST, Models, call, end, hard
from core.costs.ledger import Ledger
from core.errors import BudgetExceeded
from core.storage import open_database

async def main():
    async with await open_database(sys.argv[1]) as database:
        ledger = Ledger(database, Models())
        gate = ledger.gate(hard(day=0.2))
        print("ready", flush=True)
        while True:
            made = call()
            try:
                granted = await gate.admit(made, REQUEST, 500)
            except BudgetExceeded:
                break
            end(ledger, made, granted)
        await ledger.rows(limit=1)

asyncio.run(main())
"""


def spend(location: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SPENDER, str(location)], stdout=subprocess.PIPE)


async def test_processes_together_keep_the_limit_though_one_is_killed(
    location: str | Path, database: Database
) -> None:
    spenders = [spend(location) for _ in range(3)]
    try:
        for spender in spenders:
            assert spender.stdout is not None
            assert await asyncio.to_thread(spender.stdout.readline) == b"ready\n"
        spenders[0].send_signal(signal.SIGKILL)
        for spender in spenders[1:]:
            assert await asyncio.to_thread(spender.wait, 60) == 0
    finally:
        for spender in spenders:
            spender.kill()
            spender.communicate()
    spent = await committed(database)
    assert Decimal("0.19") < spent <= Decimal("0.2")
    rows = await Ledger(database, Models()).rows()
    assert len(rows) > 35
