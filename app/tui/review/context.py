"""What the views of the review read from, and where in the chat a cost came from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.signal import Signal

    from app.composition import Services
    from core.review.review import Review

__all__ = ("Place", "ReviewContext", "utc_now")


@dataclass(frozen=True, slots=True)
class Place:
    """A session, and one of its answers; ``None``: none in particular."""

    session_id: str
    message_id: str | None = None


def utc_now() -> datetime:
    """The time of this machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """What every view is handed.

    Attributes:
        services: the ledger, the catalogue and the settings.
        folder: where exports are written.
        show_in_chat: goes to a session or an answer; raises ``TensorWallError`` where it cannot.
        show_help: lists every key.
        session_id: of the session in the chat, whose budget is shown.
        settled: told when a turn has been booked.
        now: the time.
    """

    services: Services
    folder: Path
    show_in_chat: Callable[[Place], Awaitable[None]]
    show_help: Callable[[], Awaitable[None]]
    session_id: str | None = None
    settled: Signal[None] | None = None
    now: Callable[[], datetime] = utc_now

    async def review(self) -> Review:
        """The read side of the ledger.

        Raises:
            StorageError: or one of its kin, when the database cannot be opened.
        """
        return (await self.services.records()).review
