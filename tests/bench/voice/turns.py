"""Turns of a conversation: from the end of speech, or the key's release, to the first sound of the answer.

The simulator takes 100 ms to its first token. What transcribing takes depends on the machine and the model,
so it is told apart: the budgets are for the rest.
"""

from __future__ import annotations

import asyncio
import time

from core.voice.events import FinalText, FirstAudio, Interrupted, ReceiptReady
from tests.bench.voice.conversation import Conversation, converse, sentences, without_silence
from tests.bench.voice.figures import p50, p95, row
from tests.bench.voice.virtual_sound import virtual_sound
from tests.sound_server import Recording, SoundServer

ROUNDS = 4
RELEASE = 0.05
FIRST_WORDS = {"and": "and", "he": "he", "had": "had", "unless": "unless", "eight": ("eight", "8")}
ANSWER = "That is a good question. Let me think about it for a moment, and then I will say more."
LONG_ANSWER = "This is a long answer, which goes on and on. " * 12


async def keyed(
    talk: Conversation, sound: SoundServer, heard: Recording
) -> tuple[list[float], list[float], int]:
    """Turns with the key held: seconds from release to sound, those of transcription, first words lost."""
    whole, transcription, lost = [], [], 0
    for clip in sentences() * ROUNDS:
        spoken = sound.speak(without_silence(clip.samples()))
        talk.loop.talk_started()
        await asyncio.sleep(spoken.ends + RELEASE - time.monotonic())
        released = time.monotonic()
        talk.loop.talk_ended()
        _, final = await talk.first(FinalText, released)
        first_sound = await asyncio.to_thread(heard.wait_for_sound, released)
        await finished(talk, heard, released)
        whole.append(first_sound - released)
        transcription.append(talk.transcriber.took[-1])
        lost += not final.text.lower().startswith(FIRST_WORDS[clip.words.split()[0]])
    return whole, transcription, lost


async def hands_free(
    talk: Conversation, sound: SoundServer, heard: Recording
) -> tuple[list[float], list[float]]:
    """Turns without a key: seconds from the end of speech to sound, and transcription alone."""
    whole, transcription = [], []
    for clip in sentences() * ROUNDS:
        spoken = sound.speak(without_silence(clip.samples()))
        await asyncio.sleep(spoken.ends - time.monotonic())
        first_sound = await asyncio.to_thread(heard.wait_for_sound, spoken.ends)
        await finished(talk, heard, spoken.ends)
        whole.append(first_sound - spoken.ends)
        transcription.append(talk.transcriber.took[-1])
    return whole, transcription


async def finished(talk: Conversation, heard: Recording, since: float) -> None:
    """Cut the answer short, and wait until the turn is over."""
    await asyncio.sleep(0.3)
    talk.loop.stop()
    await talk.first(ReceiptReady, since)
    await asyncio.to_thread(heard.wait_for_silence)


async def interruptions(talk: Conversation, sound: SoundServer, heard: Recording) -> list[float]:
    """Seconds from the first sound of somebody who interrupts until the answer is silent."""
    took = []
    question, *others = sentences()
    for clip in others:
        spoken = sound.speak(without_silence(question.samples()))
        await asyncio.sleep(spoken.ends - time.monotonic())
        await asyncio.to_thread(heard.wait_for_sound, spoken.ends)
        await asyncio.sleep(2.5)
        over = sound.speak(without_silence(clip.samples()))
        cut_off, _ = await talk.first(Interrupted, over.began)
        took.append(cut_off - over.began)
        await talk.first(FirstAudio, cut_off)  # the answer to what was said over the other
        await finished(talk, heard, cut_off)
    return took


def tell(what: str, whole: list[float], transcription: list[float], budget: float) -> None:
    """Two lines for one kind of turn."""
    rest = [all_ - transcript for all_, transcript in zip(whole, transcription, strict=True)]
    row(f"{what}: all, p50", p50(whole) * 1000, "ms")
    row(f"{what}: all, p95", p95(whole) * 1000, "ms")
    row(f"{what}: transcription, p50", p50(transcription) * 1000, "ms")
    row(f"{what}: beyond transcription, p50", p50(rest) * 1000, "ms", budget)


async def measure(sound: SoundServer) -> None:
    """Print all figures."""
    with sound.record() as heard:
        async with converse(sound, mode="hold") as talk:
            talk.simulated.configure(first_token_ms=100, tokens_per_second=300, text=ANSWER)
            whole, transcription, lost = await keyed(talk, sound, heard)
            tell("key's release to sound", whole, transcription, 600)
            row("first words lost", lost, f"of {len(whole)}", 0)
        async with converse(sound, mode="hands_free") as talk:
            talk.simulated.configure(first_token_ms=100, tokens_per_second=300, text=ANSWER)
            tell("end of speech to sound, hands-free", *await hands_free(talk, sound, heard), 900)
            talk.simulated.configure(first_token_ms=100, tokens_per_second=300, text=LONG_ANSWER)
            took = await interruptions(talk, sound, heard)
            row("words over the answer to its end, p50", p50(took) * 1000, "ms")


def main() -> None:
    """Measure through a sound server of its own."""
    with virtual_sound() as sound:
        asyncio.run(measure(sound))


if __name__ == "__main__":
    main()
