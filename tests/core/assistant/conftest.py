"""An assistant before the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.assistant import Assistant, Turn
from core.catalogue import Catalogue, load_catalogue
from core.chat import (
    Event,
    Message,
)
from core.providers import groq_provider
from core.records import LazyRecords, Records, open_records
from core.routing import LLMRouter, RouteEndpoint
from core.settings import ChatSettings
from tests.simulated import Simulated

PLAIN = {"reasoning": ""}


class Desk:
    """An assistant whose only provider is the simulator."""

    def __init__(self, simulator: Simulated, path: Path, catalogue: Catalogue) -> None:
        self.simulator = simulator
        self.catalogue = catalogue
        self.router = LLMRouter(catalogue=catalogue)
        provider = groq_provider.with_overrides(api_key=simulator.api_key, base_url=simulator.base_url)
        self.provider = provider
        self.router.add_route("openai/*", [RouteEndpoint(provider=provider)])
        self.router.add_route("llama*", [RouteEndpoint(provider=provider)])
        self.opened = 0
        self.records = LazyRecords(lambda: self._open(path))
        self.assistant = Assistant(self.router, catalogue, ChatSettings(titles="model"), self.records)

    async def _open(self, path: Path) -> Records:
        self.opened += 1
        return await open_records(path, self.catalogue)

    def ask(self, text: str, session_id: str | None = None, **more) -> Turn:
        return self.assistant.reply(session_id, Message(role="user", content=text), **more)

    async def branch(self, turn: Turn) -> list[tuple[str, str, str]]:
        messages = await (await self.records()).conversations.messages(turn.session_id)
        return [(stored.message.role, stored.message.text, stored.state) for stored in messages]

    def sent(self) -> list[list[dict[str, object]]]:
        return [request["body"]["messages"] for request in self.simulator.requests() if request.get("body")]


async def read(turn: Turn) -> list[Event]:
    return [event async for event in turn]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tensorwall.db"


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
async def desk(simulator: Simulated, path: Path, catalogue: Catalogue) -> AsyncIterator[Desk]:
    desk = Desk(simulator, path, catalogue)
    yield desk
    await desk.records.aclose()
    await desk.router.aclose()
