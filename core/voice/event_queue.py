"""What the voice loop tells, waiting for the one who shows it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Self

from core.voice.events import LevelChanged, VoiceEvent

__all__ = ("EventQueue",)


class EventQueue:
    """Events in order, for one consumer that iterates; whoever tells never waits."""

    def __init__(self) -> None:
        self._events: deque[VoiceEvent] = deque()
        self._news = asyncio.Event()
        self._closed = False

    def put(self, event: VoiceEvent) -> None:
        """Tell something; of loudness that nobody has looked at yet, only the latest is kept."""
        if isinstance(event, LevelChanged) and self._events and isinstance(self._events[-1], LevelChanged):
            self._events.pop()
        self._events.append(event)
        self._news.set()

    def close(self) -> None:
        """Nothing more will be told: iterating ends after what waits."""
        self._closed = True
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> VoiceEvent:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()
