"""Turns that begin with a voice and end with silence."""

from dataclasses import replace

import pytest

from core.voice.turn_taking.actions import (
    Commit,
    Discard,
    DropSpeculation,
    Notice,
    Show,
    SpeculateReply,
    Transcribe,
)
from core.voice.turn_taking.messages import (
    AnswerEnded,
    AnswerHeard,
    CommitNow,
    HoldOpen,
    ListeningChanged,
    Muted,
    Stopped,
)
from core.voice.turn_taking.policy import TurnPolicy
from tests.core.voice.turn_taking.conversation import SPEECH, Conversation


@pytest.fixture
def talk() -> Conversation:
    return Conversation().hands_free()


def answered(talk: Conversation, seconds: float = 1.0) -> None:
    talk.tell(AnswerHeard(talk.now))
    talk.silence(seconds)
    talk.tell(AnswerEnded(talk.now))


def test_a_question_ends_at_the_first_pause(talk):
    onset = talk.now
    talk.speak(1, "What time is it?")
    spoke_until = talk.now
    talk.silence(0.3)
    commit = talk.last(Commit)
    assert commit.send
    assert commit.spoke_until == pytest.approx(spoke_until)
    assert 0.2 <= commit.decided - spoke_until <= 0.24
    assert talk.last(Transcribe).since == pytest.approx(onset - 0.8)
    assert talk.state == "thinking"


def test_a_sentence_waits_a_little_and_an_unfinished_one_the_whole_patience(talk):
    talk.speak(1, "I like tea.")
    begun = talk.now
    talk.silence(2)
    assert talk.when(Commit) - begun == pytest.approx(0.25 * 1.5, abs=0.04)
    answered(talk)
    talk.speak(1, "I like tea and")
    begun = talk.now
    talk.silence(0.3)
    assert talk.state == "closing"
    assert talk.last(Show).closes_at == pytest.approx(begun + 1.5)
    talk.silence(2)
    assert talk.when(Commit) - begun == pytest.approx(1.5, abs=0.04)


def test_patience_is_one_knob():
    talk = Conversation(TurnPolicy(patience=4)).hands_free()
    talk.speak(1, "I like tea and")
    begun = talk.now
    talk.silence(5)
    assert talk.when(Commit) - begun == pytest.approx(4, abs=0.04)


def test_the_transcript_is_begun_before_the_turn_is_over(talk):
    talk.speak(1, "What time is it?")
    begun = talk.now
    talk.silence(0.16)
    final = talk.last(Transcribe)
    assert final.final
    assert final.until - begun <= 0.13
    talk.silence(1)
    assert len([request for request in talk.of(Transcribe) if request.final]) == 1


def test_speech_that_goes_on_makes_the_first_transcript_stale(talk):
    talk.transcription = 0.5
    talk.speak(1, "I want")
    talk.silence(0.3)
    assert talk.state == "closing"
    talk.speak(1)
    assert talk.state == "recording"
    talk.hears = "I want a pony."
    talk.silence(2)
    commit = talk.last(Commit)
    assert (commit.text, commit.revision) == ("I want a pony.", 1)
    assert len(talk.of(Commit)) == 1
    assert not talk.of(Discard)


def test_a_slow_transcriber_does_not_end_the_turn_of_who_speaks_on(talk):
    talk.transcription = 4
    talk.speak(1, "I want")
    talk.silence(2)
    assert talk.state == "transcribing"
    talk.speak(1, "I want a pony.")
    assert talk.state == "recording"
    talk.silence(7)
    assert [commit.text for commit in talk.of(Commit)] == ["I want a pony."]


def test_a_click_in_the_countdown_does_not_hold_the_turn_open(talk):
    talk.speak(1, "I like tea and")
    begun = talk.now
    talk.silence(0.5)
    talk.frames(0.032, SPEECH)
    assert talk.state == "closing"
    talk.silence(2)
    assert talk.when(Commit) - begun == pytest.approx(1.5, abs=0.1)


def test_a_cough_is_no_turn(talk):
    talk.speak(0.16, "Thank you.")
    talk.silence(1)
    assert talk.last(Discard).reason == ""
    assert not talk.of(Transcribe)
    assert talk.state == "listening"


def test_clicks_are_not_even_that(talk):
    for _ in range(20):
        talk.frames(0.064, SPEECH)
        talk.silence(0.1)
    assert talk.state == "listening"
    assert not talk.of(Discard)


def test_an_um_is_not_sent(talk):
    talk.speak(0.5, "Um...")
    talk.silence(3)
    assert talk.last(Discard).reason == ""


def test_sound_is_never_used_twice(talk):
    talk.speak(1, "What time is it?")
    talk.silence(0.3)
    first = talk.last(Transcribe)
    answered(talk, 0.1)
    talk.speak(1, "And where am I?")
    talk.silence(0.3)
    assert talk.last(Transcribe).turn == 2
    assert talk.last(Transcribe).since >= first.until


def test_the_countdown_shrinks_when_the_words_are_known(talk):
    talk.transcription = 0.5
    talk.speak(1, "I like tea.")
    begun = talk.now
    talk.silence(0.3)
    assert talk.last(Show).closes_at == pytest.approx(begun + 1.5)
    talk.silence(0.5)
    assert talk.when(Commit) - begun == pytest.approx(0.128 + 0.5, abs=0.04)


def test_enter_ends_the_countdown(talk):
    talk.speak(1, "I like tea and")
    talk.silence(0.5)
    talk.tell(CommitNow(talk.now))
    assert talk.last(Commit).text == "I like tea and"
    assert talk.state == "thinking"


def test_held_open_there_is_no_countdown(talk):
    talk.speak(1, "I like tea and")
    talk.silence(0.5)
    talk.tell(HoldOpen(talk.now))
    assert talk.last(Show) == Show("closing", None)
    talk.silence(20)
    assert talk.state == "closing"
    talk.speak(1, "I like tea and biscuits.")
    assert talk.state == "recording"
    talk.silence(2)
    assert talk.last(Commit).text == "I like tea and biscuits."


def test_held_open_enter_still_ends_it(talk):
    talk.speak(1, "I like tea")
    talk.tell(HoldOpen(talk.now))
    talk.silence(20)
    talk.tell(CommitNow(talk.now))
    assert talk.last(Commit).text == "I like tea"


def test_more_time_may_be_asked_for_while_the_text_is_on_its_way(talk):
    talk.transcription = 3
    talk.speak(1, "I like tea")
    talk.silence(1.8)
    assert talk.state == "transcribing"
    talk.tell(HoldOpen(talk.now))
    talk.silence(20)
    assert talk.state == "closing"
    talk.tell(CommitNow(talk.now))
    assert talk.last(Commit).text == "I like tea"


def test_the_answer_is_asked_for_while_the_countdown_runs(talk):
    talk.speak(1, "I like tea.")
    talk.silence(0.3)
    assert talk.last(SpeculateReply).text == "I like tea."
    talk.silence(1)
    assert talk.last(Commit).text == "I like tea."
    assert not talk.of(DropSpeculation)


def test_an_early_reply_is_dropped_when_speech_goes_on(talk):
    talk.speak(1, "I like tea.")
    talk.silence(0.3)
    speculated = talk.last(SpeculateReply)
    talk.speak(1, "I like tea. And coffee.")
    assert talk.last(DropSpeculation).turn == speculated.turn
    talk.silence(1)
    assert talk.last(SpeculateReply).revision > speculated.revision


def test_there_is_no_early_reply_to_an_unfinished_sentence(talk):
    talk.speak(1, "I like tea and")
    talk.silence(1)
    assert not talk.of(SpeculateReply)


def test_early_replies_are_counted(talk):
    for _ in range(6):
        talk.speak(1, "I like tea.")
        talk.silence(0.3)
    assert len(talk.of(SpeculateReply)) == 3


@pytest.mark.parametrize("policy", [TurnPolicy(speculate=False), TurnPolicy(auto_send="never")])
def test_early_replies_can_be_switched_off(policy):
    talk = Conversation(policy).hands_free()
    talk.speak(1, "I like tea.")
    talk.silence(3)
    assert talk.of(Commit)
    assert not talk.of(SpeculateReply)


def test_escape_forgets_what_is_being_said_until_there_is_a_pause(talk):
    talk.speak(1, "Secret")
    talk.tell(Stopped(talk.now))
    assert talk.state == "listening"
    talk.speak(2, "Secret words")
    assert talk.state == "listening"
    talk.silence(0.5)
    talk.speak(1, "What time is it?")
    talk.silence(1)
    assert [commit.text for commit in talk.of(Commit)] == ["What time is it?"]


def test_the_cap_sends_what_was_said_and_goes_on_with_the_rest(talk):
    talk.transcription = 0.5
    talk.speak(121, "A long story.")
    assert talk.last(Commit).text == "A long story."
    assert talk.last(Commit).send
    assert "120 seconds" in talk.last(Notice).text


@pytest.mark.parametrize(
    "message", [lambda now: ListeningChanged(now, hands_free=False), lambda now: Muted(now, muted=True)]
)
def test_switching_off_forgets_the_turn(talk, message):
    talk.speak(1, "Secret")
    talk.tell(message(talk.now))
    talk.silence(3)
    assert talk.last(Discard).reason == ""
    assert not talk.of(Commit)
    assert talk.state in ("ready", "muted")


def test_muted_hands_free_hears_nothing_and_goes_on_afterwards(talk):
    talk.tell(Muted(talk.now, muted=True))
    talk.speak(3, "Secret")
    assert talk.state == "muted"
    talk.tell(Muted(talk.now, muted=False))
    assert talk.state == "listening"
    talk.speak(1, "What time is it?")
    talk.silence(1)
    assert talk.last(Commit).text == "What time is it?"


def test_turns_that_are_all_alike_pause_hands_free(talk):
    for _ in range(3):
        talk.speak(1, "Is there anything else?")
        talk.silence(1)
        talk.tell(AnswerEnded(talk.now))
    assert [commit.send for commit in talk.of(Commit)] == [True, True, False]
    assert "paused" in talk.last(Notice).text
    assert talk.state == "ready"
    assert not talk.machine.hands_free


def test_a_question_may_be_answered_in_its_own_words(talk):
    talk.tell(AnswerHeard(talk.now))
    talk.machine.spoken("Would you like red wine, or white wine?")
    talk.silence(1.5)
    talk.tell(AnswerEnded(talk.now))
    talk.silence(0.6)
    talk.speak(0.7, "White wine.")
    talk.silence(1)
    assert talk.last(Commit).text == "White wine."


def test_a_failed_transcription_says_so(talk):
    talk.hears = None
    talk.speak(1)
    talk.silence(3)
    assert "could not" in talk.last(Discard).reason
    assert talk.state == "listening"
    assert len([request for request in talk.of(Transcribe) if request.final]) == 2


def test_frames_that_come_late_decide_nothing_early(talk):
    """Under load frames lag behind the clock: what they will say is waited for."""
    talk.speak(1, "I like tea and")
    talk.silence(0.5)
    closes_at = talk.last(Show).closes_at
    talk._pass_until(closes_at + 0.2)
    assert talk.state == "closing"
    talk._pass_until(closes_at + 0.4)
    assert talk.state == "thinking"


def test_a_transcript_that_was_given_up_as_stale_holds_nothing_up(talk):
    talk.transcription = 0.5
    talk.speak(1, "I want")
    talk.silence(0.2)
    talk._asked.clear()  # the loop cancels what the next revision makes stale
    talk.speak(1, "I want to know what time it is, can you tell me?")
    begun = talk.now
    talk.silence(2)
    assert talk.when(Commit) - begun == pytest.approx(0.128 + 0.5, abs=0.04)


def test_another_policy_holds_at_once(talk):
    talk.speak(1, "I like tea and")
    begun = talk.now
    talk.silence(0.3)
    talk.machine.policy = replace(talk.policy, patience=4.0)
    talk.silence(5)
    assert talk.when(Commit) - begun == pytest.approx(4, abs=0.04)
    assert talk.machine.policy.patience == 4
