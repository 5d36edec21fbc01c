"""Lines a person types, with history and editing where the platform has readline."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.output import note

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ("LineInput",)

_PROMPT = "> "
_CONTINUED = "| "
_MOST_HISTORY = 1_000


class LineInput:
    """Reads questions from the terminal; the history outlives the process.

    Args:
        history: the file that keeps it; open to its owner alone.
    """

    def __init__(self, history: Path) -> None:
        self._history = history
        self._readline = _readline()
        if self._readline:
            with contextlib.suppress(OSError):  # none yet, or not ours to read: start without one
                self._readline.read_history_file(history)

    def read(self) -> str | None:
        """The next question, without a trailing line break; ``None`` when the user ends.

        A backslash at the end of a line continues it. Ctrl-C drops what was typed so far.
        """
        lines: list[str] = []
        while True:
            try:
                line = input(_CONTINUED if lines else _PROMPT)
            except EOFError:
                note("")
                return None
            except KeyboardInterrupt:
                note("" if lines else "(Ctrl-D ends)")
                lines.clear()
                continue
            except UnicodeDecodeError:
                note("That line is not text in this terminal's encoding; it was dropped.")
                continue
            if line.endswith("\\"):
                lines.append(line[:-1])
                continue
            lines.append(line)
            text = "\n".join(lines).rstrip()
            if text.strip():
                return text
            lines.clear()

    def close(self) -> None:
        """Keep the history."""
        if not self._readline:
            return
        self._readline.set_history_length(_MOST_HISTORY)
        with contextlib.suppress(OSError):  # a full or read-only disk costs the history, no more
            self._history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._history.touch(mode=0o600)
            self._readline.write_history_file(self._history)


def _readline() -> ModuleType | None:
    """The module, which also gives ``input`` its editing; ``None`` on Windows."""
    try:
        import readline
    except ImportError:
        return None
    return readline
