"""An assistant before the simulator, and the tools that it runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.assistant import Assistant, ReplyOptions, Turn
from core.catalogue import Catalogue
from core.chat import Event, Message
from core.providers import groq_provider
from core.records import LazyRecords, open_records
from core.routing import LLMRouter, RouteEndpoint
from core.settings import ChatSettings
from core.tools import Tool, Toolbox, tool
from tests.simulated import Simulated

__all__ = ("ADD", "SHOUT", "Desk", "add", "assert_consistent", "read")

ADD = {"name": "add", "arguments": {"a": 2, "b": 3}}
SHOUT = {"name": "shout", "arguments": {"text": "hey"}}


@tool(effect="none")
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


@tool(effect="none")
def shout(text: str) -> str:
    """Shout."""
    return text.upper()


class Desk:
    """An assistant whose only provider is the simulator, and its tools."""

    def __init__(self, simulator: Simulated, path: Path, catalogue: Catalogue) -> None:
        self.simulator = simulator
        self.router = LLMRouter(catalogue=catalogue)
        provider = groq_provider.with_overrides(api_key=simulator.api_key, base_url=simulator.base_url)
        for pattern in ("openai/*", "groq/*", "mystery"):
            self.router.add_route(pattern, [RouteEndpoint(provider=provider)])
        self.records = LazyRecords(lambda: open_records(path, catalogue))
        self.assistant = Assistant(self.router, catalogue, ChatSettings(titles="model"), self.records)
        self.toolbox = Toolbox([add, shout])

    def ask(
        self, text: str | None, session_id: str | None = None, *, tentative: bool = False, **options: Any
    ) -> Turn:
        async def tools(*, known: bool) -> Toolbox:
            return self.toolbox if known else Toolbox()

        return self.assistant.reply(
            session_id,
            None if text is None else Message(role="user", content=text),
            options=ReplyOptions(**{"toolbox": tools, **options}),
            tentative=tentative,
        )

    def use(self, *tools: Tool, **more: Any) -> None:
        self.toolbox = Toolbox(tools, **more)

    def calls(self, *rounds: Sequence[dict[str, Any]], **options: Any) -> None:
        """The model calls these, round by round, then answers."""
        self.simulator.configure(**{"reasoning": "", "tool_calls": list(rounds), "text": "Done.", **options})

    async def branch(self, turn: Turn) -> list[tuple[str, str, str]]:
        messages = await (await self.records()).conversations.messages(turn.session_id)
        return [(stored.message.role, stored.message.text, stored.state) for stored in messages]

    def sent(self) -> list[dict[str, Any]]:
        return [request["body"] for request in self.simulator.questions()]


async def read(turn: Turn) -> list[Event]:
    return [event async for event in turn]


def assert_consistent(messages: list[dict[str, Any]]) -> None:
    """Every call has a result behind it, and every result a call."""
    calls = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    results = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert calls == results
