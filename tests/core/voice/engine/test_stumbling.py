"""Streams that stumble: callbacks that come late, a speaker that ran dry, a microphone that lost samples."""

from __future__ import annotations

import numpy as np
import pytest

from core.voice.activity import SileroActivity
from core.voice.audio import FRAME_SECONDS, SAMPLE_RATE, Frame
from core.voice.engine.echo import CancelEcho, LetEchoIn
from core.voice.engine.events import ClauseStarted
from tests.core.voice.engine.room import Room
from tests.core.voice.engine.spoken import ANSWER, QUESTION, spoken

_SPEECH = 0.5
_HOLD_OFF = 2.5


def _room(monkeypatch: pytest.MonkeyPatch, **options: object) -> Room:
    return Room(monkeypatch, CancelEcho(), SileroActivity(), **options)  # type: ignore[arg-type]


def _voiced(frames: list[Frame]) -> list[float]:
    return [frame.at for frame in frames if frame.speech > _SPEECH]


@pytest.mark.parametrize("buffered", [2, 10])
@pytest.mark.parametrize("stall", [0.05, 0.15, 0.5])
def test_its_own_voice_is_no_speech_however_often_the_speaker_runs_dry(
    monkeypatch: pytest.MonkeyPatch, buffered: int, stall: float
) -> None:
    room = _room(monkeypatch, buffered=buffered)
    room.say(1, spoken(ANSWER))
    for pause in (3.0, 0.4, 0.7, 1.0):
        room.run(pause)
        room.run(stall, stalled=True)
    room.run(1.0)
    assert room.speaker.xruns == (4 if stall > buffered / 100 else 0)
    assert _voiced(room.frames) == []


def test_the_user_is_heard_over_the_assistant_a_moment_after_it_ran_dry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = _room(monkeypatch)
    for tag in (1, 2):
        room.say(tag, spoken(ANSWER))
    room.run(4.0)
    room.run(0.2, stalled=True)
    room.run(_HOLD_OFF)
    spoke = room.now
    room.run(2.0, user=spoken(QUESTION))
    assert len(_voiced([frame for frame in room.frames if frame.at > spoke])) * FRAME_SECONDS > 1


@pytest.mark.parametrize("waits", [False, True])
def test_late_callbacks_that_lose_nothing_cost_no_trust(monkeypatch: pytest.MonkeyPatch, waits: bool) -> None:
    room = _room(monkeypatch, buffered=12, waits=waits)
    for tag in (1, 2):
        room.say(tag, spoken(ANSWER))
    room.run(4.0)
    spoke = room.now
    question = spoken(QUESTION)
    for begin in range(0, 2 * SAMPLE_RATE, SAMPLE_RATE // 2):
        room.run(0.08, stalled=True, user=question[begin : begin + 8 * SAMPLE_RATE // 100])
        room.run(0.42, user=question[begin + 8 * SAMPLE_RATE // 100 : begin + SAMPLE_RATE // 2])
    assert room.speaker.xruns == 0
    assert len(_voiced([frame for frame in room.frames if frame.at > spoke])) * FRAME_SECONDS > 1


def test_the_next_answer_need_not_be_learned_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    room = _room(monkeypatch)
    room.say(1, spoken(ANSWER))
    room.run(12.0)
    room.say(2, spoken(ANSWER))
    room.run(0.3)
    spoke = room.now
    room.run(1.5, user=spoken(QUESTION))
    assert _voiced(room.frames)[0] - spoke < 0.6


def _click(at: float, seconds: float) -> np.ndarray:
    sound = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    sound[round(at * SAMPLE_RATE) :][:80] = 0.5
    return sound


def _heard_at(room: Room, since: float) -> float:
    found = np.abs(room.kept.between(since, room.now))
    assert found.max() > 0.1
    return since + int(np.argmax(found > 0.1)) / SAMPLE_RATE


def _deaf(frame: object) -> float:
    return 0.0


@pytest.mark.parametrize("waits", [False, True])
def test_sound_that_came_late_is_kept_whole_and_at_its_time(
    monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    room = Room(monkeypatch, LetEchoIn(), _deaf, waits=waits)
    room.run(1.0)
    began = room.now
    steady = np.full(SAMPLE_RATE, 0.05, np.float32)
    room.run(0.3, user=steady)
    room.run(0.3, user=steady, stalled=True)
    room.run(0.3, user=steady)
    found = room.kept.between(began + 0.02, began + 0.88)
    assert np.abs(found).min() > 0.04, "a hole was torn where nothing was lost"


@pytest.mark.parametrize("after", [0.05, 0.3])
def test_what_is_heard_after_lost_samples_has_its_time_at_once(
    monkeypatch: pytest.MonkeyPatch, after: float
) -> None:
    room = Room(monkeypatch, LetEchoIn(), _deaf, held=10)
    room.run(1.0)
    room.run(0.5, stalled=True)
    began = room.now
    room.run(0.5, user=_click(after, 0.5))
    assert room.microphone.xruns == 1
    assert _heard_at(room, began) == pytest.approx(began + after, abs=0.011)


def test_the_position_stands_still_while_the_speaker_is_dry(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch, LetEchoIn(), _deaf)
    room.say(1, np.full(3 * SAMPLE_RATE, 0.1, np.float32))
    room.run(1.0)
    room.run(0.5, stalled=True)
    room.run(1.0)
    (started,) = room.playback.reached(room.now)
    assert isinstance(started, ClauseStarted)
    position = room.playback.position(room.now)
    assert position is not None
    assert position.seconds == pytest.approx(room.now - started.at - 0.5 + 0.03, abs=0.021)


def test_a_clause_is_not_heard_before_it_was_there_though_the_device_stood_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = _room(monkeypatch, tells=False)
    room.run(0.5)
    room.now += 1.8  # it asks for nothing meanwhile
    said = room.now
    room.say(1, spoken(ANSWER))
    room.run(0.3)
    (started,) = (event for event in room.playback.reached(room.now) if isinstance(event, ClauseStarted))
    assert said <= started.at <= said + 0.2
