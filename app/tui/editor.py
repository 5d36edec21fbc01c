"""The user's own editor, to which the terminal is lent for a prompt."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from core.errors import InputError

if TYPE_CHECKING:
    from app.tui.application import TensorWallApp

__all__ = ("edit_in_terminal",)


def edit_in_terminal(app: TensorWallApp, text: str) -> str | None:
    """Let the user's editor have the terminal; the text it saved, or ``None`` where it failed.

    Raises:
        InputError: there is no editor, or the terminal cannot be lent.
    """
    command = _words(app.terminal.editor) or ["nano"]
    with tempfile.NamedTemporaryFile("w+", suffix=".md", encoding="utf-8", delete=False) as file:
        file.write(text)
    path = Path(file.name)
    try:
        with app.suspend():
            stdout, stderr = (stream and stream.fileno() for stream in (sys.__stdout__, sys.__stderr__))
            ended = subprocess.run([*command, str(path)], stdout=stdout, stderr=stderr, check=False)  # noqa: S603
        return path.read_text("utf-8", "replace").rstrip("\n") if ended.returncode == 0 else None
    except FileNotFoundError:
        raise InputError(f"There is no editor {command[0]}.", hint="Set the EDITOR variable.") from None
    except SuspendNotSupported:
        raise InputError("This terminal cannot be lent to an editor.") from None
    finally:
        path.unlink(missing_ok=True)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise InputError(
            f"The EDITOR variable cannot be read: {error}.", hint=f"It is {command}; correct it."
        ) from None
