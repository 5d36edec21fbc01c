"""Prompts sent before, walked with the up and down keys and kept across restarts."""

from __future__ import annotations

import json
import os
from pathlib import Path

__all__ = ("PromptHistory",)

_KEPT = 1_000
_COMPACT_AT = 2 * _KEPT


class PromptHistory:
    """One JSON string a line, oldest first; several TensorWalls may append to the same file.

    Reading and writing fail silently into an unsaved history: losing recall must never cost a
    message. ``problem`` then says why.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._entries: list[str] = []
        self._position: int | None = None
        self._unsent = ""
        self.problem: OSError | None = None

    def load(self) -> None:
        """Read the file; blocking, so call it from a thread. Broken lines are skipped."""
        if self._file is None:
            return
        try:
            lines = self._file.read_text("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            self.problem = error
            return
        entries = [entry for entry in map(_decode, lines[-_KEPT:]) if entry]
        self._entries = entries + self._entries
        if len(lines) > _COMPACT_AT:
            self._compact(entries)

    def add(self, prompt: str) -> None:
        """Remember a prompt, unless it repeats the last one, and end any walk."""
        self._position = None
        if not prompt.strip() or (self._entries and self._entries[-1] == prompt):
            return
        self._entries.append(prompt)
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(prompt) + "\n")
        except OSError as error:
            self.problem = error

    def previous(self, current: str) -> str | None:
        """One step back; ``current`` is kept to come back to. ``None`` at the oldest."""
        if self._position is None:
            self._unsent, self._position = current, len(self._entries)
        if self._position == 0:
            return None
        self._position -= 1
        return self._entries[self._position]

    def next(self) -> str | None:
        """One step forward, ending at what was typed before the walk; ``None`` outside a walk."""
        if self._position is None:
            return None
        self._position += 1
        if self._position < len(self._entries):
            return self._entries[self._position]
        self._position = None
        return self._unsent

    def stop_walking(self) -> None:
        """The user edits: the shown entry becomes a new prompt."""
        self._position = None

    def _compact(self, entries: list[str]) -> None:
        assert self._file is not None
        fresh = self._file.with_suffix(".new")
        try:
            fresh.touch(0o600)
            fresh.write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
            fresh.replace(self._file)
        except OSError as error:
            self.problem = error


def _decode(line: str) -> str | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, str) else None
