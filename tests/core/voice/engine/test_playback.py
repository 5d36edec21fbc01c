"""Clauses queued, played and accounted for, with a callback driven by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.audio import PcmChunk
from core.voice.engine.events import ClauseEnded, ClauseStarted, Position
from core.voice.engine.playback import Playback

RATE = 48_000
BLOCK = 480
LATENCY = 0.03


class Device:
    """Takes a block every 10 ms of its own time."""

    def __init__(self, playback: Playback, rate: int = RATE) -> None:
        self.now = 0.0
        self.events: list[ClauseStarted | ClauseEnded] = []
        self.played = np.zeros(0, np.float32)
        self._playback = playback
        self._block = rate // 100
        self._feed = playback.feed_for(rate, self._block)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 100)):
            self._playback.fill()
            out = np.zeros(self._block, np.float32)
            first = self._feed.cursor
            if count := self._feed.take(out):
                self._playback.taken.append((first, count, self.now + LATENCY))
            self.played = np.concatenate((self.played, out))
            self.now += 0.01
            self.events += self._playback.reached(self.now)


def _chunk(seconds: float, rate: int = RATE, value: int = 8_000) -> PcmChunk:
    return PcmChunk(np.full(round(seconds * rate), value, "<i2").tobytes(), rate)


def _say(playback: Playback, tag: int, *chunks: PcmChunk) -> None:
    for chunk in chunks:
        playback.play(tag, chunk)
    playback.end(tag)


def test_clauses_follow_without_a_gap_and_are_told_when_heard() -> None:
    playback = Playback(1.0)
    device = Device(playback)
    _say(playback, 1, _chunk(0.5))
    _say(playback, 2, _chunk(0.2), _chunk(0.3))
    device.run(1.5)
    assert np.flatnonzero(device.played).tolist() == list(range(RATE))
    assert [(type(event), event.tag) for event in device.events] == [
        (ClauseStarted, 1), (ClauseEnded, 1), (ClauseStarted, 2), (ClauseEnded, 2),
    ]  # fmt: skip
    assert [event.at for event in device.events] == pytest.approx(
        [LATENCY, 0.5 + LATENCY, 0.5 + LATENCY, 1 + LATENCY], abs=0.001
    )
    assert not playback.busy


def test_a_clause_that_is_not_complete_keeps_the_next_one_waiting() -> None:
    playback = Playback(1.0)
    device = Device(playback)
    playback.play(1, _chunk(0.1))
    _say(playback, 2, _chunk(0.1))
    device.run(0.5)
    assert [event.tag for event in device.events] == [1]
    playback.end(1)
    device.run(0.5)
    assert [(type(event), event.tag) for event in device.events[1:]] == [
        (ClauseEnded, 1), (ClauseStarted, 2), (ClauseEnded, 2),
    ]  # fmt: skip


def test_the_position_is_what_is_heard_not_what_was_handed_over() -> None:
    playback = Playback(1.0)
    device = Device(playback)
    assert playback.position(device.now) is None
    _say(playback, 7, _chunk(0.4))
    device.run(0.2)
    found = playback.position(device.now)
    assert found is not None
    assert found.tag == 7
    assert found.seconds == pytest.approx(0.2 - LATENCY, abs=0.001)
    device.run(1.0)
    assert playback.position(device.now) == Position(7, pytest.approx(0.4))
    playback.stop()
    assert playback.position(device.now) is None


def test_stopping_forgets_everything_and_the_next_clause_is_whole() -> None:
    playback = Playback(1.0)
    device = Device(playback)
    _say(playback, 1, _chunk(5.0))
    _say(playback, 2, _chunk(5.0))
    device.run(0.3)
    playback.stop()
    assert not playback.busy
    before = len(device.played)
    device.run(0.1)
    assert not device.played[before + RATE // 200 :].any()
    _say(playback, 3, _chunk(0.2))
    device.run(0.5)
    assert [event.tag for event in device.events] == [1, 3, 3]
    assert np.count_nonzero(device.played[before + BLOCK :]) == round(0.2 * RATE)


def test_a_clause_without_a_sound_ends_in_its_turn() -> None:
    playback = Playback(1.0)
    device = Device(playback)
    playback.end(1)
    _say(playback, 2, _chunk(0.1))
    playback.end(3)
    device.run(0.3)
    assert [(type(event), event.tag) for event in device.events] == [
        (ClauseEnded, 1), (ClauseStarted, 2), (ClauseEnded, 2), (ClauseEnded, 3),
    ]  # fmt: skip
    playback.stop()
    playback.end(4)
    device.run(0.1)
    assert device.events[-1].tag == 4


def test_another_speaker_goes_on_at_its_own_rate() -> None:
    playback = Playback(1.0)
    _say(playback, 1, _chunk(1.0, 22_050), _chunk(1.0, 22_050))
    first = Device(playback)
    first.run(0.5)
    second = Device(playback, 44_100)
    second.run(2.0)
    assert [type(event) for event in (*first.events, *second.events)] == [ClauseStarted, ClauseEnded]
    assert np.count_nonzero(second.played) == pytest.approx(1.5 * 44_100, rel=0.05)
    same = Device(playback, 44_100)
    _say(playback, 2, _chunk(0.1))
    same.run(0.3)
    assert [event.tag for event in same.events] == [2, 2]


def test_volume_and_ducking_multiply() -> None:
    playback = Playback(1.0)
    device = Device(playback)
    _say(playback, 1, _chunk(2.0))
    device.run(0.1)
    playback.volume = 0.5
    playback.duck(ducked=True)
    device.run(0.1)
    assert device.played[-1] == pytest.approx(0.1 * 8_000 / 32_768, rel=0.01)
    playback.duck(ducked=False)
    device.run(0.1)
    assert device.played[-1] == pytest.approx(0.5 * 8_000 / 32_768, rel=0.01)
    playback.volume = 3.0
    assert playback.volume == 1.0


_CHUNKS = st.tuples(st.integers(0, 3_000), st.sampled_from([8_000, 22_050, 24_000, RATE]))


@given(st.lists(st.lists(_CHUNKS, max_size=8), max_size=4))
def test_any_chunks_at_any_rate_sound_as_long_as_they_are(clauses: list[list[tuple[int, int]]]) -> None:
    playback = Playback(1.0)
    device = Device(playback)
    for tag, chunks in enumerate(clauses):
        _say(playback, tag, *(_chunk(count / rate, rate) for count, rate in chunks))
    seconds = sum(count / rate for chunks in clauses for count, rate in chunks)
    device.run(seconds + 0.2)
    assert not playback.busy
    ended = [event.tag for event in device.events if isinstance(event, ClauseEnded)]
    assert ended == list(range(len(clauses)))
    assert [event.at for event in device.events] == sorted(event.at for event in device.events)
    if seconds:
        assert device.events[-1].at == pytest.approx(seconds + LATENCY, abs=0.011)
