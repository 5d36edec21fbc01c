"""Unsent prompts, one a session, kept across restarts."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

__all__ = ("Drafts",)

_NEW = ""


class Drafts:
    """A small JSON file: session id to text; the empty id is the session not yet begun."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._texts: dict[str, str] = {}
        self.problem: OSError | None = None

    def load(self) -> None:
        """Read the file; blocking. A broken one counts as empty."""
        if self._file is None:
            return
        try:
            stored = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return
        except OSError as error:
            self.problem = error
            return
        except ValueError:
            return
        if isinstance(stored, dict):
            self._texts = {str(key): str(value) for key, value in stored.items()}

    def get(self, session_id: str | None) -> str:
        """The draft of a session, or of the one not yet begun."""
        return self._texts.get(session_id or _NEW, "")

    def put(self, session_id: str | None, text: str) -> None:
        """Keep a draft, or drop it where ``text`` is blank; writes the file when it changed."""
        key = session_id or _NEW
        if self._texts.get(key, "") == text:
            return
        if text.strip():
            self._texts[key] = text
        elif self._texts.pop(key, None) is None:
            return
        self._save()

    def _save(self) -> None:
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._texts, file)
            Path(name).replace(self._file)
        except OSError as error:
            self.problem = error
