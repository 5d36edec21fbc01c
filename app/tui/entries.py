"""Stored messages as the transcript shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict

from app.call_words import call_in_words
from app.figures import duration
from app.tui.mentions import without_files
from app.tui.transcript import Entry
from core.written_json import is_json

if TYPE_CHECKING:
    from core.chat import Part, ToolCall
    from core.conversations import StoredMessage

__all__ = ("UserEntry", "entries_of", "entry_of", "set_out", "user_entry")


class UserEntry(TypedDict):
    """The keyword arguments of ``Transcript.add_user`` that a prompt decides."""

    text: str
    attachments: tuple[str, ...]


def user_entry(content: str | list[Part], typed: str) -> UserEntry:
    """A prompt as it was typed, with how many images went along."""
    images = 0 if isinstance(content, str) else sum(part.type == "image_url" for part in content)
    return UserEntry(text=typed, attachments=_images(images))


def entries_of(branch: Sequence[StoredMessage]) -> Iterator[Entry]:
    """The messages of a branch; a tool's result with its call, and no empty line between calls."""
    calls: dict[str, ToolCall] = {}
    goes_on = False
    for stored in branch:
        message = stored.message
        if message.role == "system":
            continue
        if message.role == "tool":
            yield _tool_entry(stored, calls.get(message.tool_call_id or ""))
        elif not goes_on:
            yield entry_of(stored)
        elif message.text or message.reasoning or stored.state != "complete":
            yield replace(entry_of(stored), header="", time="")
        goes_on = message.role == "tool"
        calls.update((call.id, call) for call in message.tool_calls or ())


def _tool_entry(stored: StoredMessage, call: ToolCall | None) -> Entry:
    """What a tool was given and what it gave."""
    arguments = call.function.arguments if call else ""
    seconds = (stored.finished_at - stored.created_at).total_seconds() if stored.finished_at else None
    return Entry(
        "tool",
        stored.id,
        stored.message.text,
        header=call_in_words(stored.message.name or "tool", arguments),
        reasoning=set_out(arguments),
        footer="" if seconds is None else duration(seconds),
        state=stored.state,
    )


def set_out(arguments: str) -> str:
    """The arguments of a call, a line each; as they are where they are no JSON."""
    try:
        return json.dumps(json.loads(arguments or "{}"), indent=2, ensure_ascii=False)
    except ValueError:
        return arguments


def entry_of(stored: StoredMessage) -> Entry:
    """One stored message of the user or the model."""
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
