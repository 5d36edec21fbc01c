"""Voices of a service."""

from __future__ import annotations

import io
import wave
from contextlib import aclosing

import pytest

from core.errors import RateLimited, SynthesisFailed
from core.voice.audio import PcmChunk
from core.voice.synthesis.cloud import CloudSynthesiser


class Service:
    """Sounds a tenth of a second a character, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, text: str, voice: str) -> bytes:
        self.asked.append((text, voice))
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(8000)
            writer.writeframes(bytes(1600 * len(text)))
        return file.getvalue()


async def spoken(synthesiser: CloudSynthesiser, text: str) -> list[PcmChunk]:
    async with aclosing(synthesiser.speak(text)) as sound:
        return [chunk async for chunk in sound]


async def test_a_text_is_asked_for_once_in_the_voice_that_is_set() -> None:
    service = Service()
    synthesiser = CloudSynthesiser(service, voice="hannah", label="Groq")
    await synthesiser.warm()
    [chunk] = await spoken(synthesiser, "Hello there.")
    synthesiser.voice = "troy"
    await spoken(synthesiser, "Bye.")
    assert service.asked == [("Hello there.", "hannah"), ("Bye.", "troy")]
    assert synthesiser.label == "Groq troy"
    assert [(mark.start, mark.end) for mark in chunk.marks] == [(0, 5), (6, 12)]


async def test_a_text_beyond_the_limit_is_asked_for_in_portions_with_marks_that_go_on() -> None:
    service = Service()
    synthesiser = CloudSynthesiser(service, voice="hannah", label="Groq", longest=20)
    text = "It is the first one. It is the second one."
    chunks = await spoken(synthesiser, text)
    assert "".join(asked for asked, _ in service.asked) == text
    assert all(len(asked) <= 20 for asked, _ in service.asked)
    marks = [mark for chunk in chunks for mark in chunk.marks]
    assert [text[mark.start : mark.end] for mark in marks] == text.split()
    assert [mark.at for mark in marks] == sorted(mark.at for mark in marks)
    assert chunks[1].marks[0].at == pytest.approx(chunks[0].seconds)


async def test_portions_that_nobody_waits_for_are_not_paid_for() -> None:
    service = Service()
    async with aclosing(
        CloudSynthesiser(service, voice="hannah", label="Groq", longest=10).speak("word " * 20)
    ) as s:
        await anext(s)
    assert len(service.asked) == 1


@pytest.mark.parametrize("text", ["", " \n ", "\x00"])
async def test_nothing_to_say_costs_nothing(text: str) -> None:
    service = Service()
    assert await spoken(CloudSynthesiser(service, voice="hannah", label="Groq"), text) == []
    assert service.asked == []


async def test_a_failure_of_the_service_is_a_failure_of_speech_with_its_hint() -> None:
    async def refuse(_text: str, _voice: str) -> bytes:
        raise RateLimited("Too many requests.", hint="Wait a minute.", provider="groq")

    with pytest.raises(SynthesisFailed, match="Groq did not speak: Too many requests") as failed:
        await spoken(CloudSynthesiser(refuse, voice="hannah", label="Groq"), "Hello")
    assert failed.value.hint == "Wait a minute."


async def test_what_is_no_sound_is_a_failure() -> None:
    async def page(_text: str, _voice: str) -> bytes:
        return b"<html>"

    with pytest.raises(SynthesisFailed, match="no speech"):
        await spoken(CloudSynthesiser(page, voice="hannah", label="Groq"), "Hello")
