"""What the routes' screen reads from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.tui.review.context import utc_now
from app.tui.routes.answers import Answer

if TYPE_CHECKING:
    from textual.signal import Signal

    from app.composition import Services
    from core.chat import ChatRequest, Decision

__all__ = ("RoutesContext",)


@dataclass(frozen=True, slots=True)
class RoutesContext:
    """What is handed to the screen.

    Attributes:
        services: the router and the ledger.
        upcoming: the request that would be sent next.
        answers: those on screen, the oldest first.
        decisions: what the router has decided for an answer, while it is known.
        show_help: lists every key.
        settled: told when a turn has been booked.
        now: the time.
    """

    services: Services
    upcoming: Callable[[], Awaitable[ChatRequest]]
    answers: Callable[[], Sequence[Answer]]
    decisions: Callable[[str], Sequence[Decision]]
    show_help: Callable[[], Awaitable[None]]
    settled: Signal[None] | None = None
    now: Callable[[], datetime] = utc_now
