"""Speaking over an answer."""

import pytest

from core.voice.turn_taking.actions import Commit, Discard, Duck, Interrupt, Transcribe, Unduck
from core.voice.turn_taking.messages import (
    AnswerEnded,
    AnswerHeard,
    ListeningChanged,
    Muted,
    Stopped,
    TalkCancelled,
)
from core.voice.turn_taking.policy import TurnPolicy
from tests.core.voice.turn_taking.conversation import Conversation

ANSWER = "Paris is the capital of France, and has been for most of the last thousand years."


def speaking(policy: TurnPolicy | None = None) -> Conversation:
    talk = Conversation(policy or TurnPolicy()).hands_free()
    talk.speak(1, "What is the capital of France?")
    talk.silence(0.3)
    talk.tell(AnswerHeard(talk.now))
    talk.machine.spoken(ANSWER)
    talk.silence(1)
    assert talk.state == "speaking"
    talk.log.clear()
    return talk


@pytest.fixture
def talk() -> Conversation:
    return speaking()


def shown(talk: Conversation) -> str:
    return talk.machine.state


def test_the_first_frames_of_speech_duck_the_answer(talk):
    begun = talk.now
    talk.speak(0.2, "")
    assert talk.when(Duck) - begun <= 0.064
    assert shown(talk) == "speaking"


def test_words_stop_it_and_the_turn_has_all_its_sound(talk):
    onset = talk.now
    talk.speak(1, "No, I meant Finland.")
    assert talk.last(Interrupt) == Interrupt("speech")
    assert talk.when(Interrupt) - onset <= 0.2 + 0.1 + 0.07
    assert shown(talk) == "recording"
    talk.silence(1)
    commit = talk.last(Commit)
    assert commit.text == "No, I meant Finland."
    assert talk.last(Transcribe).since == pytest.approx(onset - 0.8)
    assert len(talk.of(Duck)) == len(talk.of(Unduck)) == 1
    assert not talk.of(Discard)


def test_words_stop_thinking_too():
    talk = Conversation().hands_free()
    talk.speak(1, "What is the capital of France?")
    talk.silence(0.5)
    assert talk.state == "thinking"
    talk.speak(1, "No, of Finland.")
    assert talk.last(Interrupt) == Interrupt("speech")
    talk.silence(1)
    assert talk.last(Commit).text == "No, of Finland."


@pytest.mark.parametrize("text", ["Mm-hm.", "Yeah.", "Yeah, okay.", "Uh", "", "Right, right."])
def test_listening_sounds_and_coughs_lose_no_syllable(talk, text):
    begun = talk.now
    talk.speak(0.4, text)
    talk.silence(1)
    assert not talk.of(Interrupt)
    assert talk.when(Unduck) - begun <= 1.1
    assert talk.last(Discard).reason == ""
    assert shown(talk) == "speaking"


def test_a_knock_is_over_at_once(talk):
    begun = talk.now
    talk.speak(0.064, "Thank you.")
    talk.silence(0.5)
    assert not talk.of(Transcribe)
    assert talk.when(Unduck) - begun <= 0.3


def test_one_short_word_is_enough_once_it_is_final(talk):
    talk.speak(0.35, "No.")
    talk.silence(0.5)
    assert talk.last(Interrupt) == Interrupt("speech")
    talk.silence(1)
    assert talk.last(Commit).text == "No."


@pytest.mark.parametrize("text", ["Stop.", "Stop it!", "Be quiet."])
def test_stop_stops_and_asks_nothing(talk, text):
    talk.speak(0.5, text)
    assert talk.last(Interrupt) == Interrupt("speech")
    talk.silence(2)
    assert not talk.of(Commit)
    assert shown(talk) == "listening"


def test_its_own_words_do_not_stop_it(talk):
    talk.speak(2, "the capital of France, and has been")
    talk.silence(1)
    assert not talk.of(Interrupt)
    assert not talk.of(Commit)
    assert talk.of(Unduck)
    assert shown(talk) == "speaking"


def test_after_an_echo_it_is_not_ducked_again_at_once(talk):
    talk.speak(1, "the capital of France, and has been")
    talk.silence(0.4)
    talk.speak(1)
    talk.silence(0.4)
    assert len(talk.of(Duck)) == 1


def test_uncertain_words_do_not_stop_it(talk):
    talk.confidence = 0.2
    talk.speak(1, "Thanks for watching!")
    talk.silence(1)
    assert not talk.of(Interrupt)
    assert shown(talk) == "speaking"


def test_a_slow_transcriber_keeps_it_quiet_for_a_second_and_may_still_stop_it(talk):
    talk.transcription = 2
    begun = talk.now
    talk.speak(0.5, "I meant Finland.")
    talk.silence(1)
    assert talk.when(Unduck) - begun <= 1.1
    talk.silence(1)
    assert talk.last(Interrupt) == Interrupt("speech")
    talk.silence(3)
    assert talk.last(Commit).text == "I meant Finland."
    assert len(talk.of(Duck)) == len(talk.of(Unduck)) == 1


def test_a_transcriber_that_fails_lets_the_answer_go_on(talk):
    talk.hears = None
    talk.speak(1)
    talk.silence(1)
    assert not talk.of(Interrupt)
    assert talk.of(Unduck)
    assert shown(talk) == "speaking"


def test_sound_without_words_is_given_up(talk):
    talk.speak(20, "")
    assert not talk.of(Interrupt)
    assert talk.of(Unduck)
    assert talk.of(Discard)
    assert shown(talk) == "speaking"


def test_a_rejected_sound_is_not_part_of_the_next_turn(talk):
    talk.speak(0.4, "Mm-hm.")
    rejected = talk.now
    talk.silence(0.4)
    talk.speak(1, "I meant Finland.")
    assert talk.last(Transcribe).since >= rejected


def test_what_is_said_over_the_last_words_is_a_turn(talk):
    talk.speak(0.1, "And what about Finland?")
    talk.tell(AnswerEnded(talk.now))
    assert talk.of(Unduck)
    assert shown(talk) == "recording"
    talk.speak(1)
    talk.silence(1)
    assert talk.last(Commit).text == "And what about Finland?"
    assert not talk.of(Interrupt)


def test_yes_over_the_last_words_answers_them(talk):
    talk.speak(0.1, "Yes.")
    talk.tell(AnswerEnded(talk.now))
    talk.speak(0.4)
    talk.silence(1)
    assert talk.last(Commit).text == "Yes."


def test_an_echo_that_outlasts_the_answer_is_no_turn(talk):
    talk.speak(0.1, "most of the last thousand years")
    talk.tell(AnswerEnded(talk.now))
    talk.speak(1)
    talk.silence(2)
    assert not talk.of(Commit)
    assert talk.of(Discard)


def test_without_barge_in_the_answer_is_not_disturbed():
    talk = speaking(TurnPolicy(barge_in=False))
    talk.speak(3, "I meant Finland.")
    assert not talk.log
    assert shown(talk) == "speaking"


@pytest.mark.parametrize(
    "message", [lambda now: ListeningChanged(now, hands_free=False), lambda now: Muted(now, muted=True)]
)
def test_muting_ends_listening_but_not_the_answer(talk, message):
    talk.speak(0.2, "I meant")
    talk.tell(message(talk.now))
    assert talk.of(Unduck)
    assert talk.of(Discard)
    talk.speak(2, "I meant Finland.")
    assert not talk.of(Interrupt)
    assert shown(talk) == "speaking"
    talk.tell(AnswerEnded(talk.now))
    assert shown(talk) in ("ready", "muted")


def test_escape_while_ducked_leaves_nothing_ducked(talk):
    talk.speak(0.2, "I meant")
    talk.tell(Stopped(talk.now))
    assert talk.last(Interrupt) == Interrupt("key")
    assert talk.of(Unduck)
    assert talk.of(Discard)
    assert shown(talk) == "listening"


def test_the_key_keeps_what_was_said_before_it(talk):
    onset = talk.now
    talk.speak(0.2, "I meant Finland.")
    talk.press()
    assert talk.last(Interrupt) == Interrupt("key")
    talk.speak(1)
    talk.release()
    talk.silence(0.5)
    assert talk.last(Commit).text == "I meant Finland."
    assert talk.last(Transcribe).since == pytest.approx(onset - 0.8)


def test_a_key_that_was_nothing_forgets_it(talk):
    talk.press()
    talk.tell(TalkCancelled(talk.now))
    assert shown(talk) == "listening"


def test_an_answer_that_is_read_aloud_unasked_can_be_stopped_by_words():
    talk = Conversation().hands_free()
    talk.tell(AnswerHeard(talk.now))
    assert talk.state == "speaking"
    talk.speak(1, "That is enough for me.")
    assert talk.last(Interrupt) == Interrupt("speech")


def test_going_on_right_after_a_turn_teaches_patience():
    talk = Conversation().hands_free()
    patience = talk.machine._floor.patience
    talk.speak(1, "I was in Rome.")
    talk.silence(0.5)
    assert talk.state == "thinking"
    talk.speak(1, "And in Milan.")
    assert talk.of(Interrupt)
    assert patience._pauses == 1


def test_without_barge_in_what_begins_after_the_answer_is_a_turn():
    talk = speaking(TurnPolicy(barge_in=False))
    talk.speak(3, "not heard")
    talk.tell(AnswerEnded(talk.now))
    ended = talk.now
    assert talk.state == "listening"
    talk.speak(1, "What time is it?")
    talk.silence(1)
    assert talk.last(Commit).text == "What time is it?"
    assert talk.last(Transcribe).since >= ended - 0.8
