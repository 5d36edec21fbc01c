"""Files, and what came in on stdin, as parts of a message: text as a named block, images as images.

What a file is follows from its bytes, not from its name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError

if TYPE_CHECKING:
    from core.chat.messages import ImagePart

__all__ = ("LARGEST_IMAGE", "LARGEST_TEXT", "decode_text", "fenced", "image_part", "media_type", "read_file")

LARGEST_TEXT = 2_000_000
"""Bytes; four times what the largest context window of today's models takes."""
LARGEST_IMAGE = 4_000_000
"""Bytes; Groq's cap for a request with embedded images (https://console.groq.com/docs/vision)."""

_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def media_type(data: bytes) -> str | None:
    """The image type models take that ``data`` begins like, or ``None``.

    The signatures are those of https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def read_file(path: Path) -> bytes:
    """The bytes of a file to attach.

    Raises:
        InputError: it cannot be read, or is larger than anything that can be attached.
    """
    most = max(LARGEST_TEXT, LARGEST_IMAGE)
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
            size = max(len(data), path.stat().st_size)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from None
    _check_size(str(path), size, LARGEST_IMAGE if media_type(data) else LARGEST_TEXT)
    return data


def image_part(data: bytes) -> ImagePart | None:
    """``data`` as an image of a message, or ``None`` where it is none."""
    kind = media_type(data)
    if kind is None:
        return None
    from core.chat.messages import ImagePart

    return ImagePart.from_bytes(data, kind)


def decode_text(name: str, data: bytes) -> str:
    """``data`` as text: UTF-8, or UTF-16 that says so in its first bytes.

    Raises:
        InputError: it is too large, binary, or in another encoding; names the size.
    """
    _check_size(name, len(data), LARGEST_TEXT)
    encoding = _UTF16.get(data[:2])
    try:
        text = data[2:].decode(encoding) if encoding else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" not in data:
            raise InputError(
                f"{name} is not UTF-8 text (byte {data[error.start]:#04x} at offset {error.start}).",
                hint="Convert it first, for example: iconv -f latin1 -t utf-8.",
            ) from None
        text = "\0"
    if "\0" in text:
        raise InputError(
            f"{name} ({_size(len(data))}) is neither text nor an image.",
            hint="Text and PNG, JPEG, GIF or WebP images can be attached.",
        )
    return text


def fenced(name: str, text: str) -> str:
    """``text`` as a block named by its file; the fence is longer than any within."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"`{name}`:\n{fence}{Path(name).suffix[1:]}\n{text.rstrip()}\n{fence}"


def _check_size(name: str, size: int, most: int) -> None:
    if size > most:
        raise InputError(
            f"{name} is {_size(size)}; at most {_size(most)} can be sent.",
            hint="Send the part that matters.",
        )


def _size(size: int) -> str:
    from app.figures import data_size

    return data_size(size)
