"""What the routes' screen looks like, kept as text in ``__snapshots__``; ``make snapshots`` renews them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.geometry import Size

from app.terminal import Terminal
from app.tui.application import TensorWallApp
from app.tui.launch import Launcher
from app.tui.routes.screen import RoutesScreen
from core.chat import Usage
from core.locations import find_locations
from core.providers import OpenAICompatibleProvider, Warmth
from tests.app.tui.conftest import User
from tests.app.tui.review.conftest import NOW, Past, past

__all__ = ("past",)

pytestmark = pytest.mark.usefixtures("utc")
SIZES = [(80, 24), (140, 45)]
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many there are depends on what was asked at the same time."""
    warmth = property(lambda provider: Warmth(in_reserve=1 if provider.name == "groq" else 0))
    monkeypatch.setattr(OpenAICompatibleProvider, "warmth", warmth)


async def lately(past: Past) -> str:
    """A day of calls: quick ones, slow ones, a failure that another provider made good."""
    session = await past.session("Physics")
    for number in range(20):
        await past.turn(
            session,
            f"Question {number}?",
            ago=timedelta(minutes=number + 1),
            first_token=0.12 + number / 50,
            first_content=0.2 + number / 20,
            usage=Usage(900, 300, queue_time=0.05 + number / 60, prompt_time=0.02, completion_time=0.5),
        )
    failed = await past.turn(
        session, "Why is the sky blue?", outcome="failed", usage=None, reason="tier 0, the only one ready",
        error="the server is overloaded", error_type="ServerFailed", first_token=None, first_content=None,
        ago=2 * SECOND, duration=0.9,
    )  # fmt: skip
    past.call(
        session, failed, role="fallback", reason="Groq failed; using gpt-5.4-mini at OpenAI",
        provider="openai", model="gpt-5.4-mini", ago=SECOND, usage=Usage(900, 300),
    )  # fmt: skip
    return session


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
async def test_the_routes_look_as_they_did(
    past: Past,
    folder: Path,
    size: tuple[int, int],
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody")
    session = await lately(past)
    app = TensorWallApp(
        Launcher(find_locations()), terminal=Terminal(remote=True), folder=folder, session=session
    )
    async with app.run_test(size=Size(*size)) as pilot:
        user = User(app, pilot)
        await user.until(lambda: user.chat.conversation is not None and user.conversation.branch)
        assert user.chat.commands is not None
        user.chat.run_worker(user.chat.commands.routes(now=lambda: NOW))
        await user.until(lambda: isinstance(app.screen, RoutesScreen))
        await user.sees("(p95)", "24k tokens")
        assert user.screen == snapshot(name="routes")
        await user.presses("down")
        await user.sees("is number 2", "1.2k tokens")
        assert user.screen == snapshot(name="the second route")
        await user.presses("2")
        await user.sees("openai answered")
        assert user.screen == snapshot(name="why")
