"""Conversations: sessions, their messages as a tree, search and export.

Importing this is cheap: `Conversations` itself, which needs SQLAlchemy, is imported when asked for.
"""

from typing import TYPE_CHECKING

from core.conversations.stored import (
    MessageState,
    SearchHit,
    Session,
    SessionSummary,
    StoredMessage,
    TitleSource,
)
from core.conversations.titles import title_from

if TYPE_CHECKING:
    from core.conversations.conversations import Conversations

__all__ = (
    "Conversations",
    "MessageState",
    "SearchHit",
    "Session",
    "SessionSummary",
    "StoredMessage",
    "TitleSource",
    "title_from",
)


def __getattr__(name: str) -> object:
    if name == "Conversations":
        from core.conversations.conversations import Conversations

        return Conversations
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
