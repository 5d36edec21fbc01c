"""Stored messages as the transcript shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from app.tui.mentions import without_files
from app.tui.transcript import Entry
from core.structured import is_json

if TYPE_CHECKING:
    from core.chat import Part
    from core.conversations import StoredMessage

__all__ = ("UserEntry", "entry_of", "user_entry")


class UserEntry(TypedDict):
    """The keyword arguments of ``Transcript.add_user`` that a prompt decides."""

    text: str
    attachments: tuple[str, ...]


def user_entry(content: str | list[Part], typed: str) -> UserEntry:
    """A prompt as it was typed, with how many images went along."""
    images = 0 if isinstance(content, str) else sum(part.type == "image_url" for part in content)
    return UserEntry(text=typed, attachments=_images(images))


def entry_of(stored: StoredMessage) -> Entry:
    """One stored message."""
    message = stored.message
    branch = (stored.sibling_index + 1, stored.sibling_count) if stored.sibling_count > 1 else None
    at = f"{stored.created_at.astimezone():%H:%M}"
    if message.role == "user":
        return Entry(
            "user",
            stored.id,
            without_files(message.text),
            time=at,
            attachments=_images(len(message.images)),
            branch=branch,
        )
    return Entry(
        "answer",
        stored.id,
        message.text,
        header=stored.model or "",
        time=at,
        footer=stored.error or "",
        reasoning=message.reasoning or "",
        state=stored.state,
        heard=stored.heard,
        branch=branch,
        json=stored.error_type == "OutputInvalid" or is_json(message.text),
    )


def _images(count: int) -> tuple[str, ...]:
    return tuple(f"image {number}" if count > 1 else "image" for number in range(1, count + 1))
