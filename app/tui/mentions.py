"""``@file`` in a prompt: finding files to complete, and turning mentions into message content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.chat.messages import Part

__all__ = (
    "IMAGE_SUFFIXES",
    "FileIndex",
    "Mention",
    "attach",
    "mention_at",
    "mentioned_files",
    "without_files",
)

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})

_SKIPPED = frozenset({"node_modules", "__pycache__", "target", "dist", "build", "venv"})
_MOST_FILES = 20_000
_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')
_FILE_BLOCK = re.compile(r"\n\n`(?P<name>[^`\n]+)`:\n`{3,}")
_TRAILING = ".,;:!?)]}'"


@dataclass(frozen=True, slots=True)
class Mention:
    """An ``@`` mention being typed: where it starts in its line and what follows the sign."""

    start: int
    query: str


def mention_at(line: str, column: int) -> Mention | None:
    """The mention that ends at the cursor, if one does."""
    before = line[:column]
    at = before.rfind("@")
    if at < 0 or (at > 0 and not before[at - 1].isspace()):
        return None
    query = before[at + 1 :]
    if query.startswith('"'):
        return None if '"' in query[1:] else Mention(at, query[1:])
    return None if any(char.isspace() for char in query) else Mention(at, query)


class FileIndex:
    """Paths below a folder, for completion; hidden and generated folders are left out."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def candidates(self, query: str) -> list[str]:
        """Every path the query could mean; blocking, so call it from a thread.

        A query that leaves the folder (``~/``, ``/``, ``../``) lists just the folder it names.
        """
        if query.startswith(("/", "~", "../")):
            return self._beside(query)
        return list(self._below())

    def _beside(self, query: str) -> list[str]:
        head, slash, _ = query.rpartition("/")
        if not slash:
            return []
        folder = Path(head + slash).expanduser()
        folder = folder if folder.is_absolute() else self.root / folder
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return []
        return [f"{head}/{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries]

    def _below(self) -> Iterator[str]:
        found = 0
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
            prefix = os.path.relpath(folder, self.root).replace(os.sep, "/")
            for name in sorted(files):
                if name.startswith("."):
                    continue
                yield name if prefix == "." else f"{prefix}/{name}"
                found += 1
                if found >= _MOST_FILES:
                    return


def mentioned_files(text: str, root: Path) -> list[tuple[str, Path]]:
    """The mentions in ``text`` that name files, as written and as paths.

    A mention that names nothing stays plain text: ``@someone`` is not an error.
    """
    found: dict[str, Path] = {}
    for quoted, bare in _MENTION.findall(text):
        for name in (quoted,) if quoted else (bare, bare.rstrip(_TRAILING)):
            path = Path(name).expanduser()
            path = path if path.is_absolute() else root / path
            if name and path.is_file():
                found[name] = path
                break
    return list(found.items())


def without_files(text: str) -> str:
    """What was typed of a prompt: the contents of its text files, as ``attach`` appends them, left out."""
    for block in _FILE_BLOCK.finditer(text):
        typed = text[: block.start()]
        if block["name"] in _mentioned_names(typed):
            return typed
    return text


def _mentioned_names(text: str) -> set[str]:
    """The names that mentions could mean, with and without the punctuation after them."""
    found = _MENTION.findall(text)
    return {name for quoted, bare in found for name in (quoted or bare, bare.rstrip(_TRAILING))}


def attach(text: str, root: Path) -> str | list[Part]:
    """The prompt with the files it mentions; blocking.

    Text files follow the prompt as fenced blocks named by path; images become image parts.

    Raises:
        InputError: a file is too large, unreadable, or neither text nor an image.
    """
    from app.attachments import decode_text, fenced, image_part, read_file
    from core.chat.messages import TextPart

    texts: list[str] = [text]
    images: list[Part] = []
    for name, path in mentioned_files(text, root):
        data = read_file(path)
        if image := image_part(data):
            images.append(image)
        else:
            texts.append(fenced(name, decode_text(name, data)))
    whole = "\n\n".join(texts)
    return [TextPart(text=whole), *images] if images else whole
