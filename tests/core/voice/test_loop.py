"""The loop in virtual time: what becomes of turns, answers and interruptions, and when."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import wraps
from typing import Any

import pytest

from core.errors import (
    AudioDeviceFailed,
    ServerFailed,
    SynthesisFailed,
    TranscriptionFailed,
    VoiceUnavailable,
)
from core.voice.engine.events import DeviceLost, DeviceOpened, MicrophoneTrouble
from core.voice.events import (
    Answered,
    Discarded,
    FinalText,
    FirstAudio,
    FirstToken,
    Interrupted,
    Noticed,
    PartialText,
    ReceiptReady,
    Speaking,
    StateChanged,
)
from core.voice.turn_taking.policy import TurnPolicy
from tests.core.voice.stage import Engine, Stage
from tests.virtual_time import run_in_virtual_time

LONG = (
    "The moon pulls the sea towards itself. The far side bulges as well, which surprises most people. "
    "The sun does the same with half the strength. Together they make the spring tides."
)


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_in_virtual_time(test(*args, **kwargs))

    return run


@in_virtual_time
async def test_a_question_by_key_is_answered_aloud() -> None:
    async with Stage() as stage:
        await stage.speak_with_key("How do tides work?")
        answered = await stage.until(Answered)
    assert answered.text == "You said How do tides work?"
    (reply,) = stage.replies
    assert (reply.question, reply.kept, reply.all_heard, reply.closed) == (
        "How do tides work?",
        True,
        True,
        True,
    )
    kinds = [type(event) for _, event in stage.events if not isinstance(event, StateChanged | PartialText)]
    assert kinds == [FinalText, FirstToken, FirstAudio, Speaking, ReceiptReady, Speaking, Answered]
    states = [event.state for event in stage.told(StateChanged)]
    assert states == ["ready", "recording", "transcribing", "thinking", "speaking", "ready", "off"]
    assert stage.approached == 1


@in_virtual_time
async def test_speech_begins_while_the_answer_is_still_arriving() -> None:
    async with Stage(answers=lambda _: LONG * 10) as stage:
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(FirstAudio)
        assert stage.when(FirstAudio) - stage.when(FirstToken) < 0.2
        assert not stage.replies[0].closed
        stage.loop.stop()


@in_virtual_time
async def test_hands_free_the_reply_is_asked_for_before_the_end_is_certain() -> None:
    async with Stage(hands_free=True) as stage:
        said = stage.say("How do tides work?", after=0.5)
        await stage.until(Answered)
    (reply,) = stage.replies
    assert reply.asked_at is not None
    assert reply.asked_at - said.end < 0.25
    receipt = stage.told(ReceiptReady)[0].receipt
    assert receipt.speculated == 2
    assert receipt.discarded == 0
    assert receipt.transcript == 0
    assert receipt.total == pytest.approx(stage.when(FirstAudio) - said.end, abs=0.05)
    parts = (receipt.endpoint, receipt.transcript, receipt.first_token, receipt.first_audio)
    assert sum(parts) == pytest.approx(receipt.total, abs=0.001)
    assert reply.receipts == [receipt]


@in_virtual_time
async def test_a_guess_that_was_wrong_is_thrown_away_and_paid_for() -> None:
    async with Stage(TurnPolicy(patience=3.0), hands_free=True) as stage:
        stage.say("How do tides work", after=0.5)
        stage.say("on the moon?", after=0.5 + 1.0 + 0.4)
        await stage.until(Answered)
    assert [reply.kept for reply in stage.replies] == [False, True]
    assert stage.replies[0].closed
    receipt = stage.told(ReceiptReady)[0].receipt
    assert receipt.discarded >= 1
    assert receipt.speculation_cost == Decimal("0.001")
    assert stage.told(FinalText)[0].text == "How do tides work on the moon?"


@in_virtual_time
async def test_speaking_over_the_answer_ducks_it_then_stops_it_and_keeps_what_was_heard() -> None:
    async with Stage(answers=lambda _: LONG, hands_free=True) as stage:
        stage.say("Tell me about tides.", after=0.2)
        await stage.until(FirstAudio)
        await asyncio.sleep(3.0)
        spoke = stage.say("No wait what about the moon of Mars?")
        await asyncio.sleep(0.1)
        assert stage.engine.ducked
        interrupted = await stage.until(Interrupted)
        assert stage.engine.stopped_at is not None
        assert stage.engine.stopped_at - spoke.start < 1.0
        assert interrupted.by == "speech"
        assert interrupted.heard + interrupted.unheard == LONG
        assert interrupted.heard.startswith("The moon pulls the sea")
        assert interrupted.heard.endswith(" ")
        await stage.until(Answered)
    first, second = stage.replies[0], stage.replies[-1]
    assert first.heard_characters == len(interrupted.heard)
    assert second.question.endswith("the moon of Mars?")


@in_virtual_time
async def test_a_cough_or_mm_hm_loses_nothing() -> None:
    async with Stage(answers=lambda _: LONG, hands_free=True) as stage:
        stage.say("Tell me about tides.", after=0.2)
        await stage.until(FirstAudio)
        await asyncio.sleep(1.0)
        stage.say("mm-hm", seconds=0.4)
        answered = await stage.until(Answered)
        assert answered.text == LONG
        assert not stage.told(Interrupted)
        assert not stage.engine.ducked
    assert stage.replies[0].all_heard


@in_virtual_time
async def test_the_key_stops_the_answer_at_once() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(FirstAudio)
        await asyncio.sleep(2.0)
        pressed = stage.engine.now()
        stage.loop.talk_started()
        assert stage.engine.stopped_at == pressed
        interrupted = await stage.until(Interrupted)
        assert interrupted.by == "key"
        stage.loop.talk_cancelled()


@in_virtual_time
async def test_continue_speaks_the_rest_without_asking() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(FirstAudio)
        await asyncio.sleep(4.0)
        stage.loop.stop()
        interrupted = await stage.until(Interrupted)
        stage.synthesiser.spoken.clear()
        await stage.speak_with_key("Go on.")
        answered = await stage.until(Answered)
    assert answered.text == LONG
    (reply,) = stage.replies
    assert reply.all_heard
    spoken = " ".join(stage.synthesiser.spoken)
    assert len(spoken) < len(LONG)
    assert spoken.endswith("spring tides.")
    clauses = [event.clause for event in stage.told(Speaking) if event.turn == 2 and event.clause]
    assert clauses[0].start <= len(interrupted.heard)
    assert clauses[-1].end == len(LONG)


@in_virtual_time
async def test_what_was_heard_stays_heard_when_going_on_is_interrupted_at_once() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(FirstAudio)
        await asyncio.sleep(4.0)  # in the middle of a sentence, where going on begins anew
        stage.loop.stop()
        first = await stage.until(Interrupted)
        stage.synthesiser.delay = 5.0
        await stage.speak_with_key("Go on.")
        await stage.until(FinalText, 2)
        stage.loop.stop()
        second = await stage.until(Interrupted, 2)
    assert second.heard == first.heard
    assert stage.replies[0].heard_characters == len(first.heard)


@in_virtual_time
async def test_an_answer_that_could_only_be_read_counts_as_known_when_it_is_stopped() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        stage.synthesiser.failures[" "] = VoiceUnavailable("There is no voice.")
        stage.token_delay = 0.5
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(Noticed)
        await asyncio.sleep(2.0)
        stage.loop.stop()
        interrupted = await stage.until(Interrupted)
    assert interrupted.heard
    assert not interrupted.unheard
    assert stage.replies[0].all_heard


@in_virtual_time
async def test_a_voice_that_is_lost_is_heard_to_the_end_of_what_it_said() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        stage.synthesiser.failures["far side"] = VoiceUnavailable("The voice is gone.")
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(Answered)
        assert stage.engine.position() is None  # nothing sounds on into the user's turn


@in_virtual_time
async def test_what_cannot_be_answered_is_told_and_the_next_turn_works() -> None:
    async with Stage() as stage:
        stage.reply_failure = ServerFailed("Groq has trouble.", hint="Try again.")
        stage.answers = lambda _: "Half"
        await stage.speak_with_key("First?")
        noticed = await stage.until(Noticed)
        assert (noticed.text, noticed.hint) == ("Groq has trouble.", "Try again.")
        await stage.until(Answered)
        stage.reply_failure = None
        await stage.speak_with_key("Second?")
        await stage.until(Answered, 2)


@in_virtual_time
async def test_what_cannot_be_understood_is_told_and_the_next_turn_works() -> None:
    async with Stage() as stage:
        stage.transcriber.failure = TranscriptionFailed("The model broke.", hint="Mend it.")
        await stage.speak_with_key("First?")
        noticed = await stage.until(Noticed)
        assert (noticed.text, noticed.hint) == ("The model broke.", "Mend it.")
        await stage.until(Discarded)
        stage.transcriber.failure = None
        await asyncio.sleep(1)
        await stage.speak_with_key("Second?")
        await stage.until(Answered)
    assert [reply.question for reply in stage.replies] == ["Second?"]


@in_virtual_time
async def test_a_clause_that_cannot_be_spoken_is_left_out_and_told() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        stage.synthesiser.failures["far side"] = SynthesisFailed("The voice died.")
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(Answered)
        assert stage.told(Noticed)[0].text == "The voice died."
        heard = [event.clause.spoken for event in stage.told(Speaking) if event.clause]
        assert "far side" not in " ".join(heard)
        assert heard[-1].endswith("spring tides.")


@in_virtual_time
async def test_without_a_voice_the_answer_is_text() -> None:
    async with Stage() as stage:
        stage.synthesiser.failures[" "] = VoiceUnavailable("There is no voice.", hint="Install one.")
        await stage.speak_with_key("How do tides work?")
        await stage.until(Answered)
        assert stage.told(Noticed)[0].hint == "Install one."
        assert not stage.told(FirstAudio)
        assert (await stage.until(ReceiptReady)).receipt.total is None


@in_virtual_time
async def test_without_a_speaker_the_answer_is_text_and_that_is_said() -> None:
    async with Stage() as stage:
        stage.engine.speaker_name = None
        await stage.speak_with_key("How do tides work?")
        await stage.until(Answered)
        assert "no speaker" in stage.told(Noticed)[0].text


@in_virtual_time
async def test_spoken_answers_may_be_switched_off() -> None:
    async with Stage(speak=False) as stage:
        await stage.speak_with_key("How do tides work?")
        await stage.until(Answered)
        assert not stage.synthesiser.spoken
        assert not stage.told(FirstAudio)
        stage.loop.set_speak(True)
        await stage.speak_with_key("And now?")
        await stage.until(FirstAudio)


@in_virtual_time
async def test_text_that_is_not_to_be_sent_waits_for_the_user() -> None:
    async with Stage(TurnPolicy(auto_send="never")) as stage:
        await stage.speak_with_key("How do tides work?")
        final = await stage.until(FinalText)
        assert (final.text, final.sent) == ("How do tides work?", False)
        await asyncio.sleep(1)
    assert stage.replies == []


@in_virtual_time
async def test_an_answer_to_something_typed_is_read_aloud() -> None:
    async with Stage() as stage:
        reply = stage.reply("typed")
        stage.loop.read_aloud(reply)  # type: ignore[arg-type]
        await stage.until(Answered)
    assert reply.all_heard
    assert not reply.kept
    assert not stage.told(ReceiptReady)
    assert "speaking" in [event.state for event in stage.told(StateChanged)]


@in_virtual_time
async def test_silence_by_key_says_that_nothing_was_said() -> None:
    async with Stage() as stage:
        stage.loop.talk_started()
        await asyncio.sleep(0.6)
        stage.loop.talk_ended()
        discarded = await stage.until(Discarded)
        assert discarded.reason == "nothing was said"


@in_virtual_time
async def test_partial_text_grows_while_one_speaks() -> None:
    async with Stage(hands_free=True) as stage:
        stage.say("one two three four five six seven eight nine ten eleven twelve", after=0.2)
        await stage.until(FinalText)
    shown = [f"{event.stable} {event.tail}".strip() for event in stage.told(PartialText)]
    assert len(shown) >= 3
    assert [len(text) for text in shown] == sorted(len(text) for text in shown)
    stable = [event.stable for event in stage.told(PartialText)]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(stable))


@in_virtual_time
async def test_devices_that_come_and_go_are_told() -> None:
    async with Stage() as stage:
        stage.engine.tell(DeviceLost("microphone", "Headset", "unplugged"))
        stage.engine.tell(DeviceOpened("microphone", "Built-in", again=True))
        stage.engine.tell(MicrophoneTrouble("zeros", "Allow it."))
        await stage.until(Noticed, 3)
    assert [event.text for event in stage.told(Noticed)] == [
        "The microphone Headset is gone: unplugged",
        "The microphone is Built-in now.",
        "The microphone gives nothing but silence.",
    ]


@in_virtual_time
async def test_an_answer_goes_on_as_text_when_the_speaker_stays_away() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(FirstAudio)
        stage.engine.unplug_speaker()
        await stage.until(Answered, within=10)
        assert stage.loop.state == "ready"
    assert stage.replies[0].all_heard


@in_virtual_time
async def test_an_engine_that_fails_ends_the_loop_with_its_error() -> None:
    stage = Stage()
    stage.engine.tell(AudioDeviceFailed("The sound system broke."))  # type: ignore[arg-type]
    with pytest.raises(AudioDeviceFailed):
        await stage.loop.run()


@in_virtual_time
async def test_other_devices_are_used_from_now_on() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(FirstAudio)
        old, stage.engine = stage.engine, Engine()
        stage.transcriber.engine = stage.engine
        await stage.loop.use_engine(stage.engine)  # type: ignore[arg-type]
        assert (await stage.until(Interrupted)).by == "key"
        assert old.closed
        await asyncio.sleep(1)
        await stage.speak_with_key("And the moon?")
        await stage.until(FirstAudio, 2)
        stage.loop.stop()


@in_virtual_time
async def test_nothing_is_analysed_while_nobody_listens() -> None:
    async with Stage() as stage:
        assert not stage.engine.analysing
        stage.loop.set_hands_free(True)
        assert stage.engine.analysing
        stage.loop.set_muted(True)
        assert not stage.engine.analysing
        assert stage.loop.muted
        stage.loop.set_muted(False)
        assert stage.engine.analysing


@in_virtual_time
async def test_without_any_device_running_fails_and_the_events_end() -> None:
    stage = Stage()
    stage.engine.failure = AudioDeviceFailed("There is no microphone.", hint="Plug one in.")
    with pytest.raises(AudioDeviceFailed):
        await stage.loop.run()
    assert [event async for event in stage.loop] == [StateChanged("off")]


@in_virtual_time
async def test_a_command_given_before_the_microphone_is_open_counts() -> None:
    stage = Stage()
    stage.loop.talk_started()
    async with stage:
        stage.say("How do tides work?")
        await asyncio.sleep(1.1)
        stage.loop.talk_ended()
        await stage.until(Answered)


@in_virtual_time
async def test_quitting_in_the_middle_keeps_what_was_heard_and_leaves_no_task() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(FirstAudio)
        await asyncio.sleep(2.0)
    (reply,) = stage.replies
    assert reply.closed
    assert reply.heard_characters is not None
    assert 0 < reply.heard_characters < len(LONG)
    (interrupted,) = stage.told(Interrupted)
    assert interrupted.heard == LONG[: reply.heard_characters]
    assert stage.engine.closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


@in_virtual_time
async def test_quitting_right_after_an_interruption_still_stores_what_was_heard() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(FirstAudio)
        await asyncio.sleep(2.0)
        stage.loop.stop()
    assert stage.replies[0].heard_characters


@in_virtual_time
async def test_an_hour_of_turns_leaves_nothing_behind() -> None:
    async with Stage() as stage:
        for turn in range(1, 300):
            await stage.speak_with_key(f"Question number {turn}?")
            await stage.until(Answered, turn, within=120)
            stage.engine.said.clear()
        await asyncio.sleep(1)
        assert len(asyncio.all_tasks()) < 12


@in_virtual_time
async def test_an_answer_interrupted_before_it_was_stored_is_stored_all_the_same() -> None:
    async with Stage(answers=lambda _: LONG) as stage:
        await stage.speak_with_key("Tell me about tides.")
        await stage.until(FinalText)
        stage.loop.stop()
        await stage.until(Interrupted)
    (reply,) = stage.replies
    assert reply.kept
    assert reply.heard_characters == 0


@in_virtual_time
async def test_the_next_question_is_asked_once_what_was_heard_is_stored() -> None:
    async with Stage(answers=lambda _: LONG, hands_free=True) as stage:
        stage.storage_delay = 1.0
        stage.say("Tell me about tides.", after=0.2)
        await stage.until(FirstAudio)
        await asyncio.sleep(2.0)
        stage.say("No wait what about Mars?")
        await stage.until(Answered)
    first, second = stage.replies[0], stage.replies[-1]
    assert first.stored_at is not None
    assert second.asked_at is not None
    assert second.asked_at >= first.stored_at


@in_virtual_time
async def test_how_certain_the_words_are_is_told() -> None:
    async with Stage() as stage:
        await stage.speak_with_key("How do tides work?")
        assert (await stage.until(FinalText)).confidence == 0.95
