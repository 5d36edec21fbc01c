"""What is stored of a conversation, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.chat import Message

__all__ = (
    "ChunkKind",
    "MessageState",
    "SearchHit",
    "Session",
    "SessionSummary",
    "StoredMessage",
    "TitleSource",
)

MessageState = Literal["complete", "streaming", "stopped", "failed", "interrupted"]
"""``stopped``: by the user. ``interrupted``: the process that wrote it died."""
ChunkKind = Literal["text", "reasoning", "restart"]
"""Of a piece of a streaming answer; ``restart``: another route began to answer, so that what came
before does not count."""
TitleSource = Literal["words", "model", "user"]


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation.

    Attributes:
        id: 12 characters that sort by time of creation.
        title_source: the first words, a model, or the user.
        model: what the session was last told to use, or ``None`` for the default.
        leaf_id: the last message of the branch on screen, or ``None`` while it is empty.
    """

    id: str
    title: str
    title_source: TitleSource
    system_prompt: str | None
    model: str | None
    leaf_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One line of the session list.

    Attributes:
        message_count: messages in all branches.
        cost: US dollars of all its calls, estimates included.
        cost_is_partial: some call's price is unknown, or its tokens are an estimate.
    """

    id: str
    title: str
    model: str | None
    created_at: datetime
    updated_at: datetime
    message_count: int
    cost: Decimal
    cost_is_partial: bool


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message at its place in the tree.

    Attributes:
        parent_id: the message before it, or ``None`` for a first one.
        provider: who answered; ``None`` for messages that no model wrote.
        error: why it failed, where it did, as it was shown; ``error_type`` names its class.
        heard: of an answer that was cut off while it was read aloud, how many characters of its text
            the user heard; ``None`` for all of it.
        sibling_index: its place from 0 among the ``sibling_count`` alternatives (edits or
            regenerated answers) that follow the same message.
    """

    id: str
    session_id: str
    parent_id: str | None
    message: Message
    state: MessageState
    created_at: datetime
    finished_at: datetime | None = None
    provider: str | None = None
    model: str | None = None
    finish_reason: str | None = None
    error: str | None = None
    error_type: str | None = None
    heard: int | None = None
    sibling_index: int = 0
    sibling_count: int = 1


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One message that a search found.

    Attributes:
        snippet: one line around the first match, with dots where text was cut off.
        matches: (start, end) of each match in the snippet.
    """

    session_id: str
    session_title: str
    message_id: str
    role: str
    created_at: datetime
    snippet: str
    matches: tuple[tuple[int, int], ...]
