"""What a conversation is given to answer, and what it asks of the screen it plays on."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from core.assistant import Turn
    from core.chat import Event, Part, ToolCall
    from core.errors import TensorWallError

__all__ = ("Leave", "Prompt", "Stage")

Leave = Literal["once", "always", "no"]
"""What the user says to a call: yes, yes to all of this tool in this session, or no."""


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

    async def may_call(self, call: ToolCall) -> Leave:
        """Ask the user whether a call with an effect may run."""

    def report(self, error: TensorWallError) -> None:
        """Tell an error that belongs to no answer."""

    def read_aloud(self, turn: Turn) -> AsyncIterable[Event]:
        """The events of a typed question's answer, after having them read aloud where that is wanted."""
