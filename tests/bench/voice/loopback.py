"""The assistant speaks for five minutes into its own microphone, and must not take itself for the user.

Its sound is mixed into the microphone 10 dB softer and 150 ms late, as by a laptop's own speaker; nobody else
says anything. Hands-free, so that any speech that is believed would begin a turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from importlib.resources import files

from core.chat import Event, TextDelta
from core.voice.events import Answered, Discarded, FinalText, Interrupted, PartialText
from core.voice.receipt import Receipt
from tests.bench.voice.conversation import Conversation, converse
from tests.bench.voice.figures import row
from tests.bench.voice.virtual_sound import virtual_sound
from tests.sound_server import SoundServer

SECONDS = 300.0
TURN = (PartialText, FinalText, Interrupted, Discarded)


class Story:
    """An answer to something typed: all of the demo's texts."""

    cost = Decimal(0)

    async def __aiter__(self) -> AsyncIterator[Event]:
        for name in ("story", "tour", "long", "about", "hello"):
            yield TextDelta(files("assets").joinpath("demo", f"{name}.md").read_text("utf-8") + "\n\n")

    async def keep(self) -> None:
        """Not called for it."""

    async def heard(self, characters: int | None) -> None:
        """Nobody wants to know."""

    async def book(self, receipt: Receipt) -> None:
        """Nobody wants to know."""

    async def aclose(self) -> None:
        """Nothing is open."""


async def speak(talk: Conversation, seconds: float) -> float:
    """Read the story aloud, again and again; how long it really spoke."""
    began = time.monotonic()
    spoke = 0.0
    while (left := began + seconds - time.monotonic()) > 0:
        since = time.monotonic()
        talk.loop.read_aloud(Story())
        try:
            async with asyncio.timeout(left):
                await talk.first(Answered, since)
        except TimeoutError:
            talk.loop.stop()
        spoke += time.monotonic() - since
    return spoke


async def measure(sound: SoundServer) -> None:
    """Print all figures, and what was taken for speech."""
    async with converse(sound, mode="hands_free") as talk:
        talk.loop.set_hands_free(True)
        with sound.echo(gain=-10, delay=0.15):
            spoke = await speak(talk, SECONDS)
        began = {event.turn for _, event in talk.told if isinstance(event, TURN)}
        for at, event in talk.told:
            if isinstance(event, TURN):
                print(f"  {at:.1f} {event}")
    row("seconds it spoke", spoke, "s")
    row("turns that its own voice began", len(began), "", 0)


def main() -> None:
    """Measure through a sound server of its own."""
    with virtual_sound() as sound:
        asyncio.run(measure(sound))


if __name__ == "__main__":
    main()
