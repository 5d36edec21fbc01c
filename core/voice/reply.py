"""What the loop asks for an answer: handed to it by the application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Protocol

from core.chat import Event
from core.voice.receipt import Receipt

__all__ = ("Replier", "Reply")


class Reply(Protocol):
    """One answer on its way."""

    def __aiter__(self) -> AsyncIterator[Event]:
        """The events of the answer; a stream that fails raises one of ``core.errors``."""

    async def keep(self) -> None:
        """The question was meant: show and store it; may be called again.

        Not called for a reply that is thrown away.
        """

    async def heard(self, characters: int | None) -> None:
        """The user heard this much of the answer's text; ``None``: all of it."""

    async def book(self, receipt: Receipt) -> None:
        """What the turn took, once it is known; only for a reply that was kept."""

    async def aclose(self) -> None:
        """Stop; what has arrived of a kept reply stays."""

    @property
    def cost(self) -> Decimal | None:
        """US dollars spent on it, once it is over; ``None`` where the price is unknown."""


class Replier(Protocol):
    """Makes replies; a callable ``reply(text) -> Reply`` does."""

    def __call__(self, text: str) -> Reply:
        """A reply whose request leaves when it is first iterated, unseen and unstored until `keep`."""
