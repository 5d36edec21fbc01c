from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app import clipboard
from app.clipboard import Clipboard, native_command, osc52
from app.terminal import Terminal
from app.tui.screens.code_blocks import CodeBlocksScreen
from tests.app.tui.conftest import User, opened, says
from tests.simulated import Simulated

TWO_BLOCKS = "First:\n\n```python\nprint(1)\n```\n\nThen:\n\n```sh\necho two\n```\n"


async def copied(user: User) -> str:
    await user.told("terminal's clipboard")
    return user.app._clipboard_route.text


async def test_the_answer_is_copied_as_markdown_and_the_toast_promises_nothing(
    folder: Path, keyed: Simulated
) -> None:
    says(keyed, "It is **bold**.")
    async with opened(folder) as user:
        await user.asks("hello")
        await user.presses("ctrl+y")
        assert await copied(user) == "It is **bold**."


async def test_a_letter_copies_one_of_several_code_blocks(folder: Path, keyed: Simulated) -> None:
    says(keyed, TWO_BLOCKS)
    async with opened(folder) as user:
        await user.asks("code please")
        await user.presses("ctrl+b")
        await user.until(lambda: isinstance(user.app.screen, CodeBlocksScreen))
        await user.sees("print(1)", "echo two")
        await user.presses("b")
        assert (await copied(user)).strip() == "echo two"


async def test_escape_sequences_are_copied_harmless(folder: Path, keyed: Simulated) -> None:
    says(keyed, "red \x1b[31malert\x1b]52;c;aGk=\x07 end")
    async with opened(folder) as user:
        await user.asks("hello")
        await user.presses("ctrl+y")
        text = await copied(user)
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\x1b" not in user.screen


async def test_finding_counts_and_moves_through_the_matches(folder: Path, keyed: Simulated) -> None:
    says(keyed, "one fish\n\ntwo fish\n\nred fish\n\nblue bird")
    async with opened(folder) as user:
        await user.asks("animals")
        await user.presses("ctrl+f")
        await user.types("fish")
        await user.sees("3 of 3")
        await user.presses("up")
        await user.sees("2 of 3")
        await user.types("zz")
        await user.sees("nothing found")
        await user.presses("escape")
        await user.until(lambda: user.chat.composer.has_focus and not user.chat.find_bar.is_open)


def test_the_native_tool_of_this_desktop_is_chosen() -> None:
    def which(name: str) -> str:
        return f"/bin/{name}"

    assert native_command(Terminal(wayland=True, x11=True), platform="linux", which=which) == ["/bin/wl-copy"]
    assert native_command(Terminal(x11=True), platform="linux", which=which) == [
        "/bin/xclip",
        "-selection",
        "clipboard",
    ]
    assert native_command(Terminal(), platform="darwin", which=which) == ["/bin/pbcopy"]
    assert native_command(Terminal(), platform="win32", which=which) == ["/bin/clip.exe"]
    assert native_command(Terminal(), platform="linux", which=lambda _: None) is None


def test_osc_52_is_wrapped_for_multiplexers_and_refuses_what_terminals_drop() -> None:
    assert osc52("hi") == "\x1b]52;c;aGk=\x07"
    assert osc52("hi", multiplexer="tmux") == "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"
    assert osc52("hi", multiplexer="screen") == "\x1bP\x1b]52;c;aGk=\x07\x1b\\"
    assert osc52("x" * 80_000) is None


async def test_a_native_tool_gets_the_text_and_a_failing_one_falls_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    tool = tmp_path / "xclip"
    tool.write_text(f"#!/bin/sh\ncat > {kept}\n", "utf-8")
    tool.chmod(stat.S_IRWXU)
    monkeypatch.setattr(clipboard.sys, "platform", "linux")
    monkeypatch.setattr(clipboard.shutil, "which", lambda name: str(tool) if name == "xclip" else None)
    written: list[str] = []
    board = Clipboard(Terminal(x11=True), written.append)
    result = await board.copy("héllo", what="the answer")
    assert result.sure
    assert result.message == "Copied the answer."
    assert kept.read_text("utf-8") == "héllo"
    assert written == []
    tool.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    result = await board.copy("again")
    assert not result.sure
    assert written == [osc52("again")]


async def test_a_text_too_long_for_the_terminal_is_not_claimed_to_be_copied() -> None:
    written: list[str] = []
    result = await Clipboard(Terminal(remote=True), written.append).copy("x" * 90_000)
    assert not result.copied
    assert "90.0 kB" in result.message
    assert written == []
