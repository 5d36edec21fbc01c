"""The question of a one-shot call: the argument, what stdin holds, and the files."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from app.attachments import LARGEST_IMAGE, decode_text, fenced, image_part, read_file
from app.cli.terminal import is_terminal
from core.errors import InputError

if TYPE_CHECKING:
    from core.chat import ImagePart, JsonSchemaFormat, Message

__all__ = ("question", "read_schema", "read_stdin")


def read_stdin() -> bytes:
    """All of stdin where it is not a terminal; reads no more than can be sent.

    Raises:
        InputError: it holds more than that.
    """
    if sys.stdin is None or is_terminal(sys.stdin):
        return b""
    data = sys.stdin.buffer.read(LARGEST_IMAGE + 1)
    if len(data) > LARGEST_IMAGE:
        raise InputError("stdin holds more than 4.0 MB.", hint="Send the part that matters.")
    return data


def question(prompt: str | None, stdin: bytes, files: Iterable[Path]) -> Message | None:
    """The user's message, or ``None`` where there is nothing to ask.

    Raises:
        InputError: a file or stdin is too large, or neither text nor an image.
    """
    from core.chat import Message, TextPart

    texts = [prompt.strip()] if prompt and prompt.strip() else []
    images: list[ImagePart] = []
    if stdin:
        if image := image_part(stdin):
            images.append(image)
        elif text := decode_text("stdin", stdin).rstrip():
            texts.append(text)
    for path in files:
        data = read_file(path)
        if image := image_part(data):
            images.append(image)
        else:
            texts.append(fenced(str(path), decode_text(str(path), data)))
    if not texts and not images:
        return None
    whole = "\n\n".join(texts)
    if not images:
        return Message(role="user", content=whole)
    return Message(role="user", content=[*([TextPart(text=whole)] if whole else []), *images])


def read_schema(path: Path) -> JsonSchemaFormat:
    """The response format that asks for JSON that fits the schema in ``path``.

    Raises:
        InputError: it is not a JSON schema, or refers to another file; names the place.
    """
    if str(path) == "-":
        raise InputError("--schema takes a file; stdin is part of the prompt.", hint="Name the file.")
    from core.structured import read_schema as read

    return read(decode_text(str(path), read_file(path)), str(path))
