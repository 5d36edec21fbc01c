"""Whatever is said, pressed and broken in whatever order: the loop goes on, and nothing is left over."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ServerFailed, SynthesisFailed, TranscriptionFailed
from core.voice.events import Answered
from tests.core.voice.stage import Stage
from tests.virtual_time import run_in_virtual_time

ANSWER = "The moon pulls the sea towards itself. The far side bulges as well. Together they make the tides."

STEPS = st.sampled_from(
    [
        "press",
        "release",
        "tap",
        "cancel",
        "enter",
        "hold open",
        "escape",
        "hands-free",
        "key only",
        "mute",
        "unmute",
        "say",
        "say more",
        "cough",
        "continue",
        "read aloud",
        "break answers",
        "break transcripts",
        "break speech",
        "mend",
    ]
)


def act(stage: Stage, step: str) -> None:
    loop = stage.loop
    match step:
        case "press":
            loop.talk_started()
        case "release":
            loop.talk_ended()
        case "tap":
            loop.talk_ended(held=False)
        case "cancel":
            loop.talk_cancelled()
        case "enter":
            loop.commit_now()
        case "hold open":
            loop.hold_open()
        case "escape":
            loop.stop()
        case "hands-free" | "key only":
            loop.set_hands_free(step == "hands-free")
        case "mute" | "unmute":
            loop.set_muted(step == "mute")
        case "say":
            stage.say("How do the tides work?")
        case "say more":
            stage.say("and what about the moon of Mars and")
        case "cough":
            stage.say("uh", seconds=0.15)
        case "continue":
            stage.say("Please continue.")
        case "read aloud":
            loop.read_aloud(stage.reply("typed"))  # type: ignore[arg-type]
        case "break answers":
            stage.reply_failure = ServerFailed("No.")
        case "break transcripts":
            stage.transcriber.failure = TranscriptionFailed("No.")
        case "break speech":
            stage.synthesiser.failures[" "] = SynthesisFailed("No.")
        case "mend":
            mend(stage)


def mend(stage: Stage) -> None:
    stage.reply_failure = stage.transcriber.failure = None
    stage.synthesiser.failures.clear()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(STEPS, st.floats(0, 3)), max_size=25))
def test_the_loop_survives_and_answers_the_next_question(steps: list[tuple[str, float]]) -> None:
    async def play() -> None:
        async with Stage(answers=lambda _: ANSWER) as stage:
            for step, pause in steps:
                act(stage, step)
                await asyncio.sleep(pause)
            mend(stage)
            stage.loop.set_muted(False)
            stage.loop.set_hands_free(False)
            stage.loop.talk_cancelled()
            stage.loop.stop()
            await asyncio.sleep(5)
            assert stage.loop.state == "ready"
            stage.engine.said.clear()
            answered = len(stage.told(Answered))
            await stage.speak_with_key("Is all well?")
            await stage.until(Answered, answered + 1)
            assert stage.replies[-1].question == "Is all well?"
        assert all(reply.closed for reply in stage.replies if reply.asked_at is not None)
        assert not stage.engine.ducked
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_in_virtual_time(play())
