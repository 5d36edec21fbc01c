"""The engine over real PortAudio streams and a virtual microphone and speaker."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import AudioDeviceFailed, VoiceUnavailable
from core.voice.activity import SileroActivity
from core.voice.audio import FRAME_SECONDS, SAMPLE_RATE, Frame, PcmChunk, Samples
from core.voice.engine import AudioEngine, sound_server
from core.voice.engine.devices import list_devices
from core.voice.engine.events import ClauseEnded, ClauseStarted, DeviceLost, DeviceOpened, EngineEvent
from tests.core.voice.engine.spoken import ANSWER, chunk, spoken
from tests.sound_server import Recording, SoundServer

_PATIENCE = 20.0
_MIN_SPEECH = 0.25  # a busy machine tears holes into the virtual room; that much starts no turn
_NOISE = np.convolve(np.random.default_rng(0).standard_normal(SAMPLE_RATE), np.ones(16) / 16, "same")
_BURST: Samples = (0.5 * _NOISE / np.abs(_NOISE).max()).astype(np.float32)


class Heard:
    """An open engine, and what it has reported so far."""

    def __init__(self, engine: AudioEngine) -> None:
        self.engine = engine
        self.events: list[EngineEvent] = []
        self._grown = asyncio.Condition()

    async def read(self) -> None:
        async for event in self.engine:
            async with self._grown:
                self.events.append(event)
                self._grown.notify_all()

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE), self._grown:
            await self._grown.wait_for(reached)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def frames_until(self, at: float) -> list[Frame]:
        await self.until(lambda: any(frame.at >= at for frame in self.of(Frame)))
        return [frame for frame in self.of(Frame) if frame.at <= at]


@asynccontextmanager
async def _engine(**options: Any) -> AsyncIterator[Heard]:
    defaults = {"microphone": None, "speaker": None, "echo": "off", "activity": lambda frame: 0.0}
    engine = AudioEngine(**{**defaults, **options})
    heard = Heard(engine)
    await engine.open()
    async with asyncio.TaskGroup() as group:
        group.create_task(heard.read())
        try:
            yield heard
        finally:
            await engine.aclose()


def _like(found: Samples, sample: Samples) -> float:
    """How much of ``found`` is ``sample``, wherever it is in it."""
    length = len(found) + len(sample)
    spectrum = np.fft.rfft(found, length) * np.conj(np.fft.rfft(sample, length))
    likeness = np.abs(np.fft.irfft(spectrum)).max() / np.linalg.norm(found) / np.linalg.norm(sample)
    return float(likeness)


async def _listens(heard: Heard) -> None:
    """Wait until a stretch of sound has come in: a virtual device begins in bursts."""
    heard.engine.analysing = True
    await heard.until(lambda: len(heard.of(Frame)) >= 20)


async def _hears(heard: Heard, sound: SoundServer, microphone: str = "room") -> tuple[Samples, float]:
    """What the engine keeps of something said, and how many seconds into it that begins."""
    await _listens(heard)
    said = sound.speak(_BURST, microphone=microphone)
    await heard.frames_until(said.ends + 0.2)
    found = heard.engine.recording(said.began - 0.2, said.ends + 0.2)
    assert len(found) == pytest.approx(1.4 * SAMPLE_RATE, abs=2)
    return found, np.flatnonzero(np.abs(found) > 0.02)[0] / SAMPLE_RATE - 0.2


def _tone(seconds: float, rate: int = 22_050) -> PcmChunk:
    wave = np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return PcmChunk((12_000 * wave).astype("<i2").tobytes(), rate)


async def test_what_is_said_is_kept_with_its_time(sound: SoundServer) -> None:
    async with _engine() as heard:
        found, begins = await _hears(heard, sound)
        assert _like(found, _BURST) > 0.98
        assert begins == pytest.approx(0, abs=0.15)


async def test_frames_come_while_it_analyses_and_only_then(sound: SoundServer) -> None:
    judged = threading.Event()
    async with _engine(activity=lambda frame: judged.set() or 0.7) as heard:
        engine = heard.engine
        assert len(engine.recording(engine.now() - 1, engine.now())) >= 0
        assert not judged.is_set()
        engine.analysing = True
        await heard.until(lambda: len(heard.of(Frame)) >= 10)
        frames = heard.of(Frame)
        times = [frame.at for frame in frames]
        assert times == sorted(times)
        assert times[-1] - times[0] < 100 * FRAME_SECONDS
        assert {frame.speech for frame in frames} == {0.7}


async def test_speech_in_the_microphone_is_speech(sound: SoundServer) -> None:
    async with _engine(activity=SileroActivity()) as heard:
        heard.engine.analysing = True
        said = sound.speak(spoken("Hello there, how are you today?"))
        frames = await heard.frames_until(said.ends)
        assert max(frame.speech for frame in frames) > 0.9
        assert max(frame.level for frame in frames) > 0.02


async def test_clauses_are_heard_whole_and_told_of(sound: SoundServer) -> None:
    with sound.record() as recording:
        async with _engine() as heard:
            for tag, seconds in ((1, 0.4), (2, 0.3)):
                heard.engine.play(tag, _tone(seconds))
                heard.engine.end(tag)
            await heard.until(lambda: len(heard.of(ClauseEnded)) == 2)
            ended = heard.of(ClauseEnded)[-1].at
            await asyncio.to_thread(recording.wait_for_silence)
            started = heard.of(ClauseStarted)
            assert [event.tag for event in started] == [1, 2]
            told = ended - started[0].at
            position = heard.engine.position()
            assert position is not None
            assert (position.tag, position.seconds) == (2, pytest.approx(0.3, abs=0.01))
            _is_one_sound(recording, told, began=started[0].at)
            if not heard.engine.xruns:  # a busy machine may have had it stumble
                assert told == pytest.approx(0.7, abs=0.05)
                sounding = recording.between(started[0].at + 0.1, ended - 0.1)
                assert min(np.abs(block).max() for block in np.array_split(sounding, 40)) > 0.1


def _is_one_sound(recording: Recording, seconds: float, began: float) -> None:
    first, last = recording.first_sound(), recording.last_sound()
    assert first is not None
    assert last is not None
    assert first == pytest.approx(began, abs=0.1)
    assert last - first == pytest.approx(seconds, abs=0.05)


async def test_stopping_is_silence_and_the_next_clause_is_heard(sound: SoundServer) -> None:
    with sound.record() as recording:
        async with _engine() as heard:
            heard.engine.play(1, _tone(10))
            await asyncio.to_thread(recording.wait_for_sound)
            stopped = heard.engine.now()
            heard.engine.stop()
            await asyncio.to_thread(recording.wait_for_silence)
            silent = recording.last_sound()
            assert silent is not None
            assert silent - stopped < 2
            assert heard.engine.position() is None
            heard.engine.play(2, _tone(0.2))
            heard.engine.end(2)
            await heard.until(lambda: bool(heard.of(ClauseEnded)))
            assert [event.tag for event in heard.of(ClauseEnded)] == [2]


async def test_ducking_makes_it_quiet_and_not_silent(sound: SoundServer) -> None:
    with sound.record() as recording:
        async with _engine() as heard:
            heard.engine.play(1, _tone(10))
            begun = await asyncio.to_thread(recording.wait_for_sound)
            await heard.until(lambda: bool(heard.of(ClauseStarted)))
            heard.engine.duck()
            quiet = heard.engine.now()
            heard.engine.analysing = True
            await heard.frames_until(quiet + 0.6)
            loud = np.abs(recording.between(begun, begun + 0.02)).max()
            ducked = np.abs(recording.between(quiet + 0.3, quiet + 0.5)).max()
            assert ducked / loud == pytest.approx(0.2, rel=0.1)
            heard.engine.stop()


async def test_its_own_voice_in_the_microphone_is_no_speech(sound: SoundServer) -> None:
    with sound.echo(gain=-10, delay=0.15):
        async with _engine(echo="cancel", activity=SileroActivity()) as heard:
            heard.engine.analysing = True
            heard.engine.play(1, chunk(ANSWER))
            heard.engine.end(1)
            await heard.until(lambda: bool(heard.of(ClauseEnded)))
            frames = await heard.frames_until(heard.of(ClauseEnded)[0].at + 0.3)
            voiced = "".join("x" if frame.speech > 0.5 else " " for frame in frames).split()
            assert max(map(len, voiced), default=0) < _MIN_SPEECH / FRAME_SECONDS, voiced
            assert heard.engine.echo_reduction is not None
            assert heard.engine.echo_reduction > 10


async def test_half_duplex_rests_the_microphone_while_it_speaks(sound: SoundServer) -> None:
    with sound.echo(gain=-10, delay=0.05):
        async with _engine(echo="half_duplex", activity=lambda frame: float(np.abs(frame).max())) as heard:
            heard.engine.analysing = True
            heard.engine.play(1, _tone(0.5))
            heard.engine.end(1)
            await heard.until(lambda: bool(heard.of(ClauseEnded)))
            frames = await heard.frames_until(heard.of(ClauseEnded)[0].at)
            assert max(frame.speech for frame in frames) == 0


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
        async with _engine(microphone="Headset") as heard:
            assert heard.engine.microphone_name == "Headset"
            found, _ = await _hears(heard, sound, "Headset-room")
            assert _like(found, _BURST) > 0.95


async def test_the_default_device_is_used_and_it_says_so_where_the_chosen_one_is_not_connected(
    sound: SoundServer,
) -> None:
    async with _engine(microphone="Headset") as heard:
        await heard.until(lambda: len(heard.of(DeviceOpened)) == 2)
        assert heard.of(DeviceLost) == [DeviceLost("microphone", "Headset", "it is not connected")]
        assert heard.engine.microphone_name == "Microphone"


async def test_unplugging_in_the_middle_goes_on_with_the_default_and_back(sound: SoundServer) -> None:
    with contextlib.ExitStack() as plugged:
        plugged.enter_context(sound.second_speaker("Earphones"))
        async with _engine(speaker="Earphones") as heard:
            heard.engine.play(1, _tone(2))
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

    async with _engine() as heard:
        await _listens(heard)
        monkeypatch.setattr(sound_server, "_pactl", silent)
        with sound.second_speaker("Earphones"):
            await heard.until(lambda: len(asked) >= 4)
        await heard.frames_until(heard.engine.now() + 0.2)
        assert heard.of(DeviceLost) == []
        assert heard.engine.speaker_name == "Speaker"


async def test_it_comes_back_after_the_sound_server_died(sound: SoundServer) -> None:
    async with _engine() as heard:
        await _listens(heard)
        sound.kill()
        await heard.until(lambda: len(heard.of(DeviceLost)) == 2)
        assert heard.engine.microphone_name is None
        assert heard.engine.speaker_name is None
        sound.start()
        await heard.until(lambda: sum(event.again for event in heard.of(DeviceOpened)) == 2)
        heard.events.clear()
        found, _ = await _hears(heard, sound)
        assert _like(found, _BURST) > 0.95
        heard.engine.play(1, _tone(0.1))
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


async def test_a_speaker_that_runs_dry_is_given_more_to_hold(
    sound: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sounddevice

    asked: list[str | float] = []
    opened = sounddevice.RawOutputStream

    def remembered(**options: Any) -> Any:
        asked.append(options["latency"])
        return opened(**options)

    monkeypatch.setattr(sounddevice, "RawOutputStream", remembered)
    async with _engine() as heard:
        heard.engine.play(1, _tone(60))
        await heard.until(lambda: bool(heard.of(ClauseStarted)))
        async with asyncio.timeout(_PATIENCE):
            while len(asked) < 3:
                await _stall(heard)
        for _ in range(4):
            await _stall(heard)
        heard.engine.stop()
    assert asked == ["low", 0.1, 0.2]
    assert heard.of(DeviceLost) == []


async def _stall(heard: Heard) -> None:
    """Keep every thread from running Python for longer than any device holds sound, then let them."""
    ctypes.PyDLL(None).usleep(250_000)
    heard.engine.analysing = True
    await heard.frames_until(heard.engine.now() + 0.2)
    heard.engine.analysing = False


async def test_closing_leaves_nothing_behind(sound: SoundServer) -> None:
    async with _engine(echo="cancel") as heard:
        heard.engine.play(1, _tone(10))
        await heard.until(lambda: bool(heard.of(ClauseStarted)))
    threads, descriptors = _threads(), _descriptors()
    for _ in range(3):
        async with _engine(echo="cancel") as heard:
            heard.engine.play(1, _tone(10))
            await heard.until(lambda: bool(heard.of(ClauseStarted)))
    assert _threads() == threads
    assert _descriptors() <= descriptors


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio")}


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_an_error_in_the_activity_reaches_the_reader_and_it_opens_again(sound: SoundServer) -> None:
    broken = [True]

    def activity(frame: Samples) -> float:
        if broken[0]:
            raise RuntimeError("the network is broken")
        return 0.0

    engine = AudioEngine(microphone=None, speaker=None, echo="off", activity=activity)
    await engine.open()
    engine.analysing = True
    with pytest.raises(RuntimeError, match="broken"):
        await _first_frame(engine)
    broken[0] = False
    await engine.open()
    await _first_frame(engine)
    await engine.aclose()


async def _first_frame(engine: AudioEngine) -> None:
    async with asyncio.timeout(_PATIENCE):
        async for event in engine:
            if isinstance(event, Frame):
                return


async def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    engine = AudioEngine(microphone=None, speaker=None, echo="off", activity=lambda frame: 0.0)
    with pytest.raises(VoiceUnavailable, match="sounddevice") as failure:
        await engine.open()
    assert "pip install" in failure.value.hint
    await engine.aclose()


def test_its_vocabulary_brings_in_no_audio_library() -> None:
    heavy = ("numpy", "soxr", "sounddevice", "pywebrtc_audio")
    code = (
        "import sys, core.voice.engine, core.voice.engine.events, core.voice.events\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"
