"""What the keyboard tells beyond a press."""

from __future__ import annotations

from textual import events
from textual.message import Message

__all__ = ("KeyReleased", "KeyRepeated", "KeyboardReported", "bare_key")

_EVENT_TYPES = 2


class KeyRepeated(events.Key):
    """A key that is still held; whoever does not care handles it as one more press."""

    def copy(self) -> KeyRepeated:
        """A copy that is still known to be a repeat."""
        return KeyRepeated(self.key, self.character)


KeyRepeated.handler_name = events.Key.handler_name  # handlers of keys get it


class KeyReleased(events.InputEvent):
    """A key came up.

    Attributes:
        key: its name without modifiers: those may be up already, and say nothing about this key.
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class KeyboardReported(Message, bubble=False):
    """The terminal answered which parts of the kitty keyboard protocol are in force.

    Terminals without the protocol never answer.
    """

    key = ""  # Textual's parser asks for it

    def __init__(self, flags: int) -> None:
        super().__init__()
        self.releases = bool(flags & _EVENT_TYPES)
        """Whether key releases are reported."""


def bare_key(key: str) -> str:
    """A key's name without modifiers: ``space`` of ``ctrl+space``."""
    return key.rpartition("+")[2] or key
