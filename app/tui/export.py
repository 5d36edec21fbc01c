"""Writing a session to a file."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.errors import InputError
from core.safe_text import safe_text

if TYPE_CHECKING:
    from core.conversations import Conversations, Session

__all__ = ("export_session",)


async def export_session(conversations: Conversations, session: Session, wish: str, folder: Path) -> Path:
    """Export as ``wish`` says: a format, a file, or both; by default Markdown, named by the title.

    An existing file is never overwritten: a number is added.

    Raises:
        InputError: the file cannot be written.
        StorageError: the session cannot be read.
    """
    kind: Literal["md", "json"]
    first, _, rest = wish.partition(" ")
    kind, name = (first, rest.strip()) if first in ("md", "json") else ("md", wish)  # type: ignore[assignment]
    if name.endswith(".json"):
        kind = "json"
    text = await conversations.export(session.id, kind)
    path = folder / os.path.expanduser(name or f"{_file_name(session.title)}.{kind}")  # noqa: ASYNC240, PTH111
    return await asyncio.to_thread(_write, path, text)


def _write(path: Path, text: str) -> Path:
    stem, number = path.stem, 1
    while True:
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            number += 1
            path = path.with_name(f"{stem}-{number}{path.suffix}")
        except OSError as error:
            raise InputError(
                f"{path} cannot be written: {error.strerror}.", hint="Name another file."
            ) from None
        else:
            return path


def _file_name(title: str) -> str:
    words = re.sub(r"[^\w-]+", "-", safe_text(title).strip().lower()).strip("-")
    return words[:60] or "session"
