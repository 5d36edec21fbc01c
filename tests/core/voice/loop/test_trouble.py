"""What cannot be understood, answered or spoken is told, and devices may come and go."""

from __future__ import annotations

import asyncio

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
    FirstAudio,
    Interrupted,
    Noticed,
    ReceiptReady,
    Speaking,
    StateChanged,
)
from tests.core.voice.loop.conftest import LONG, in_virtual_time
from tests.core.voice.stage import Engine, Stage


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
async def test_without_any_device_running_fails_and_the_events_end() -> None:
    stage = Stage()
    stage.engine.failure = AudioDeviceFailed("There is no microphone.", hint="Plug one in.")
    with pytest.raises(AudioDeviceFailed):
        await stage.loop.run()
    assert [event async for event in stage.loop] == [StateChanged("off")]
