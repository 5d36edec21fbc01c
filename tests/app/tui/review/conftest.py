"""A ledger with a past, and the review of it at a time that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.geometry import Size

from app.terminal import Terminal
from app.tui.application import TensorWallApp
from app.tui.launch import Launcher
from app.tui.review.context import Place
from app.tui.review.screen import ReviewScreen
from core.catalogue import load_catalogue
from core.chat import Message, UpstreamCall, Usage
from core.identifiers import new_id
from core.locations import find_locations
from core.records import Records, open_records
from tests.app.tui.conftest import User
from tests.simulated import Simulated

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""A Sunday: the week began on Monday the 16th."""
BIG, SMALL = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
USAGE = Usage(1_000, 200, 400, 50, queue_time=0.01, prompt_time=0.02, completion_time=0.4)


@dataclass
class Past:
    """What has happened before the app starts."""

    records: Records

    async def session(self, title: str) -> str:
        """A stored session without messages."""
        asked = await self.records.conversations.create()
        await self.records.conversations.rename(asked.id, title)
        return asked.id

    async def turn(self, session: str, question: str, **values: Any) -> str:
        """A question and its answer, with the one call it took; the answer's id."""
        conversations = self.records.conversations
        messages = await conversations.messages(session)
        parent = messages[-1].id if messages else None
        asked = await conversations.add(session, parent, Message(role="user", content=question))
        answer = Message(role="assistant", content=f"The answer to {question}")
        answered = await conversations.add(session, asked.id, answer)
        self.call(session, answered.id, **values)
        return answered.id

    def call(
        self,
        session: str | None,
        message: str | None = None,
        *,
        usage: Usage | None = USAGE,
        ago: timedelta = timedelta(0),
        feature: str = "chat",
        ends: bool = True,
        **values: Any,
    ) -> None:
        """One call as the router books it."""
        made = UpstreamCall(
            call_id=new_id(),
            route="*",
            provider=values.pop("provider", "groq"),
            model=values.pop("model", BIG),
            reason=values.pop("reason", "first"),
            started_at=NOW - ago,
            role=values.pop("role", "first"),
        )
        observer = self.records.ledger.observer(session, message, feature)
        observer.call_started(made)
        made.outcome, made.usage, made.duration = "answered", usage, 0.6
        made.first_token, made.first_content = 0.15, 0.25
        for name, value in values.items():
            setattr(made, name, value)
        if ends:
            observer.call_ended(made)


@pytest.fixture
async def past(keyed: Simulated) -> AsyncIterator[Past]:
    """Records that are written before the app opens them; its prices are those of the shipped catalogue."""
    file = find_locations().database_file
    file.parent.mkdir(parents=True, exist_ok=True)
    records = await open_records(file, load_catalogue())
    yield Past(records)
    await records.aclose()


@asynccontextmanager
async def reviewing(
    folder: Path, *, size: tuple[int, int] = (80, 24), start: Place | None = None, now: datetime = NOW
) -> AsyncIterator[User]:
    """The app with its review open."""
    app = TensorWallApp(Launcher(find_locations()), terminal=Terminal(remote=True), folder=folder)
    async with app.run_test(size=Size(*size)) as pilot:
        user = User(app, pilot)
        await user.until(lambda: user.chat.conversation is not None)
        assert user.chat.commands is not None
        user.chat.run_worker(user.chat.commands.review(start, now=lambda: now))
        await user.until(lambda: isinstance(app.screen, ReviewScreen))
        yield user
