"""``@file`` in a prompt: finding files to complete, and turning mentions into message content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.tui.figures import data_size
from app.tui.paste import LARGEST_PASTE
from core.errors import InputError

if TYPE_CHECKING:
    from core.chat.messages import Part

__all__ = ("FileIndex", "Mention", "attach", "mention_at", "mentioned_files")

IMAGE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}

_LARGEST_IMAGE = 4_000_000
"""Groq's limit for a request with a base64 image (https://console.groq.com/docs/vision)."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "target", "dist", "build", "venv"})
_MOST_FILES = 20_000
_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')
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


def attach(text: str, root: Path) -> str | list[Part]:
    """The prompt with the files it mentions; blocking.

    Text files follow the prompt as fenced blocks named by path; images become image parts.

    Raises:
        InputError: a file is too large, unreadable, or neither text nor an image.
    """
    from core.chat.messages import ImagePart, TextPart

    files = mentioned_files(text, root)
    texts, images = [text], []
    for name, path in files:
        data = _read(name, path)
        if media_type := IMAGE_TYPES.get(path.suffix.lower()):
            images.append(ImagePart.from_bytes(data, media_type))
        else:
            texts.append(_fenced(name, path, data))
    whole = "\n\n".join(texts)
    return [TextPart(text=whole), *images] if images else whole


def _read(name: str, path: Path) -> bytes:
    largest = _LARGEST_IMAGE if path.suffix.lower() in IMAGE_TYPES else LARGEST_PASTE
    try:
        size = path.stat().st_size
        if size > largest:
            raise InputError(
                f"{name} is {data_size(size)}; at most {data_size(largest)} can be attached.",
                hint="Attach a smaller file or the part that matters.",
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{name} cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from None


def _fenced(name: str, path: Path, data: bytes) -> str:
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = "\0"
    if "\0" in content:
        raise InputError(
            f"{name} ({data_size(len(data))}) is neither text nor an image.",
            hint=f"Text and {', '.join(sorted(IMAGE_TYPES))} can be attached.",
        )
    longest = max((len(run) for run in re.findall(r"`{3,}", content)), default=2)
    fence = "`" * (longest + 1)
    return f"`{name}`:\n{fence}{path.suffix[1:]}\n{content.rstrip()}\n{fence}"
