"""Which devices the engine uses: chosen, missing, unplugged, and back."""

from __future__ import annotations

import contextlib

import pytest

from core.errors import AudioDeviceFailed
from core.voice.engine import AudioEngine, sound_server
from core.voice.engine.devices import list_devices
from core.voice.engine.events import ClauseEnded, ClauseStarted, DeviceLost, DeviceOpened
from tests.core.voice.engine.open_engine import BURST, hears, likeness, listens, open_engine, tone
from tests.sound_server import SoundServer


async def test_devices_are_listed_by_the_names_people_know(sound: SoundServer) -> None:
    with sound.second_microphone("Headset"), sound.second_speaker("Earphones"):
        devices = await list_devices()
    assert devices.default_microphone == "Microphone"
    assert devices.default_speaker == "Speaker"
    assert {"Microphone", "Headset"} <= set(devices.microphones)
    assert {"Speaker", "Earphones"} <= set(devices.speakers)
    assert "Headset" not in (await list_devices()).microphones


async def test_a_chosen_device_is_used(sound: SoundServer) -> None:
    with sound.second_microphone("Headset"):
        async with open_engine(microphone="Headset") as heard:
            assert heard.engine.microphone_name == "Headset"
            found, _ = await hears(heard, sound, "Headset-room")
            assert likeness(found, BURST) > 0.95


async def test_the_default_device_is_used_and_it_says_so_where_the_chosen_one_is_not_connected(
    sound: SoundServer,
) -> None:
    async with open_engine(microphone="Headset") as heard:
        await heard.until(lambda: len(heard.of(DeviceOpened)) == 2)
        assert heard.of(DeviceLost) == [DeviceLost("microphone", "Headset", "it is not connected")]
        assert heard.engine.microphone_name == "Microphone"


async def test_unplugging_in_the_middle_goes_on_with_the_default_and_back(sound: SoundServer) -> None:
    with contextlib.ExitStack() as plugged:
        plugged.enter_context(sound.second_speaker("Earphones"))
        async with open_engine(speaker="Earphones") as heard:
            heard.engine.play(1, tone(2))
            heard.engine.end(1)
            await heard.until(lambda: bool(heard.of(ClauseStarted)))
            plugged.close()
            await heard.until(lambda: any(event.again for event in heard.of(DeviceOpened)))
            assert heard.of(DeviceLost) == [DeviceLost("speaker", "Earphones", "it was unplugged")]
            assert heard.engine.speaker_name == "Speaker"
            await heard.until(lambda: bool(heard.of(ClauseEnded)))
            plugged.enter_context(sound.second_speaker("Earphones"))
            await heard.until(lambda: heard.of(DeviceOpened)[-1].name == "Earphones")


async def test_a_server_that_does_not_answer_takes_no_device_away(
    sound: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def silent(*arguments: str) -> str:
        asked.append(arguments)
        return ""

    async with open_engine() as heard:
        await listens(heard)
        monkeypatch.setattr(sound_server, "_pactl", silent)
        with sound.second_speaker("Earphones"):
            await heard.until(lambda: len(asked) >= 4)
        await heard.frames_until(heard.engine.now() + 0.2)
        assert heard.of(DeviceLost) == []
        assert heard.engine.speaker_name == "Speaker"


async def test_it_comes_back_after_the_sound_server_died(sound: SoundServer) -> None:
    async with open_engine() as heard:
        await listens(heard)
        sound.kill()
        await heard.until(lambda: len(heard.of(DeviceLost)) == 2)
        assert heard.engine.microphone_name is None
        assert heard.engine.speaker_name is None
        sound.start()
        await heard.until(lambda: sum(event.again for event in heard.of(DeviceOpened)) == 2)
        heard.events.clear()
        found, _ = await hears(heard, sound)
        assert likeness(found, BURST) > 0.95
        heard.engine.play(1, tone(0.1))
        heard.engine.end(1)
        await heard.until(lambda: bool(heard.of(ClauseEnded)))


async def test_no_device_at_all_and_then_one(sound: SoundServer) -> None:
    engine = AudioEngine(microphone=None, speaker=None, echo="off", activity=lambda frame: 0.0)
    sound.kill()
    with pytest.raises(AudioDeviceFailed, match="no microphone") as failure:
        await engine.open()
    assert failure.value.hint
    sound.start()
    await engine.open()
    assert engine.microphone_name
    await engine.open()
    await engine.aclose()
    await engine.aclose()
