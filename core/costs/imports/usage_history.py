"""What every importer gives: the calls of another program's history, whatever that stores them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from core.chat import CallOutcome, Usage
from core.safe_text import safe_text

__all__ = ("LABELS", "ImportKind", "ImportedCall", "SkippedRow", "UsageHistory", "session_title")

ImportKind = Literal["llm", "litellm"]
LABELS: Mapping[ImportKind, str] = {"llm": "llm", "litellm": "LiteLLM"}
"""What people call them."""
_TITLE_LIMIT = 60


@dataclass(frozen=True, slots=True)
class ImportedCall:
    """One call that another program made; times in seconds, money in US dollars.

    Attributes:
        source_id: what that program calls it; the same each time it is read.
        name: the model as that program was asked for it.
        provider: as that program names it; empty where it does not.
        model: what answered; empty where it is not told apart from ``name``.
        address: the base URL that was called; empty where it is not told.
        cost: as that program reckoned it; ``None``: from the catalogue's price.
        session: what that program calls the conversation; ``None`` outside of any.
        title: of that conversation.
        request_id: the provider's own id of the call.
    """

    source_id: str
    name: str
    provider: str
    model: str
    started_at: datetime
    usage: Usage
    address: str = ""
    cost: Decimal | None = None
    session: str | None = None
    title: str = ""
    feature: str = "chat"
    outcome: CallOutcome = "answered"
    first_content: float | None = None
    duration: float | None = None
    error: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that says nothing the ledger could keep.

    Attributes:
        place: such as ``line 12``.
        reason: one phrase, the same for all rows of the kind.
    """

    place: str
    reason: str


class UsageHistory(Protocol):
    """A history that is open; iterating reads on, in bounded memory."""

    kind: ImportKind

    def __iter__(self) -> Iterator[ImportedCall | SkippedRow]:
        """Its calls.

        Raises:
            InputError: what comes next cannot be read.
        """

    def rows(self, read: int) -> int:
        """How many rows it has, after so many; an estimate where they cannot be counted beforehand."""

    def close(self) -> None:
        """Close it; safe to call twice."""


def session_title(text: str) -> str:
    """The first words of a text, on one line of at most 60 characters."""
    title = " ".join(safe_text(text).split())
    return title if len(title) <= _TITLE_LIMIT else f"{title[: _TITLE_LIMIT - 1].rstrip()}…"
