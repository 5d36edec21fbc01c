"""What becomes of an answer that is spoken over, stopped or left, and of what was heard of it."""

from __future__ import annotations

import asyncio

from core.errors import (
    VoiceUnavailable,
)
from core.voice.events import (
    Answered,
    FinalText,
    FirstAudio,
    Interrupted,
    Noticed,
    Speaking,
)
from tests.core.voice.loop.conftest import LONG, in_virtual_time
from tests.core.voice.stage import Stage


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
