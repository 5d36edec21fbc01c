"""The talk key: hold, tap, latch, and what goes wrong with keys."""

import itertools

import pytest

from core.voice.turn_taking.actions import Commit, Discard, Interrupt, Notice, SpeculateReply, Transcribe
from core.voice.turn_taking.messages import (
    AnswerEnded,
    AnswerHeard,
    CommitNow,
    HoldOpen,
    ListeningChanged,
    Muted,
    Stopped,
    TalkCancelled,
    TalkStarted,
)
from core.voice.turn_taking.policy import TurnPolicy
from tests.core.voice.turn_taking.conversation import Conversation


@pytest.fixture
def talk() -> Conversation:
    return Conversation()


def test_hold_speak_release_is_a_turn(talk):
    assert talk.state == "off"
    talk.press()
    assert talk.state == "recording"
    talk.speak(1, "What is a monad?")
    released = talk.now
    talk.release()
    assert talk.state == "recording"  # the last word may still sound
    talk.silence(0.15)
    assert talk.state == "transcribing"
    talk.silence(0.1)
    assert talk.state == "thinking"
    commit = talk.last(Commit)
    assert (commit.text, commit.send, commit.spoke_until) == ("What is a monad?", True, released)
    assert commit.decided - released <= 0.13
    talk.tell(AnswerHeard(talk.now))
    assert talk.state == "speaking"
    talk.tell(AnswerEnded(talk.now))
    assert talk.state == "ready"


def test_the_first_word_is_kept_although_the_key_came_late(talk):
    pressed = talk.now
    talk.press()
    talk.speak(1, "Hello.")
    talk.release()
    talk.silence(0.3)
    assert talk.last(Transcribe).since == pytest.approx(pressed - 0.3)


def test_the_last_word_is_kept_although_the_key_was_let_go_early(talk):
    talk.press()
    talk.speak(1, "Hello.")
    released = talk.now
    talk.release()
    talk.speak(0.5)
    final = [request for request in talk.of(Transcribe) if request.final][-1]
    assert final.until == pytest.approx(released + 0.25, abs=0.04)
    assert talk.last(Commit).decided == pytest.approx(released + 0.25, abs=0.04)


def test_without_frames_the_release_still_ends_it(talk):
    talk.hears = "Hello."
    talk.press()
    talk.wait(1)
    talk.release()
    talk.wait(1)
    assert talk.last(Commit).text == "Hello."


def test_silence_before_the_release_has_the_text_ready(talk):
    talk.press()
    talk.speak(1, "What time is it?")
    talk.silence(0.4)
    talk.release()
    assert talk.last(Commit).text == "What time is it?"
    assert len([request for request in talk.of(Transcribe) if request.final]) == 1


def test_a_pause_while_the_key_is_down_ends_nothing(talk):
    talk.press()
    talk.speak(1, "First.")
    talk.silence(10)
    assert talk.state == "recording"
    talk.speak(1, "First. Second.")
    talk.release()
    talk.silence(0.5)
    assert talk.last(Commit).text == "First. Second."
    assert not talk.of(SpeculateReply)


def test_partials_come_while_speaking_and_one_at_a_time(talk):
    talk.transcription = 1.5
    talk.press()
    talk.speak(6, "words")
    partials = [request for request in talk.of(Transcribe) if not request.final]
    assert len(partials) == 4
    assert all(late.until - early.until >= 1.5 for early, late in itertools.pairwise(partials))


def test_partials_can_be_left_out():
    talk = Conversation(TurnPolicy(partial_every=None))
    talk.press()
    talk.speak(3, "words")
    assert not talk.of(Transcribe)


def test_nothing_said_is_said(talk):
    talk.press()
    talk.silence(1)
    talk.release()
    talk.silence(0.1)
    assert talk.last(Discard).reason == "nothing was said"
    assert not talk.of(Transcribe)
    assert talk.state == "ready"


def test_an_empty_transcript_is_said(talk):
    talk.press()
    talk.speak(1, "  ")
    talk.release()
    talk.silence(0.5)
    assert talk.last(Discard).reason == "nothing was understood"
    assert talk.state == "ready"


def test_a_failed_transcription_loses_the_turn_and_the_next_works(talk):
    talk.hears = None
    talk.press()
    talk.speak(1)
    talk.release()
    talk.silence(0.5)
    assert "could not" in talk.last(Discard).reason
    talk.press()
    talk.speak(1, "Again.")
    talk.release()
    talk.silence(0.5)
    assert talk.last(Commit).text == "Again."


def test_an_early_transcript_that_failed_is_tried_again(talk):
    talk.hears = None
    talk.press()
    talk.speak(1)
    talk.silence(1)
    talk.hears = "Works now."
    talk.release()
    talk.silence(0.2)
    assert talk.last(Commit).text == "Works now."


@pytest.mark.parametrize(
    ("auto_send", "held", "sent"),
    [
        ("hold", True, True),
        ("hold", False, False),
        ("always", True, True),
        ("always", False, True),
        ("never", True, False),
        ("never", False, False),
    ],
)
def test_the_setting_says_what_is_sent(auto_send, held, sent):
    talk = Conversation(TurnPolicy(auto_send=auto_send))
    talk.press()
    talk.speak(1, "Hello.")
    talk.release(held=held)
    talk.silence(0.5)
    assert talk.last(Commit).send is sent
    assert talk.state == ("thinking" if sent else "ready")


def test_enter_ends_and_sends(talk):
    talk.press()
    talk.speak(1, "Go.")
    talk.tell(CommitNow(talk.now))
    assert talk.state == "transcribing"
    talk.wait(0.2)
    assert talk.last(Commit).send
    talk.release()  # the key, which was still down
    assert talk.state == "thinking"


@pytest.mark.parametrize("message", [Stopped, TalkCancelled])
def test_escape_forgets_the_recording(talk, message):
    talk.press()
    talk.speak(1, "Secret.")
    talk.tell(message(talk.now))
    assert talk.last(Discard).reason == ""
    talk.silence(3)
    assert talk.state == "ready"
    assert not talk.of(Commit)


def test_escape_gives_up_a_transcription(talk):
    talk.transcription = 5
    talk.press()
    talk.speak(1, "Slow.")
    talk.release()
    talk.silence(1)
    assert talk.state == "transcribing"
    talk.tell(Stopped(talk.now))
    talk.silence(6)
    assert talk.state == "ready"
    assert not talk.of(Commit)


def test_a_key_held_for_minutes_ends_at_the_cap_and_waits_in_the_composer(talk):
    talk.press()
    talk.speak(130, "A long story.")
    assert talk.last(Commit).text == "A long story."
    assert not talk.last(Commit).send
    assert "120 seconds" in talk.last(Notice).text
    talk.release()
    assert talk.state == "ready"


def test_the_key_bounces(talk):
    talk.press()
    talk.speak(1, "One sentence in two halves.")
    talk.release()
    talk.press()
    talk.speak(1)
    talk.release()
    talk.silence(0.5)
    assert len(talk.of(Commit)) == 1
    assert not talk.of(Discard)


def test_pressing_again_while_it_is_transcribed_goes_on_with_the_turn(talk):
    talk.transcription = 2
    talk.press()
    since = talk.now - 0.3
    talk.speak(1, "First.")
    talk.release()
    talk.silence(0.5)
    talk.press()
    assert talk.state == "recording"
    talk.speak(1, "First. And second.")
    talk.release()
    talk.silence(4)
    assert [commit.text for commit in talk.of(Commit)] == ["First. And second."]
    assert talk.last(Transcribe).since == pytest.approx(since)


def test_a_tap_while_it_is_transcribed_loses_nothing(talk):
    talk.transcription = 2
    talk.press()
    talk.speak(1, "First.")
    talk.release()
    talk.silence(0.5)
    talk.press()
    talk.silence(0.1)
    talk.tell(TalkCancelled(talk.now))
    assert talk.state == "transcribing"
    talk.silence(4)
    assert [(commit.text, commit.send) for commit in talk.of(Commit)] == [("First.", True)]


def test_the_key_stops_the_answer_at_once(talk):
    talk.press()
    talk.speak(1, "Tell me a story.")
    talk.release()
    talk.silence(0.5)
    talk.tell(AnswerHeard(talk.now))
    actions = talk.tell(TalkStarted(talk.now))
    assert actions[0] == Interrupt("key")
    assert talk.state == "recording"


@pytest.mark.parametrize("spoken", [False, True])
def test_escape_stops_the_answer(talk, spoken):
    talk.press()
    talk.speak(1, "Tell me a story.")
    talk.release()
    talk.silence(0.5)
    if spoken:
        talk.tell(AnswerHeard(talk.now))
    talk.tell(Stopped(talk.now))
    assert talk.last(Interrupt) == Interrupt("key")
    assert talk.state == "ready"


def test_speech_does_not_interrupt_who_talks_by_key(talk):
    talk.tell(AnswerHeard(talk.now))
    talk.speak(2, "This is not meant for you.")
    assert talk.state == "speaking"
    assert not talk.of(Transcribe)


def test_a_muted_microphone_records_nothing(talk):
    talk.tell(Muted(talk.now, muted=True))
    talk.press()
    assert talk.state == "muted"
    assert "muted" in talk.last(Notice).text
    talk.speak(1, "Secret.")
    talk.release()
    assert not talk.of(Transcribe)
    talk.tell(Muted(talk.now, muted=False))
    assert talk.state == "off"


def test_muting_forgets_what_is_recorded_but_not_what_was_said(talk):
    talk.transcription = 1
    talk.press()
    talk.speak(1, "Said.")
    talk.release()
    talk.silence(0.5)
    talk.tell(Muted(talk.now, muted=True))
    talk.wait(2)
    assert talk.last(Commit).text == "Said."
    talk.tell(AnswerEnded(talk.now))
    assert talk.state == "muted"
    talk.tell(Muted(talk.now, muted=False))
    talk.press()
    talk.speak(1, "Not said.")
    talk.tell(Muted(talk.now, muted=True))
    assert talk.state == "muted"
    assert talk.of(Discard)


def test_more_time_is_nothing_to_a_key_that_is_down(talk):
    talk.press()
    talk.speak(1, "Hello.")
    talk.tell(HoldOpen(talk.now))
    talk.release()
    talk.silence(0.5)
    assert talk.last(Commit).text == "Hello."


def test_an_answer_that_begins_while_one_speaks_is_stopped(talk):
    talk.press()
    talk.speak(1, "Hello.")
    talk.tell(AnswerHeard(talk.now))
    assert talk.last(Interrupt) == Interrupt("key")
    assert talk.state == "recording"


def test_the_key_takes_over_a_hands_free_turn():
    talk = Conversation().hands_free()
    talk.speak(1, "Let me see")
    talk.press()
    talk.silence(5)
    assert talk.state == "recording"
    talk.speak(1, "Let me see whether this works.")
    talk.release()
    talk.silence(0.5)
    assert [commit.text for commit in talk.of(Commit)] == ["Let me see whether this works."]


def test_a_tap_in_a_hands_free_turn_changes_nothing():
    talk = Conversation().hands_free()
    talk.speak(1, "Let me see.")
    talk.press()
    talk.tell(TalkCancelled(talk.now))
    talk.speak(0.5)
    talk.silence(2)
    assert [commit.text for commit in talk.of(Commit)] == ["Let me see."]


def test_hands_free_can_be_switched_while_the_key_is_down(talk):
    talk.press()
    talk.speak(1, "Hello.")
    talk.tell(ListeningChanged(talk.now, hands_free=True))
    talk.silence(3)
    assert talk.state == "recording"
    talk.tell(ListeningChanged(talk.now, hands_free=False))
    talk.release()
    talk.silence(0.5)
    assert talk.last(Commit).text == "Hello."


def test_a_key_pressed_after_the_cap_does_not_lose_the_recording(talk):
    talk.transcription = 10
    talk.press()
    talk.speak(121, "A long story.")
    assert talk.state == "transcribing"
    talk.release()
    talk.press()
    assert "still" in talk.last(Notice).text
    talk.tell(TalkCancelled(talk.now))
    talk.wait(30)
    assert talk.last(Commit).text == "A long story."
