"""The real app on a real database and the simulator over HTTP, driven as a user drives it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.geometry import Size
from textual.pilot import Pilot

from app.terminal import Terminal
from app.tui.application import TensorWallApp
from app.tui.conversation import Conversation
from app.tui.launch import Launcher
from app.tui.screens.chat import ChatScreen
from core.locations import find_locations
from tests.simulated import Simulated

WAIT_SECONDS = 30


class User:
    """What a user sees and does."""

    def __init__(self, app: TensorWallApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def chat(self) -> ChatScreen:
        return self.app.chat

    @property
    def conversation(self) -> Conversation:
        assert self.chat.conversation is not None
        return self.chat.conversation

    @property
    def screen(self) -> str:
        """All text on screen."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    @property
    def toasts(self) -> str:
        return "\n".join(str(toast.message) for toast in self.app._notifications)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; the screen is in the failure's message."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition():
                    await self.pilot.pause()
        except TimeoutError:
            pytest.fail(f"it never came true; on screen:\n{self.screen}\ntoasts: {self.toasts}")

    async def sees(self, *texts: str) -> None:
        def all_are_there() -> bool:
            screen = self.screen
            return all(text in screen for text in texts)

        await self.until(all_are_there)

    async def told(self, text: str) -> None:
        """A toast says this."""
        await self.until(lambda: text in self.toasts)

    async def presses(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def types(self, text: str) -> None:
        """As fast as keys can come: the pilot would look after each whether all is done, for 40 ms."""
        for char in text:
            self.app.post_message(events.Key(_KEYS.get(char, char), char))
        await self.pilot.pause()

    async def pastes(self, text: str) -> None:
        self.app.post_message(events.Paste(text))
        await self.pilot.pause()

    async def sends(self, text: str) -> None:
        await self.types(text)
        await self.presses("enter")

    async def asks(self, text: str, *, answers: int = 1) -> None:
        """Send, and wait until the answer is there and settled."""
        before = len(self.conversation.branch)
        await self.sends(text)
        await self.settles(before + 2 * answers)

    async def settles(self, messages: int) -> None:
        await self.until(lambda: not self.conversation.busy and len(self.conversation.branch) == messages)


_KEYS = {
    " ": "space",
    "/": "slash",
    "@": "at",
    ".": "full_stop",
    "\\": "backslash",
    "?": "question_mark",
    "_": "underscore",
    "-": "minus",
}

Opened = Callable[..., "AsyncIterator[User]"]


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    size: tuple[int, int] = (110, 34),
    ready: bool = True,
    demo: bool = False,
    session: str | None = None,
) -> AsyncIterator[User]:
    """The app, running; ``ready`` waits until it can answer."""
    terminal = Terminal(remote=True)
    app = TensorWallApp(
        Launcher(find_locations()), terminal=terminal, folder=folder, demo=demo, session=session
    )
    async with app.run_test(size=Size(*size)) as pilot:
        user = User(app, pilot)
        if ready:
            await user.until(lambda: user.chat.conversation is not None)
        yield user


@pytest.fixture(autouse=True)
def _no_local_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs these tests may well have an Ollama."""

    async def none(*_: object) -> list[object]:
        return []

    monkeypatch.setattr("core.providers.find_local_servers", none)
    monkeypatch.setattr("core.offline.reserve.find_local_servers", none)


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times on screen are local, and what was spent today is counted from local midnight."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system cannot change its time zone for one test")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the app was started."""
    place = tmp_path / "work"
    place.mkdir()
    return place


@pytest.fixture
def keyed(simulator: Simulated, monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """A key in the environment, for the simulator in Groq's place."""
    monkeypatch.setenv("GROQ_API_KEY", simulator.api_key)
    monkeypatch.setenv("GROQ_API_URL", simulator.base_url)
    settings = find_locations().settings_file
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('[chat]\ntitles = "first_words"\n', "utf-8")
    return simulator


def says(simulated: Simulated, text: str, **options: object) -> None:
    """Every answer from now on is this, without reasoning before it."""
    simulated.configure(text=text, reasoning="", **options)
