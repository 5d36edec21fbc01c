"""What a conversation is given to answer, and what it asks of the screen it plays on."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from core.assistant import Turn
    from core.chat import Event, Part
    from core.errors import TensorWallError

__all__ = ("Prompt", "Stage")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the user sent: as typed, and with its attachments."""

    typed: str
    content: str | list[Part]


class Stage(Protocol):
    """What a conversation asks of the screen it plays on."""

    def changed(self) -> None:
        """Title, queue, model or state is another one now."""

    def left(self) -> None:
        """Another session or branch is shown from now on."""

    def give_back(self, typed: str) -> None:
        """Put a prompt that was not answered back into the composer."""

    def report(self, error: TensorWallError) -> None:
        """Tell an error that belongs to no answer."""

    def read_aloud(self, turn: Turn) -> AsyncIterable[Event]:
        """The events of a typed question's answer, after having them read aloud where that is wanted."""
