"""Long turns through the loop in virtual time: no word is lost, none is there twice, and the end is quick."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import TranscriptionFailed
from core.voice.events import Discarded, FinalText, Noticed, PartialText
from core.voice.transcription.transcriber import Hints, Transcript
from core.voice.turn_taking.policy import TurnPolicy
from tests.core.voice.stage import Stage, Transcriber
from tests.virtual_time import run_in_virtual_time

BREATHS = st.tuples(st.integers(1, 60), st.floats(0.05, 2.5))
"""Words in a row, and the pause after them."""

RESULTS = st.lists(st.tuples(st.floats(0.01, 25.0), st.booleans()), max_size=30)
"""How long a transcript takes, and whether it fails; the ones after that come soon."""

UNSURE = TurnPolicy(auto_send="never", patience=6.0)


class Unreliable(Transcriber):
    """Takes its time, and fails now and then until it is mended."""

    def __init__(self, stage: Stage, results: list[tuple[float, bool]] | None = None) -> None:
        super().__init__(stage.engine)
        self.results = list(results or [])
        self.recordings: list[tuple[float, float]] = []
        self.mended = False
        stage.transcriber = self
        stage.loop.use_transcriber(self)  # type: ignore[arg-type]

    async def transcribe(self, samples: Any, hints: Hints, *, purpose: str = "final") -> Transcript:
        self.delay, fails = self.results.pop(0) if self.results else (0.2, False)
        if purpose == "final":
            self.recordings.append(samples)
        self.failure = TranscriptionFailed("No.") if fails and not self.mended else None
        return await super().transcribe(samples, hints, purpose=purpose)


def say_all(stage: Stage, breaths: list[tuple[int, float]]) -> tuple[str, float]:
    """Say numbered words with pauses between; gives the words, and when the last is over."""
    words, after = [], 0.1
    for count, pause in breaths:
        breath = [f"w{len(words) + number}" for number in range(count)]
        words += breath
        said = stage.say(" ".join(breath), after=after, seconds=0.31 * count)
        after += said.end - said.start + pause
    return " ".join(words), said.end


async def dictate(stage: Stage, breaths: list[tuple[int, float]]) -> str:
    """Hold the key while saying this; gives the words."""
    stage.loop.talk_started()
    words, end = say_all(stage, breaths)
    await asyncio.sleep(end + 0.1 - stage.engine.now())
    stage.loop.talk_ended()
    return words


@settings(max_examples=30, deadline=None)
@given(st.lists(BREATHS, min_size=1, max_size=6), RESULTS)
def test_every_word_is_there_once_whatever_comes_of_the_stretches(
    breaths: list[tuple[int, float]], results: list[tuple[float, bool]]
) -> None:
    async def play() -> None:
        async with Stage(UNSURE) as stage:
            transcriber = Unreliable(stage, results)
            stage.loop.talk_started()
            words, end = say_all(stage, breaths)
            await asyncio.sleep(end - stage.engine.now())
            transcriber.mended = True  # the last one has nothing after it that could make good for it
            await asyncio.sleep(0.1)
            stage.loop.talk_ended()
            final = await stage.until(FinalText, within=1000)
            assert final.text == words

    run_in_virtual_time(play())


@settings(max_examples=20, deadline=None)
@given(st.lists(BREATHS, min_size=1, max_size=6), RESULTS)
def test_so_it_is_hands_free(breaths: list[tuple[int, float]], results: list[tuple[float, bool]]) -> None:
    async def play() -> None:
        async with Stage(UNSURE, hands_free=True) as stage:
            Unreliable(stage, [(delay / 4, False) for delay, _ in results])
            words, end = say_all(stage, breaths)
            await asyncio.sleep(end + 20 - stage.engine.now())
            assert " ".join(final.text for final in stage.told(FinalText)) == words

    run_in_virtual_time(play())


def test_the_last_stretch_is_all_that_is_left_at_the_end() -> None:
    async def play() -> None:
        async with Stage(UNSURE) as stage:
            transcriber = Unreliable(stage)
            words = await dictate(stage, [(30, 0.6)] * 8 + [(5, 0.0)])
            final = await stage.until(FinalText)
            assert final.text == words
            assert final.confidence == 0.95
            since, until = transcriber.recordings[-1]
            assert until - since < 5
            lengths = sum(until - since for since, until in transcriber.recordings)
            assert lengths < 90, "nothing is transcribed twice"

    run_in_virtual_time(play())


def test_what_is_kept_stays_in_the_text_that_is_shown() -> None:
    async def play() -> None:
        async with Stage(UNSURE) as stage:
            Unreliable(stage)
            words = await dictate(stage, [(30, 0.6), (30, 0.6), (10, 0.0)])
            await stage.until(FinalText)
            shown = [f"{event.stable} {event.tail}".strip() for event in stage.told(PartialText)]
            assert all(words.startswith(text) for text in shown)
            assert [len(text) for text in shown] == sorted(len(text) for text in shown)

    run_in_virtual_time(play())


def test_results_that_come_long_after_speech_has_gone_on_are_joined_in_order() -> None:
    async def play() -> None:
        async with Stage(UNSURE) as stage:
            Unreliable(stage, [(12.0, False), (15.0, False), (9.0, False)] * 50)
            words = await dictate(stage, [(30, 0.6)] * 6 + [(5, 0.0)])
            assert (await stage.until(FinalText, within=1000)).text == words

    run_in_virtual_time(play())


def test_a_stretch_that_fails_when_speech_has_gone_on_is_part_of_the_next_and_not_told() -> None:
    async def play() -> None:
        async with Stage(UNSURE) as stage:
            transcriber = Unreliable(stage)
            stage.loop.talk_started()
            words, end = say_all(stage, [(30, 0.6), (30, 0.6), (10, 0.0)])
            await asyncio.sleep(9.5)
            transcriber.results = [(2.0, True)] * 2
            await asyncio.sleep(end + 0.1 - stage.engine.now())
            stage.loop.talk_ended()
            assert (await stage.until(FinalText)).text == words
            assert not stage.told(Noticed)

    run_in_virtual_time(play())


def test_a_cancelled_dictation_leaves_nothing_for_the_next() -> None:
    async def play() -> None:
        async with Stage(UNSURE) as stage:
            Unreliable(stage)
            stage.loop.talk_started()
            say_all(stage, [(30, 0.6), (30, 0.6)])
            await asyncio.sleep(15)
            stage.loop.talk_cancelled()
            await stage.until(Discarded)
            stage.engine.said.clear()
            await asyncio.sleep(1)
            await stage.speak_with_key("Another thing.")
            assert (await stage.until(FinalText)).text == "Another thing."

    run_in_virtual_time(play())
