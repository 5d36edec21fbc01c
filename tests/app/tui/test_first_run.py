from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.tui.screens.chat_model_download import ChatModelDownloadScreen
from app.tui.screens.welcome import WelcomeScreen
from core.credentials import find_api_key
from core.extras import install_command
from core.locations import find_locations
from core.offline.models import find_model, known_models
from core.settings import save_setting
from tests.app.tui.conftest import opened
from tests.simulated import Simulated


async def test_without_a_key_the_demo_answers_and_says_so_always(folder: Path) -> None:
    async with opened(folder, ready=False) as user:
        await user.sees("Paste a Groq API key", "Try the demo", "console.groq.com/keys")
        await user.presses("down", "down", "enter")
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


async def test_a_model_of_this_machine_answers_without_a_key(folder: Path, chat_model: Path) -> None:
    models = find_locations().chat_models_dir
    models.mkdir(parents=True)
    (models / "smollm2-135m").symlink_to(chat_model.parent)
    save_setting(None, "chat.max_completion_tokens", 4)
    save_setting(None, "offline.window", 512)
    async with opened(folder, ready=False) as user:
        await user.sees("Use SmolLM2 135M on this machine", "small model, may be wrong")
        await user.presses("down", "enter")
        await user.until(lambda: user.chat.conversation is not None)
        await user.asks("hello")
        await user.sees("OFFLINE", "smollm2-135m via embedded", "may be wrong", "$0 billed")
        await user.sees(" hello ")  # the session's name: this model would give it a strange one


async def test_the_model_is_fetched_from_the_first_screen(folder: Path, chat_model: Path, hub: str) -> None:
    async with opened(folder, ready=False) as user:
        await user.sees("Use SmolLM2 135M on this machine", "98.4 MB to fetch")
        await user.presses("down", "enter")
        await user.sees("A model has to be on this machine first", "Apache-2.0", "Download 98.4 MB")
        await user.presses("enter")
        await user.until(lambda: user.chat.conversation is not None)
        assert user.app.services is not None
        assert [*user.app.services.providers] == ["embedded"]
    assert find_model("smollm2-135m", find_locations().chat_models_dir).label == "SmolLM2 135M"


async def test_whether_to_fetch_it_is_asked_in_a_dialog_that_tells_what_fails(folder: Path) -> None:
    async with opened(folder, ready=False) as user:
        await user.until(lambda: isinstance(user.app.screen, WelcomeScreen))
        screen = ChatModelDownloadScreen(known_models()["smollm2-135m"], folder)
        await user.app.push_screen(screen)
        await user.sees("Download 98.4 MB")
        (row,) = [line for line in user.screen.splitlines() if "A model has to be on this machine" in line]
        assert row.count("│") == 2
        assert 10 < row.index("│") < row.index("A model")
        assert not screen.problem.display
        await user.presses("enter")
        await user.sees("broke off: 127.0.0.1:9 cannot", "Go on")


async def test_without_the_package_the_first_screen_says_the_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    async with opened(folder, ready=False) as user:
        await user.sees("Use SmolLM2 135M on this machine", "needs something first")
        await user.presses("down", "enter")
        command = letters(f"Install it: {install_command('offline')} Then start TensorWall again.")
        await user.until(lambda: command in letters(user.screen))
        assert isinstance(user.app.screen, WelcomeScreen)


def letters(text: str) -> str:
    """Without spaces and margins: how long a path is decides where its line was broken."""
    return "".join(text.replace("▌", "").split())


async def test_a_broken_config_names_file_line_and_key_and_the_app_goes_on(
    folder: Path, keyed: Simulated
) -> None:
    file = find_locations().settings_file
    file.write_text('[interface]\nfps = "fast"\n', "utf-8")
    async with opened(folder) as user:
        told = letters(f"{file}:2: interface.fps: 'fast' should be a whole number")
        await user.until(lambda: told in letters(user.screen))
        await user.asks("hello")
