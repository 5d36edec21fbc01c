from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pytest

from core.errors import SpeechModelUnusable, TranscriptionFailed, VoiceError
from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.transcription.ladder import LONG_REST, REST, TranscriberLadder
from core.voice.transcription.transcriber import Hints, Purpose, Transcript

TWO_SECONDS = np.zeros(2 * SAMPLE_RATE, np.float32)


@dataclass
class Scripted:
    """A transcriber that does as it is told."""

    label: str
    took: float = 0.2
    error: VoiceError | None = None
    asked: list[Purpose] = field(default_factory=list)
    bills: bool = False
    closed: bool = False

    async def warm(self) -> None:
        if self.error:
            raise self.error

    async def transcribe(self, samples: Samples, hints: Hints, *, purpose: Purpose = "final") -> Transcript:
        self.asked.append(purpose)
        if self.error:
            raise self.error
        seconds = len(samples) / SAMPLE_RATE
        return Transcript(self.label, "en", 0.9, seconds, self.took, self.label, "m", cost=Decimal(0))

    async def aclose(self) -> None:
        self.closed = True


class Rig:
    def __init__(self) -> None:
        self.local = Scripted("Whisper base, here")
        self.cloud = Scripted("Groq turbo", bills=True)
        self.told: list[tuple[str, str]] = []
        self.now = 0.0
        self.ladder = TranscriberLadder(
            self.local, self.cloud, lambda text, hint: self.told.append((text, hint)), clock=lambda: self.now
        )

    async def hear(self, purpose: Purpose = "final", samples: Samples = TWO_SECONDS) -> str:
        return (await self.ladder.transcribe(samples, Hints(), purpose=purpose)).text


MISSING = SpeechModelUnusable("The speech model base is not on this machine.", hint="Run setup.")


async def test_this_machine_listens_and_nothing_is_said() -> None:
    rig = Rig()
    await rig.ladder.warm()
    assert await rig.hear() == rig.ladder.label == "Whisper base, here"
    assert rig.told == rig.cloud.asked == []


async def test_missing_weights_bring_in_the_service_announced_once() -> None:
    rig = Rig()
    rig.local.error = MISSING
    await rig.ladder.warm()
    assert [await rig.hear() for _ in range(3)] == ["Groq turbo"] * 3
    assert rig.ladder.label == "Groq turbo"
    assert rig.local.asked == []
    (told,) = rig.told
    assert told == (f"{MISSING.message} Groq turbo listens instead, which costs.", "Run setup.")


async def test_weights_that_come_later_are_used() -> None:
    rig = Rig()
    rig.local.error = MISSING
    await rig.hear()
    rig.now = REST + 1
    await rig.hear()  # still missing: looked for, and nothing more said
    assert len(rig.told) == 1
    rig.local.error = None
    rig.now = 3 * REST
    assert await rig.hear() == "Whisper base, here"
    assert rig.told[-1] == ("Whisper base, here listens again.", "")


async def test_a_machine_that_is_too_slow_rests() -> None:
    rig = Rig()
    rig.local.took = 5.0
    assert await rig.hear() == "Whisper base, here"
    assert rig.told == []  # once is chance
    await rig.hear("partial")
    await rig.hear(samples=TWO_SECONDS[:1000])
    await rig.hear()
    assert await rig.hear() == "Groq turbo"
    text, hint = rig.told[0]
    assert text.startswith("Whisper base, here took 5.0 s for 2.0 s of speech.")
    assert "smaller model" in hint
    rig.now = LONG_REST + 1
    rig.local.took = 0.5
    assert await rig.hear() == "Whisper base, here"
    assert rig.told[-1][0] == "Whisper base, here listens again."


async def test_slow_is_better_than_nothing() -> None:
    rig = Rig()
    rig.local.took = 5.0
    await rig.hear()
    await rig.hear()
    rig.cloud.error = TranscriptionFailed("Groq did not transcribe: no network.")
    assert await rig.hear() == "Whisper base, here"
    assert rig.told[-1][0] == "Groq did not transcribe: no network. Whisper base, here listens instead."


async def test_a_service_that_failed_is_not_asked_again_soon_because_this_machine_is_slow() -> None:
    rig = Rig()
    rig.local.took = 5.0
    rig.cloud.error = TranscriptionFailed("Groq did not transcribe: no network.")
    for _ in range(9):
        assert await rig.hear() == "Whisper base, here"
    assert len(rig.cloud.asked) == 1
    assert len(rig.told) == 2
    rig.now = LONG_REST + 1
    rig.cloud.error = None
    await rig.hear()
    assert await rig.hear() == "Groq turbo"


async def test_it_says_whether_recordings_cost_by_the_time_a_change_is_told() -> None:
    billed: list[bool] = []
    rig = Rig()
    rig.ladder = TranscriberLadder(
        rig.local, rig.cloud, lambda *_: billed.append(rig.ladder.bills), clock=lambda: rig.now
    )
    assert not rig.ladder.bills
    rig.local.error = MISSING
    await rig.hear()
    rig.local.error = None
    rig.now = REST + 1
    await rig.hear()
    rig.local.took = 5.0
    await rig.hear()
    await rig.hear()
    assert billed == [True, False, True]


async def test_a_change_to_the_service_is_told_before_a_recording_leaves() -> None:
    rig = Rig()
    rig.local.error = MISSING
    asked: list[int] = []
    rig.ladder = TranscriberLadder(
        rig.local, rig.cloud, lambda *_: asked.append(len(rig.cloud.asked)), clock=lambda: rig.now
    )
    await rig.hear()
    assert asked == [0]


async def test_where_neither_can_the_services_error_is_told() -> None:
    rig = Rig()
    rig.local.error = MISSING
    rig.cloud.error = TranscriptionFailed("Groq did not transcribe: no network.")
    with pytest.raises(TranscriptionFailed, match="no network"):
        await rig.hear()


async def test_a_recording_that_fails_here_is_not_sent_away() -> None:
    rig = Rig()
    rig.local.error = TranscriptionFailed("Whisper does not know the language xx.")
    with pytest.raises(TranscriptionFailed, match="language xx"):
        await rig.hear()
    assert rig.cloud.asked == []


async def test_both_are_closed() -> None:
    rig = Rig()
    await rig.ladder.aclose()
    assert rig.local.closed
    assert rig.cloud.closed
