from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.composition import Services, Source
from app.tui.commands import COMMANDS, bindings, find_command, matching_commands
from app.tui.launch import Launcher
from app.tui.screens.help import HelpScreen
from app.tui.screens.models import ModelScreen
from app.tui.screens.settings import SettingsScreen
from core.locations import find_locations
from core.settings import Settings
from tests.app.tui.conftest import opened, says
from tests.simulated import Simulated


def test_the_command_table_is_sound() -> None:
    ids = [command.id for command in COMMANDS]
    names = [name for command in COMMANDS for name in (command.slash, *command.aliases) if name]
    keys = [key for command in COMMANDS for key in command.keys.split(",") if key]
    assert len(set(ids)) == len(ids)
    assert len(set(names)) == len(names)
    assert len(set(keys)) == len(keys)
    assert {command.group for command in COMMANDS} == {"chat", "session", "voice", "app"}
    assert find_command("retry") is find_command("regenerate") is find_command("chat.regenerate")
    assert matching_commands("mod")[0].id == "app.model"
    assert len(bindings()) == sum(bool(command.keys) for command in COMMANDS)


async def test_slash_suggests_and_runs_commands(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.types("/the")
        await user.sees("/theme [name]", "Change the theme")
        await user.presses("tab")
        await user.types("tensorwall-l")
        await user.sees("tensorwall-light")
        await user.presses("enter", "enter")
        await user.until(lambda: user.app.theme == "tensorwall-light")
        assert 'theme = "tensorwall-light"' in find_locations().settings_file.read_text("utf-8")


async def test_enter_sends_what_was_typed_on_faster_than_suggestions_come(
    folder: Path, keyed: Simulated
) -> None:
    async with opened(folder) as user:
        composer = user.chat.composer
        await user.types("/them")
        await user.until(lambda: user.chat.popup.is_open)
        composer.insert("e tensorwall-light")
        composer.action_send()  # before anything looks for other suggestions
        await user.until(lambda: user.app.theme == "tensorwall-light")
        assert composer.text == ""


async def test_an_unknown_command_is_told_and_kept(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.sends("/frobnicate now")
        await user.told("no command /frobnicate")
        assert user.chat.composer.text == "/frobnicate now"
        assert keyed.questions() == []


async def test_a_path_is_no_command(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.asks("/etc/hosts is what")
        assert user.conversation.branch[0].message.text == "/etc/hosts is what"


async def test_the_model_picker_shows_prices_and_replacements_and_chooses(
    folder: Path, keyed: Simulated
) -> None:
    async with opened(folder) as user:
        await user.presses("f2")
        await user.until(lambda: isinstance(user.app.screen, ModelScreen) and user.app.screen.shown)
        await user.sees("openai/gpt-oss-120b", "0.15/0.60", "131k")
        await user.types("gemma2")
        await user.sees("Replaced by", "gpt-oss-20b", "retired")
        for _ in "gemma2":
            await user.presses("backspace")
        await user.types("oss-20b")
        await user.until(
            lambda: user.app.screen.current and user.app.screen.current.key == "openai/gpt-oss-20b"
        )
        await user.presses("enter")
        await user.until(lambda: user.conversation.model == "openai/gpt-oss-20b")
        await user.asks("hello")
        assert keyed.questions()[-1]["body"]["model"] == "openai/gpt-oss-20b"


async def test_json_effort_and_system_reach_the_request(folder: Path, keyed: Simulated) -> None:
    keyed.configure()
    async with opened(folder) as user:
        await user.sends("/json on")
        await user.sees("JSON")
        await user.sends("/effort low")
        await user.sees("effort low")
        await user.sends("/system Answer briefly in json.")
        await user.until(lambda: user.conversation.system_prompt)
        await user.asks("hello")
        body = keyed.questions()[-1]["body"]
        assert body["response_format"] == {"type": "json_object"}
        assert body["reasoning_effort"] == "low"
        assert body["messages"][0]["content"] == "Answer briefly in json."


async def test_export_writes_markdown_and_never_overwrites(folder: Path, keyed: Simulated) -> None:
    says(keyed, "An answer.")
    async with opened(folder) as user:
        await user.asks("question")
        await user.sends("/export")
        await user.until(lambda: (folder / "question.md").is_file())
        await user.sends("/export md question.md")
        await user.until(lambda: (folder / "question-2.md").is_file())
        await user.sends("/export json all.json")
        await user.until(lambda: (folder / "all.json").is_file())
    assert "An answer." in (folder / "question.md").read_text("utf-8")


async def test_the_settings_screen_saves_and_refuses_what_is_not_allowed(
    folder: Path, keyed: Simulated
) -> None:
    async with opened(folder) as user:
        await user.presses("f10")
        await user.until(lambda: isinstance(user.app.screen, SettingsScreen) and user.app.screen.shown)
        await user.types("interface.fps")
        await user.until(lambda: len(user.app.screen.shown) == 1)
        await user.presses("enter")
        await user.sees("How often a streaming answer is drawn")
        await user.types("999")
        await user.presses("enter")
        await user.sees("120")
        await user.presses("home", "shift+end", "backspace")
        await user.types("60")
        await user.presses("enter")
        await user.until(lambda: user.chat.transcript.frames_per_second == 60)
    assert "fps = 60" in find_locations().settings_file.read_text("utf-8")


async def test_help_is_made_from_the_bindings_and_the_users_keymap(folder: Path, keyed: Simulated) -> None:
    file = find_locations().settings_file
    file.write_text('[keymap]\n"session.new" = "ctrl+k"\n"composer.send" = "f9"\n', "utf-8")
    async with opened(folder, size=(120, 60)) as user:
        await user.presses("f1")
        await user.until(lambda: isinstance(user.app.screen, HelpScreen))
        await user.sees("Ctrl+K", "session.new", "F9", "Answer the question again", "Composer")
        await user.presses("escape")
        await user.types("hello")
        await user.presses("enter")
        assert user.chat.composer.text == "hello\n"
        await user.presses("f9")
        await user.settles(2)
        await user.presses("ctrl+k")
        await user.until(lambda: user.conversation.session is None)


async def test_the_command_palette_runs_commands(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.presses("ctrl+p")
        await user.types("Keys and commands")
        await user.sees("/help")
        await user.presses("enter")
        await user.until(lambda: isinstance(user.app.screen, HelpScreen))


@pytest.mark.parametrize("size", [(80, 24), (140, 45), (40, 12)])
async def test_it_fits_any_terminal_and_shows_the_badge(
    folder: Path, keyed: Simulated, size: tuple[int, int]
) -> None:
    says(keyed, "Short answer.", limits="free")
    async with opened(folder, size=size) as user:
        await user.asks("hello")
        rows = user.screen.split("\n")
        assert len(rows) == size[1]
        assert "Ready" in rows[-2]
        assert "$" in rows[-1]
        assert user.chat.strip.size.height == 2
        assert user.chat.transcript.size.height >= size[1] - 6
        await user.pilot.resize_terminal(80, 24)
        await user.sees("Short answer.")
        assert len(list(user.chat.walk_children())) < 60


async def test_the_demo_says_simulated_at_any_width(folder: Path) -> None:
    async with opened(folder, size=(60, 20), demo=True) as user:
        await user.sees("SIMULATED")
        await user.asks("hello")
        await user.sees("SIMULATED", "Ready")


def test_no_universal_selectors_and_no_focus_within() -> None:
    sheets = [path.read_text("utf-8") for path in Path("app/tui").rglob("*.tcss")]
    assert sheets
    for sheet in sheets:
        assert "focus-within" not in sheet
        assert "ansi_" not in sheet
        assert not any(line.strip().startswith("*") for line in sheet.splitlines())


async def test_what_is_sent_while_it_starts_is_done_in_its_order(
    folder: Path, keyed: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_start, really_open = asyncio.Event(), Launcher.open

    async def open_later(launcher: Launcher, source: Source, settings: Settings) -> Services:
        await may_start.wait()
        return await really_open(launcher, source, settings)

    monkeypatch.setattr(Launcher, "open", open_later)
    async with opened(folder, ready=False) as user:
        await user.sends("/json on")
        await user.sends("Who?")
        await user.sees("Starting, will be sent in a moment")
        may_start.set()
        await user.until(lambda: user.chat.conversation is not None)
        await user.settles(2)
        assert keyed.questions()[0]["body"]["response_format"] == {"type": "json_object"}
