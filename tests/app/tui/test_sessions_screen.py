from __future__ import annotations

from pathlib import Path

from app.tui.screens.sessions import SessionsScreen
from tests.app.tui.conftest import User, opened, says
from tests.simulated import Simulated


async def two_sessions(user: User, keyed: Simulated) -> None:
    says(keyed, "Bread needs yeast and time.")
    await user.asks("How to bake bread")
    await user.presses("ctrl+n")
    await user.until(lambda: user.conversation.session is None)
    says(keyed, "Three primary colours exist.")
    await user.asks("Tell me of colours")


async def listing(user: User) -> SessionsScreen:
    await user.presses("ctrl+o")
    await user.until(lambda: isinstance(user.app.screen, SessionsScreen) and user.app.screen.shown)
    assert isinstance(user.app.screen, SessionsScreen)
    return user.app.screen


async def test_words_of_an_answer_find_its_session_which_can_be_resumed(
    folder: Path, keyed: Simulated
) -> None:
    async with opened(folder) as user:
        await two_sessions(user, keyed)
        screen = await listing(user)
        await user.types("yeast")
        await user.until(lambda: len(screen.shown) == 1)
        await user.sees("Bread needs yeast")
        await user.presses("enter")
        await user.until(lambda: user.app.screen is user.chat)
        await user.sees("How to bake bread", "Bread needs yeast and time.")
        assert len(user.conversation.branch) == 2


async def test_a_session_is_renamed(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await two_sessions(user, keyed)
        await listing(user)
        await user.presses("f2")
        await user.sees("Rename this session")
        await user.types("Paint")
        await user.presses("enter")
        await user.sees("▸ Paint")


async def test_deleting_asks_first_and_leaves_the_deleted_session(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await two_sessions(user, keyed)
        screen = await listing(user)
        await user.presses("delete")
        await user.sees("for good")
        await user.presses("escape")
        await user.until(lambda: user.app.screen is screen)
        assert len(screen.shown) == 2
        await user.presses("delete")
        await user.sees("for good")
        await user.presses("y")
        await user.until(lambda: len(screen.shown) == 1)
        await user.presses("escape")
        await user.until(lambda: user.conversation.session is None)
        await user.sees("New session")
