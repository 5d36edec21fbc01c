"""Long dictations with the key held: from its release to the text, however long it was held.

Sentences are read one after the other with pauses of different lengths between them. What waits for the
key's release must not grow with the recording.
"""

from __future__ import annotations

import asyncio
import itertools
import time

import numpy as np

from core.voice.audio import Samples
from core.voice.events import FinalText
from tests.bench.voice.conversation import Conversation, converse, sentences, without_silence
from tests.bench.voice.figures import row
from tests.bench.voice.virtual_sound import virtual_sound
from tests.bench.voice.word_errors import word_errors
from tests.sound_server import RATE, SoundServer

LENGTHS = (15, 60, 100)
PAUSES = (0.3, 0.6, 0.45, 1.0, 0.2)
BUDGET = 3.0


def dictation(seconds: float) -> tuple[Samples, str]:
    """Speech of about this length, and its words."""
    parts, words, length = [], [], 0.0
    for clip, pause in zip(itertools.cycle(sentences()), itertools.cycle(PAUSES)):
        spoken = without_silence(clip.samples())
        length += len(spoken) / RATE
        if words and length > seconds:
            break
        parts += [spoken, np.zeros(int(pause * RATE), np.float32)]
        words.append(clip.words)
        length += pause
    return np.concatenate(parts[:-1]), " ".join(words)


async def dictate(talk: Conversation, sound: SoundServer, seconds: float) -> None:
    """Hold the key for one dictation, and print what came of it."""
    samples, words = dictation(seconds)
    spoken = sound.speak(samples)
    talk.loop.talk_started()
    await asyncio.sleep(spoken.ends + 0.05 - time.monotonic())
    released = time.monotonic()
    talk.loop.talk_ended()
    at, final = await talk.first(FinalText, released)
    length = len(samples) / RATE
    row(f"dictation of {length:.0f} s: release to text", at - released, "s", BUDGET)
    wrong = 100 * word_errors(words, final.text) / len(words.split())
    row(f"dictation of {length:.0f} s: word error rate", wrong, "%")
    await asyncio.sleep(1)


async def measure(sound: SoundServer) -> None:
    """Print all figures."""
    async with converse(sound, mode="hold", transcriber="local", auto_send="never") as talk:
        for seconds in LENGTHS:
            await dictate(talk, sound, seconds)


def main() -> None:
    """Measure through a sound server of its own."""
    with virtual_sound() as sound:
        asyncio.run(measure(sound))


if __name__ == "__main__":
    main()
