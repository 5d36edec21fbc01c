from __future__ import annotations

from pathlib import Path

import pytest

from app.tui.screens.welcome import WelcomeScreen
from core.credentials import find_api_key
from tests.app.tui.conftest import opened
from tests.simulated import Simulated


async def test_without_a_key_the_demo_answers_and_says_so_always(folder: Path) -> None:
    async with opened(folder, ready=False) as user:
        await user.sees("Paste a Groq API key", "Try the demo", "console.groq.com/keys")
        await user.presses("down", "enter")
        await user.until(lambda: user.chat.conversation is not None)
        await user.sees("SIMULATED")
        await user.asks("hello")
        await user.sees("hello", "simulator", "SIMULATED", "tok/s", "$0.000")


async def test_a_wrong_key_is_refused_in_words_and_the_right_one_is_kept(
    folder: Path, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_URL", simulator.base_url)
    async with opened(folder, ready=False) as user:
        await user.until(lambda: isinstance(user.app.screen, WelcomeScreen))
        await user.pastes("gsk_this_is_not_the_key_of_anyone")
        await user.presses("enter")
        await user.sees("key")
        await user.until(lambda: "Asking Groq" not in user.screen and "Checked with" not in user.screen)
        assert isinstance(user.app.screen, WelcomeScreen)
        assert find_api_key("groq") is None
        user.app.screen.key_input.value = ""
        await user.pastes(f"export GROQ_API_KEY={simulator.api_key}")
        await user.presses("enter")
        await user.until(lambda: user.chat.conversation is not None)
        await user.told("credentials.json, readable by you alone")
        await user.asks("hello")
    found = find_api_key("groq")
    assert found is not None
    assert found.key == simulator.api_key


def letters(text: str) -> str:
    """Without spaces and margins: how long a path is decides where its line was broken."""
    return "".join(text.replace("▌", "").split())


async def test_a_broken_config_names_file_line_and_key_and_the_app_goes_on(
    folder: Path, keyed: Simulated
) -> None:
    from core.locations import find_locations

    file = find_locations().settings_file
    file.write_text('[interface]\nfps = "fast"\n', "utf-8")
    async with opened(folder) as user:
        told = letters(f"{file}:2: interface.fps: 'fast' should be a whole number")
        await user.until(lambda: told in letters(user.screen))
        await user.asks("hello")
