"""What the model called in a turn, put into words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.call_words import call_in_words, decoded, one_line_of
from core.chat.events import ToolFinished, ToolStarted

if TYPE_CHECKING:
    from core.chat.events import Event

__all__ = ("ToolUse", "ToolUses")

_LONGEST_RESULT = 100


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call that has ended.

    Attributes:
        arguments: as the model wrote them: decoded where they are JSON, else the text.
        seconds: it took.
    """

    name: str
    arguments: object
    result: str
    seconds: float
    failed: bool

    def __str__(self) -> str:
        from app.figures import duration

        sign = "failed:" if self.failed else "→"
        call = call_in_words(self.name, json.dumps(self.arguments, ensure_ascii=False))
        return f"{call} {sign} {one_line_of(self.result, _LONGEST_RESULT)} · {duration(self.seconds)}"


class ToolUses:
    """Puts a turn's events of tools together.

    Attributes:
        ended: the calls that have ended, in that order.
    """

    def __init__(self) -> None:
        self.ended: list[ToolUse] = []
        self._started: dict[str, ToolStarted] = {}

    @property
    def running(self) -> list[str]:
        """The names of the tools that run."""
        return [event.name for event in self._started.values()]

    def take_running(self) -> list[ToolStarted]:
        """Those that run; they are taken to have been stopped."""
        running = list(self._started.values())
        self._started.clear()
        return running

    def take(self, event: Event) -> ToolUse | None:
        """Take in an event; the call that it ends, if it ends one."""
        if isinstance(event, ToolStarted):
            self._started[event.message_id] = event
        elif isinstance(event, ToolFinished):
            started = self._started.pop(event.message_id)
            arguments = decoded(started.arguments)
            use = ToolUse(started.name, arguments, event.result, event.seconds, event.failed)
            self.ended.append(use)
            return use
        return None
