"""The doctor's checks of the terminal: what works in it, and what to switch on."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping

from app.cli.finding import Finding
from app.cli.terminal import colour_depth, is_terminal
from app.cli.terminal_query import TerminalAnswer, ask_terminal
from app.clipboard import native_command
from app.terminal import Terminal

__all__ = ("check_terminal",)

_COLUMNS, _ROWS = 80, 24
_GOOD_TERMINALS = "kitty, foot, Ghostty, WezTerm, Alacritty, iTerm2 and Windows Terminal"


def check_terminal(environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """What the terminal around this command can do."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        return [Finding("terminal", "note", "not on a terminal, so it was not checked.", "Run it in one.")]
    terminal = Terminal.from_environment(environment)
    return [
        _size(os.get_terminal_size(sys.stdout.fileno())),
        _colours(environment),
        _unicode(sys.stdout.encoding),
        *_keys(ask_terminal(), terminal),
        _clipboard(terminal, platform=sys.platform, which=shutil.which),
    ]


def _size(size: os.terminal_size) -> Finding:
    text = f"{size.columns} columns, {size.lines} rows"
    if size.columns < _COLUMNS or size.lines < _ROWS:
        return Finding("size", "note", text, f"Make the window at least {_COLUMNS} by {_ROWS}.")
    return Finding("size", "ok", text)


def _colours(environment: Mapping[str, str]) -> Finding:
    if environment.get("NO_COLOR"):
        return Finding("colours", "note", "none: NO_COLOR is set", "unset NO_COLOR")
    depth = colour_depth(environment)
    term = environment.get("TERM") or "unset"
    if not depth:
        return Finding(
            "colours",
            "note",
            f"none: TERM is {term}",
            "Use `tensorwall chat` here, or another terminal for the full screen.",
        )
    if depth < 1 << 24:
        return Finding(
            "colours",
            "ok",
            f"{depth} (TERM={term})",
            "Where the terminal has true colour: export COLORTERM=truecolor",
        )
    return Finding("colours", "ok", "true colour")


def _unicode(encoding: str) -> Finding:
    if encoding.lower().replace("-", "") == "utf8":
        return Finding("unicode", "ok", encoding)
    return Finding(
        "unicode",
        "note",
        f"the locale's encoding is {encoding}: other characters show as ?",
        "export LANG=C.UTF-8",
    )


def _keys(answer: TerminalAnswer, terminal: Terminal) -> Iterator[Finding]:
    if answer.key_releases:
        yield Finding("keys", "ok", "key releases are reported: hold-to-talk is exact")
        return
    if terminal.multiplexer:
        finding = f"{terminal.multiplexer} passes no key releases on"
        mend = f"Run TensorWall outside {terminal.multiplexer} for exact hold-to-talk."
    elif not answer.answered:
        finding = "the terminal does not answer queries, so key releases are taken as missing"
        mend = f"For exact hold-to-talk use one of {_GOOD_TERMINALS}."
    else:
        finding = "key releases are not reported: press once to talk, once more to end"
        mend = f"For hold-to-talk use one of {_GOOD_TERMINALS}; WezTerm needs enable_kitty_keyboard = true."
    yield Finding("keys", "note", finding, mend)


def _clipboard(terminal: Terminal, *, platform: str, which: Callable[[str], str | None]) -> Finding:
    command = None if terminal.remote else native_command(terminal, platform=platform, which=which)
    if command:
        return Finding("clipboard", "ok", f"copies with {command[0]}")
    why = "over SSH" if terminal.remote else "without a clipboard tool"
    mend = ""
    if terminal.multiplexer == "tmux":
        mend = "tmux set -g set-clipboard on; tmux set -g allow-passthrough on"
    elif not terminal.remote and terminal.wayland:
        mend = "Install wl-clipboard."
    elif not terminal.remote and terminal.x11:
        mend = "Install xclip."
    return Finding(
        "clipboard", "note", f"{why} the terminal is asked to copy (OSC 52), which it does not confirm", mend
    )
