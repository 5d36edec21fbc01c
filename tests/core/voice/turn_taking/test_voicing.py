"""Speech or silence, from frame to frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.audio import FRAME_SECONDS
from core.voice.turn_taking.policy import TurnPolicy
from core.voice.turn_taking.voicing import Voicing


def heard(*speech: float) -> Voicing:
    voicing = Voicing(TurnPolicy())
    for place, probability in enumerate(speech, start=1):
        voicing.hear(place * FRAME_SECONDS, probability)
    return voicing


def test_a_voice_that_trails_off_goes_on():
    assert heard(0.1, 0.4).run == 0
    assert heard(0.9, 0.4, 0.4).run == 3
    assert heard(0.9, 0.3).run == 0


def test_a_single_frame_is_a_click():
    voicing = heard(0.0, 0.9, 0.0)
    assert not voicing.speaking
    assert voicing.silence == float("inf")


def test_onset_is_where_the_first_frame_begins():
    assert heard(0.0, 0.9, 0.9).onset == pytest.approx(FRAME_SECONDS)


def test_silence_is_counted_from_the_last_speech():
    assert heard(0.9, 0.9, 0.0, 0.0, 0.0).silence == pytest.approx(3 * FRAME_SECONDS)


def test_what_is_being_said_can_be_ignored_until_a_pause():
    voicing = heard(0.9, 0.9, 0.9)
    voicing.ignore_until_pause()
    at = voicing.heard_until
    for speech in [0.9] * 10 + [0.4] * 3 + [0.0] * 6 + [0.9]:
        at += FRAME_SECONDS
        voicing.hear(at, speech)
        assert not voicing.speaking
    for _ in range(8):
        at += FRAME_SECONDS
        voicing.hear(at, 0.0)
    for _ in range(2):
        at += FRAME_SECONDS
        voicing.hear(at, 0.9)
    assert voicing.speaking


@given(st.lists(st.floats(0, 1)))
def test_runs_and_silence_never_contradict_each_other(speech):
    voicing = heard(*speech)
    assert voicing.silence >= 0
    assert voicing.spoke_until <= voicing.heard_until
    if voicing.speaking:
        assert voicing.silence == 0
