"""The loop in virtual time: what becomes of what is said, and when it is answered."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal

import pytest

from core.voice.events import (
    Answered,
    Discarded,
    FinalText,
    FirstAudio,
    FirstToken,
    PartialText,
    ReceiptReady,
    Speaking,
    StateChanged,
)
from core.voice.turn_taking.policy import TurnPolicy
from tests.core.voice.loop.conftest import LONG, in_virtual_time
from tests.core.voice.stage import Stage


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
async def test_a_command_given_before_the_microphone_is_open_counts() -> None:
    stage = Stage()
    stage.loop.talk_started()
    async with stage:
        stage.say("How do tides work?")
        await asyncio.sleep(1.1)
        stage.loop.talk_ended()
        await stage.until(Answered)


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
async def test_how_certain_the_words_are_is_told() -> None:
    async with Stage() as stage:
        await stage.speak_with_key("How do tides work?")
        assert (await stage.until(FinalText)).confidence == 0.95
