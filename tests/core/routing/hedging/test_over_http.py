"""A second route beside one that is slow to begin, over real HTTP: what each server sees of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from core.catalogue import load_catalogue
from core.chat import Event, RouteChanged
from core.providers import groq_provider, openai_compatible
from core.records import Records, open_records
from core.routing import ChatStream, HedgePolicy, LLMRouter, LoadBalanceStrategy, RouteEndpoint
from tests.core.routing.scripted import request, text_of
from tests.simulated import Simulated

MODEL = "openai/gpt-oss-120b"
USUAL = 12
"""Calls after which the first route's own times are known."""
NEVER = 60_000
"""Milliseconds; nobody waits for that."""


@pytest.fixture
def second(simulator_url: str) -> Iterator[Simulated]:
    """Another account, behind the second route."""
    account = Simulated(simulator_url)
    yield account
    account.close()


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    records = await open_records(tmp_path / "tensorwall.db", load_catalogue())
    yield records
    await records.aclose()


class Routes:
    """Groq first and another server second; each question is booked."""

    def __init__(
        self, simulator: Simulated, second: Simulated, records: Records, policy: HedgePolicy
    ) -> None:
        self.servers = (simulator, second)
        self.records = records
        self.router = LLMRouter(
            hedging=policy,
            observer=records.ledger.observer(None, feature="gateway"),
            catalogue=load_catalogue(),
        )
        other = openai_compatible("other", second.generic_url, api_key=second.api_key, label="Other")
        self.router.add_route(
            "m",
            [
                RouteEndpoint(
                    provider=groq_provider,
                    model=MODEL,
                    api_key=simulator.api_key,
                    base_url=simulator.base_url,
                ),
                RouteEndpoint(provider=other, model=MODEL, priority=1),
            ],
        )

    async def ask(self) -> tuple[ChatStream, list[Event]]:
        answer = self.router.stream(request())
        return answer, [event async for event in answer]

    async def get_used_to(self) -> None:
        """The first route answers at once, so often that its own times are known."""
        for server in self.servers:
            server.configure(text="Soon.", reasoning="")
        for _ in range(USUAL):
            await self.ask()
        assert [len(server.questions()) for server in self.servers] == [USUAL, 0]

    def asked(self) -> list[int]:
        """How many questions each server has got since then."""
        return [
            len(server.questions()) - usual for server, usual in zip(self.servers, (USUAL, 0), strict=True)
        ]

    async def booked(self) -> list[tuple[str, str, str]]:
        rows = await self.records.ledger.rows()
        return [(row.provider, row.role, row.outcome) for row in rows][USUAL:]


Made = Callable[[HedgePolicy], Routes]


@pytest.fixture
async def made(simulator: Simulated, second: Simulated, records: Records) -> AsyncIterator[Made]:
    routes: list[Routes] = []

    def make(policy: HedgePolicy) -> Routes:
        routes.append(Routes(simulator, second, records, policy))
        return routes[-1]

    yield make
    for each in routes:
        await each.router.aclose()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def test_the_second_route_wins_and_the_first_is_closed_and_booked(made: Made) -> None:
    routes = made(HedgePolicy(share=1.0))
    await routes.get_used_to()
    first, second = routes.servers
    first.configure(text="Late.", reasoning="", first_token_ms=NEVER)
    second.configure(text="Here.", reasoning="")
    answer, events = await routes.ask()
    assert text_of(events) == "Here."
    (change,) = [event for event in events if isinstance(event, RouteChanged)]
    assert change.reason == f"Groq was slow to begin; using {MODEL} at Other"
    slow, hedge = answer.decision.calls
    assert slow.duration is not None
    assert 0.3 <= slow.duration < NEVER / 1000
    assert (hedge.started_at - slow.started_at).total_seconds() >= 0.3, "not before its usual time is over"
    assert routes.asked() == [1, 1]
    await until(lambda: first.questions()[-1]["outcome"] == "disconnected")
    assert second.questions()[-1]["outcome"] == "answered"
    assert await routes.booked() == [("groq", "first", "cancelled"), ("other", "hedge", "answered")]


async def test_the_first_route_wins_and_the_second_is_closed_and_booked(made: Made) -> None:
    routes = made(HedgePolicy(share=1.0))
    await routes.get_used_to()
    first, second = routes.servers
    first.configure(text="Here.", reasoning="", first_token_ms=1500)
    second.configure(text="Late.", reasoning="", first_token_ms=NEVER)
    _, events = await routes.ask()
    assert text_of(events) == "Here."
    assert not any(isinstance(event, RouteChanged) for event in events)
    assert routes.asked() == [1, 1]
    await until(lambda: second.questions()[-1]["outcome"] == "disconnected")
    assert await routes.booked() == [("groq", "first", "answered"), ("other", "hedge", "cancelled")]


async def test_an_answer_in_its_usual_time_has_no_company(made: Made) -> None:
    routes = made(HedgePolicy(share=1.0))
    await routes.get_used_to()
    await routes.ask()
    assert routes.asked() == [1, 0]


async def test_only_as_many_are_asked_twice_as_the_share_allows(made: Made) -> None:
    routes = made(HedgePolicy(share=1 / (USUAL + 1)))
    await routes.get_used_to()
    first, second = routes.servers
    second.configure(text="Here.", reasoning="")
    for _ in range(3):
        first.configure(text="Late.", reasoning="", first_token_ms=600)
        await routes.ask()
    assert len(second.questions()) == 1, "the share of fifteen requests"


async def test_a_spoken_request_goes_to_who_speaks_first_and_text_takes_turns(
    simulator: Simulated, second: Simulated
) -> None:
    simulator.configure(text="Well.", reasoning="", first_token_ms=250)
    second.configure(text="Yes.", reasoning="")
    router = LLMRouter(LoadBalanceStrategy.ROUND_ROBIN)
    quick = openai_compatible("other", second.generic_url, api_key=second.api_key)
    slow = {"provider": groq_provider, "api_key": simulator.api_key, "base_url": simulator.base_url}
    router.add_route(
        "m", [RouteEndpoint(**slow, model="openai/gpt-oss-20b"), RouteEndpoint(provider=quick, model=MODEL)]
    )

    async def ask(*, spoken: bool) -> str:
        return text_of([event async for event in router.stream(request(spoken=spoken))])

    try:
        assert [await ask(spoken=False) for _ in range(4)] == ["Well.", "Yes."] * 2
        # Nobody has spoken yet, so that each is tried; then the choice is made.
        first = [await ask(spoken=True) for _ in range(2)]
        assert [await ask(spoken=True) for _ in range(4)] == ["Yes."] * 4
        assert [await ask(spoken=False) for _ in range(2)] in (["Well.", "Yes."], ["Yes.", "Well."])
    finally:
        await router.aclose()
    efforts = [question["body"].get("reasoning_effort") for question in simulator.questions()]
    assert efforts.count("low") == first.count("Well."), "who speaks thinks as little as it can"
