"""Which conversations a route has read lately: providers keep what they have read, and read on faster."""

from __future__ import annotations

from core.chat import ChatRequest

__all__ = ("ReadPrompts", "conversation_of")

_KEPT = 7_200.0
"""Seconds for which Groq keeps a prompt that is not used (https://console.groq.com/docs/prompt-caching)."""
_MOST = 256
"""Conversations that are remembered."""


def conversation_of(request: ChatRequest) -> int:
    """Tells a conversation from others: by all up to its first question, which each of its requests has."""
    beginning: list[tuple[str, str]] = []
    for message in request.messages:
        beginning.append((message.role, message.text))
        if message.role == "user":
            break
    return hash(tuple(beginning))


class ReadPrompts:
    """The tokens of each conversation that a route has read; ``now`` is monotonic seconds."""

    __slots__ = ("_read",)

    def __init__(self) -> None:
        self._read: dict[int, tuple[int, float]] = {}

    def add(self, conversation: int, tokens: int, now: float) -> None:
        """A prompt of so many tokens was read."""
        self._read.pop(conversation, None)
        self._read[conversation] = (tokens, now)
        if len(self._read) > _MOST:
            del self._read[next(iter(self._read))]  # the one that was read longest ago

    def tokens(self, conversation: int, now: float) -> int:
        """How many tokens of it the provider may still have."""
        tokens, at = self._read.get(conversation, (0, 0.0))
        return tokens if now - at <= _KEPT else 0
