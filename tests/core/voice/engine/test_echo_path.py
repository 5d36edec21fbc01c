"""When the assistant can be heard in the microphone, and when there is nothing to cancel."""

from __future__ import annotations

import pytest

from core.voice.audio import SAMPLE_RATE
from core.voice.engine.echo_path import EchoPath

NOISE, SPEECH, ECHO = 1e-6, 1e-2, 1e-3
BLOCK = SAMPLE_RATE // 100


def hear(path: EchoPath, seconds: float, near: float, far: float) -> None:
    for _ in range(round(seconds * SAMPLE_RATE / BLOCK)):
        path.add(near, far, BLOCK)


@pytest.fixture
def quiet_room() -> EchoPath:
    path = EchoPath()
    hear(path, 3, NOISE, 0.0)
    return path


def test_it_may_be_heard_until_more_is_known(quiet_room: EchoPath) -> None:
    assert EchoPath().open
    assert quiet_room.open
    hear(quiet_room, 1, NOISE, SPEECH)
    assert quiet_room.open  # its echo may be on its way


def test_with_headphones_nothing_is_heard(quiet_room: EchoPath) -> None:
    hear(quiet_room, 3, NOISE, SPEECH)
    assert not quiet_room.open
    hear(quiet_room, 30, NOISE, 0.0)
    assert not quiet_room.open  # still known when it speaks next


def test_the_user_over_headphones_is_no_echo(quiet_room: EchoPath) -> None:
    hear(quiet_room, 3, NOISE, SPEECH)
    hear(quiet_room, 4, SPEECH, SPEECH)
    assert not quiet_room.open


@pytest.mark.parametrize("late", [0.02, 0.15, 0.5])
def test_from_a_speaker_it_is_heard(quiet_room: EchoPath, late: float) -> None:
    hear(quiet_room, late, NOISE, SPEECH)
    hear(quiet_room, 6, ECHO, SPEECH)
    assert quiet_room.open


def test_headphones_pulled_out(quiet_room: EchoPath) -> None:
    hear(quiet_room, 5, NOISE, SPEECH)
    assert not quiet_room.open
    hear(quiet_room, 10, ECHO, SPEECH)
    assert quiet_room.open


def test_another_speaker_may_be_heard_again(quiet_room: EchoPath) -> None:
    hear(quiet_room, 5, NOISE, SPEECH)
    quiet_room.forget()
    assert quiet_room.open


def test_without_a_silent_second_nothing_is_known() -> None:
    path = EchoPath()
    hear(path, 10, NOISE, SPEECH)
    assert path.open
