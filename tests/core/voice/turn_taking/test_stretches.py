"""Long turns are transcribed stretch by stretch while they are spoken."""

import itertools

import pytest

from core.voice.turn_taking.actions import Commit, KeepStretch, Transcribe
from core.voice.turn_taking.messages import TalkCancelled
from core.voice.turn_taking.policy import TurnPolicy
from tests.core.voice.turn_taking.conversation import Conversation


@pytest.fixture(params=["key", "hands-free"])
def talk(request):
    talk = Conversation(TurnPolicy(patience=6.0), hears="One thing and")
    if request.param == "key":
        talk.press()
    else:
        talk.hands_free()
    return talk


def kept_until(talk: Conversation) -> list[float]:
    """Where the recordings end whose transcripts are kept."""
    ends, final = [], None
    for _, action in talk.log:
        if isinstance(action, Transcribe) and action.final:
            final = action
        elif isinstance(action, KeepStretch):
            assert (action.turn, action.revision) == (final.turn, final.revision)
            ends.append(final.until)
    return ends


def test_a_pause_after_enough_speech_keeps_what_was_understood_when_speech_goes_on(talk):
    talk.speak(9)
    spoke_until = talk.now
    talk.silence(0.6)
    assert not talk.of(KeepStretch)
    talk.speak(0.2)
    (until,) = kept_until(talk)
    assert spoke_until < until < spoke_until + 0.3


@pytest.mark.parametrize(("spoken", "pause"), [(5, 0.8), (9, 0.3), (14, 0.16)])
def test_a_short_stretch_or_a_short_pause_is_not_worth_it(talk, spoken, pause):
    talk.speak(spoken)
    talk.silence(pause)
    talk.speak(0.2)
    assert not talk.of(KeepStretch)


def test_the_longer_a_stretch_the_shorter_a_pause_ends_it(talk):
    talk.speak(14)
    talk.silence(0.3)
    talk.speak(0.2)
    assert talk.of(KeepStretch)


def test_speech_without_a_pause_is_cut_where_it_is_quietest(talk):
    talk.speak(15)
    talk.frames(0.064, 0.4)
    quietest = talk.now
    talk.speak(10)
    assert kept_until(talk) == [pytest.approx(quietest, abs=0.04)]
    talk.speak(80)
    ends = kept_until(talk)
    assert len(ends) >= 4
    assert all(8 <= late - early <= 20.1 for early, late in itertools.pairwise(ends))


def test_a_failed_transcript_is_not_kept(talk):
    talk.hears = None
    talk.speak(9)
    talk.silence(0.6)
    talk.speak(0.2)
    assert not talk.of(KeepStretch)
    talk.hears = "One thing and"
    talk.speak(1)
    talk.silence(0.6)
    talk.speak(0.2)
    assert talk.of(KeepStretch)


def test_a_long_dictation_leaves_little_for_its_end():
    talk = Conversation(hears="A long dictation.")
    talk.press()
    for _ in range(40):
        talk.speak(1)
        talk.silence(0.5)
    talk.speak(1)
    talk.release()
    talk.silence(0.5)
    assert talk.last(Commit).text == "A long dictation."
    final = [request for request in talk.of(Transcribe) if request.final][-1]
    assert final.until - kept_until(talk)[-1] <= 11


def test_where_every_transcript_costs_none_is_asked_for_to_be_kept():
    talk = Conversation(TurnPolicy(early_transcripts=False, partial_every=None), hears="A long dictation.")
    talk.press()
    for _ in range(10):
        talk.speak(9)
        talk.silence(0.6)
    talk.release()
    talk.silence(0.5)
    assert len(talk.of(Transcribe)) == 1
    assert not talk.of(KeepStretch)


def test_silence_with_the_key_down_is_no_stretch():
    talk = Conversation(hears="One thing and")
    talk.press()
    talk.silence(20)
    talk.speak(1)
    talk.silence(0.6)
    talk.speak(1)
    assert not talk.of(KeepStretch)


def test_a_cancelled_turn_keeps_nothing(talk):
    talk.speak(9)
    talk.silence(0.6)
    talk.tell(TalkCancelled(talk.now))
    talk.silence(1)
    talk.speak(1)
    assert not talk.of(KeepStretch)
