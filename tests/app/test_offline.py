"""The network goes and comes back under a composed application: who answers, what is said and booked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.composition import Services, Source, compose
from core.chat import Event, Message, RouteChanged, RouteChosen
from core.errors import AllRoutesFailed, OfflineUnavailable
from core.locations import find_locations
from core.settings import OfflineSettings, Settings
from tests.network import Network
from tests.simulated import Simulated


@pytest.fixture
async def network(simulator: Simulated, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    """Gone, to begin with."""
    network = Network(simulator)
    monkeypatch.setenv("GROQ_API_URL", await network.open())
    monkeypatch.setenv("GROQ_API_KEY", simulator.api_key)
    await network.close()
    yield network
    await network.close()


@pytest.fixture(autouse=True)
def _no_local_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs these tests may well have an Ollama."""

    async def none(*_: object) -> list[object]:
        return []

    monkeypatch.setattr("core.offline.reserve.find_local_servers", none)


@pytest.fixture
def fetched(chat_model: Path) -> None:
    """The model, where the program keeps it."""
    folder = find_locations().chat_models_dir
    folder.mkdir(parents=True)
    (folder / "smollm2-135m").symlink_to(chat_model.parent)


@asynccontextmanager
async def composed(source: Source | None = None, **offline: object) -> AsyncIterator[Services]:
    settings = Settings(
        chat={"max_completion_tokens": 4, "titles": "first_words"},
        offline=OfflineSettings(window=512, **offline),
    )
    services = await compose(settings, source=source, goes_offline=True)
    try:
        yield services
    finally:
        await services.aclose()


async def ask(services: Services) -> list[Event]:
    turn = services.assistant.reply(None, Message(role="user", content="Hi"))
    events = [event async for event in turn]
    assert turn.storage_error is None
    return events


def answered_by(events: list[Event]) -> tuple[str, str, str]:
    chosen = [event for event in events if isinstance(event, RouteChosen)][-1]
    return chosen.provider, chosen.model, chosen.caution


async def test_this_machine_answers_until_the_network_is_back(
    network: Network, simulator: Simulated, fetched: None
) -> None:
    simulator.configure(text="From Groq.", reasoning="")
    async with composed() as services:
        events = await ask(services)
        assert answered_by(events) == ("embedded", "smollm2-135m", "small model, may be wrong")
        (line,) = [event.reason for event in events if isinstance(event, RouteChanged)]
        assert line == "offline, Groq did not answer; small model, may be wrong"

        rows = await (await services.records()).ledger.rows()
        assert [(row.provider, row.outcome, row.cost) for row in rows][-1] == ("embedded", "answered", 0)

        await network.open()
        assert await services.router.warm()  # as typing does
        events = await ask(services)
        assert answered_by(events)[0] == "groq"
        (line,) = [event.reason for event in events if isinstance(event, RouteChanged)]
        assert line == "back online: Groq answers again"


async def test_where_there_is_no_model_the_network_is_what_is_wrong(network: Network) -> None:
    async with composed() as services:
        with pytest.raises(AllRoutesFailed, match="refuses connections"):
            await ask(services)


async def test_it_can_be_switched_off(network: Network, fetched: None) -> None:
    async with composed(takes_over=False) as services:
        with pytest.raises(AllRoutesFailed, match="refuses connections"):
            await ask(services)


async def test_a_program_that_asks_for_a_model_is_not_given_another(network: Network, fetched: None) -> None:
    services = await compose(Settings())  # as the gateway and batches do
    with pytest.raises(AllRoutesFailed, match="refuses connections"):
        await ask(services)
    await services.aclose()


async def test_without_a_key_the_model_of_this_machine_answers_alone(fetched: None) -> None:
    async with composed(Source("embedded")) as services:
        assert services.settings.chat.model == "smollm2-135m"
        assert not services.simulated
        assert answered_by(await ask(services))[0] == "embedded"


async def test_without_the_model_it_says_how_to_get_it() -> None:
    with pytest.raises(OfflineUnavailable, match="tensorwall offline fetch smollm2-135m"):
        await compose(Settings(), source=Source("embedded"))
