"""Speaking on with another voice where the preferred one fails, which is said and not for ever."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from core.errors import VoiceError
from core.voice.audio import PcmChunk
from core.voice.synthesis.synthesiser import Synthesiser, Voice

__all__ = ("SynthesiserLadder",)

_REST = 60.0


class SynthesiserLadder:
    """A `Synthesiser` of two: while the preferred one rests after a failure, the other speaks.

    A text whose sound has begun is never begun again by the other: its failure is the caller's to
    tell, and the text after it comes from the other.
    """

    def __init__(
        self,
        preferred: Synthesiser,
        other: Synthesiser,
        announce: Callable[[str, str], None],
        *,
        rest: float = _REST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is started.

        Args:
            preferred: speaks while it can.
            other: speaks otherwise.
            announce: told of each change, in one line and a hint, which may be empty.
            rest: seconds after which the preferred one is tried again.
            clock: seconds that only grow.
        """
        self._preferred = preferred
        self._other = other
        self._announce = announce
        self._rest = rest
        self._clock = clock
        self._rests_until: float | None = None

    @property
    def label(self) -> str:
        """Of the one that speaks now."""
        return (self._preferred if self._rests_until is None else self._other).label

    async def warm(self) -> None:
        """As `Synthesiser.warm`, of the preferred one or, where it cannot, of the other."""
        try:
            await self._preferred.warm()
        except VoiceError as error:
            self._fall_back(error)
            await self._other.warm()

    async def speak(self, text: str) -> AsyncGenerator[PcmChunk, None]:
        """As `Synthesiser.speak`."""
        if self._rests_until is None or self._clock() >= self._rests_until:
            begun = False
            try:
                async with aclosing(self._preferred.speak(text)) as sound:
                    async for chunk in sound:
                        begun = True
                        self._recover()
                        yield chunk
            except VoiceError as error:
                self._fall_back(error)
                if begun:
                    raise
            else:
                return
        async with aclosing(self._other.speak(text)) as sound:
            async for chunk in sound:
                yield chunk

    def _fall_back(self, error: VoiceError) -> None:
        first = self._rests_until is None
        self._rests_until = self._clock() + self._rest
        if first:
            self._announce(f"{error.message} {self._other.label} speaks instead.", error.hint)

    def _recover(self) -> None:
        if self._rests_until is not None:
            self._rests_until = None
            self._announce(f"{self._preferred.label} speaks again.", "")

    async def voices(self) -> Sequence[Voice]:
        """Those of the preferred one: it is whose voice the user chooses."""
        return await self._preferred.voices()

    async def aclose(self) -> None:
        """End both."""
        try:
            await self._preferred.aclose()
        finally:
            await self._other.aclose()
