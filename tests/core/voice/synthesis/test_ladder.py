"""Speaking on with another voice where the preferred one fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from core.errors import SynthesisFailed, VoiceUnavailable
from core.voice.audio import PcmChunk
from core.voice.synthesis.ladder import SynthesiserLadder
from core.voice.synthesis.synthesiser import Voice


class Scripted:
    """Gives two pieces of sound a text; fails before the one it is told to."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.fails_before: int | None = None
        self.closed = 0
        self.texts: list[str] = []

    async def warm(self) -> None:
        if self.fails_before == 0:
            raise VoiceUnavailable(f"{self.label} is away.", hint="Call it.")

    async def speak(self, text: str) -> AsyncGenerator[PcmChunk, None]:
        self.texts.append(text)
        for number in range(2):
            if number == self.fails_before:
                raise SynthesisFailed(f"{self.label} is away.", hint="Call it.")
            yield PcmChunk(bytes([number]), 8000)

    async def voices(self) -> Sequence[Voice]:
        return [Voice(self.label, self.label)]

    async def aclose(self) -> None:
        self.closed += 1


class Ladder:
    """A ladder of two with its announcements and its time."""

    def __init__(self) -> None:
        self.cloud, self.local = Scripted("Groq"), Scripted("eSpeak")
        self.said: list[tuple[str, str]] = []
        self.now = 0.0
        self.ladder = SynthesiserLadder(
            self.cloud, self.local, lambda *said: self.said.append(said), rest=60, clock=lambda: self.now
        )

    async def speak(self, text: str) -> int:
        async with aclosing(self.ladder.speak(text)) as sound:
            return len([chunk async for chunk in sound])


async def test_the_preferred_one_speaks_while_it_can() -> None:
    two = Ladder()
    await two.ladder.warm()
    assert await two.speak("one") == 2
    assert (two.cloud.texts, two.local.texts, two.said) == (["one"], [], [])
    assert two.ladder.label == "Groq"
    assert [voice.id for voice in await two.ladder.voices()] == ["Groq"]


async def test_what_it_cannot_speak_the_other_does_and_it_is_said_once() -> None:
    two = Ladder()
    two.cloud.fails_before = 0
    assert [await two.speak(text) for text in ("one", "two")] == [2, 2]
    assert two.local.texts == ["one", "two"]
    assert two.cloud.texts == ["one"]
    assert two.said == [("Groq is away. eSpeak speaks instead.", "Call it.")]
    assert two.ladder.label == "eSpeak"


async def test_after_a_rest_the_preferred_one_is_tried_again_and_that_is_said_too() -> None:
    two = Ladder()
    two.cloud.fails_before = 0
    await two.speak("one")
    two.now = 60
    await two.speak("two")
    assert two.cloud.texts == ["one", "two"]
    two.cloud.fails_before = None
    two.now = 119
    await two.speak("three")
    two.now = 120
    await two.speak("four")
    assert two.cloud.texts == ["one", "two", "four"]
    assert [text for text, _ in two.said] == ["Groq is away. eSpeak speaks instead.", "Groq speaks again."]
    assert two.ladder.label == "Groq"


async def test_a_text_that_began_to_sound_is_not_begun_again() -> None:
    two = Ladder()
    two.cloud.fails_before = 1
    with pytest.raises(SynthesisFailed):
        await two.speak("one")
    assert two.local.texts == []
    assert await two.speak("two") == 2
    assert two.local.texts == ["two"]


async def test_warming_takes_the_other_where_the_preferred_one_is_missing() -> None:
    two = Ladder()
    two.cloud.fails_before = 0
    await two.ladder.warm()
    assert two.ladder.label == "eSpeak"
    two.local.fails_before = 0
    with pytest.raises(VoiceUnavailable, match="eSpeak is away"):
        await two.ladder.warm()


async def test_both_are_closed() -> None:
    two = Ladder()
    await two.ladder.aclose()
    assert (two.cloud.closed, two.local.closed) == (1, 1)
