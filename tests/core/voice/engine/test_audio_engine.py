"""The engine over real PortAudio streams and a virtual microphone and speaker."""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import VoiceUnavailable
from core.voice.activity import SileroActivity
from core.voice.audio import FRAME_SECONDS, Frame, Samples
from core.voice.engine import AudioEngine
from core.voice.engine.events import ClauseEnded, ClauseStarted, DeviceLost
from tests.core.voice.engine.open_engine import BURST, PATIENCE, Heard, hears, likeness, open_engine, tone
from tests.core.voice.engine.spoken import ANSWER, chunk, spoken
from tests.sound_server import Recording, SoundServer

_MIN_SPEECH = 0.25  # a busy machine tears holes into the virtual room; that much starts no turn


async def test_what_is_said_is_kept_with_its_time(sound: SoundServer) -> None:
    async with open_engine() as heard:
        found, begins = await hears(heard, sound)
        assert likeness(found, BURST) > 0.98
        assert begins == pytest.approx(0, abs=0.15)


async def test_frames_come_while_it_analyses_and_only_then(sound: SoundServer) -> None:
    judged = threading.Event()
    async with open_engine(activity=lambda frame: judged.set() or 0.7) as heard:
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
    async with open_engine(activity=SileroActivity()) as heard:
        heard.engine.analysing = True
        said = sound.speak(spoken("Hello there, how are you today?"))
        frames = await heard.frames_until(said.ends)
        assert max(frame.speech for frame in frames) > 0.9
        assert max(frame.level for frame in frames) > 0.02


async def test_clauses_are_heard_whole_and_told_of(sound: SoundServer) -> None:
    with sound.record() as recording:
        async with open_engine() as heard:
            for tag, seconds in ((1, 0.4), (2, 0.3)):
                heard.engine.play(tag, tone(seconds))
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
        async with open_engine() as heard:
            heard.engine.play(1, tone(10))
            await asyncio.to_thread(recording.wait_for_sound)
            stopped = heard.engine.now()
            heard.engine.stop()
            await asyncio.to_thread(recording.wait_for_silence)
            silent = recording.last_sound()
            assert silent is not None
            assert silent - stopped < 2
            assert heard.engine.position() is None
            heard.engine.play(2, tone(0.2))
            heard.engine.end(2)
            await heard.until(lambda: bool(heard.of(ClauseEnded)))
            assert [event.tag for event in heard.of(ClauseEnded)] == [2]


async def test_ducking_makes_it_quiet_and_not_silent(sound: SoundServer) -> None:
    with sound.record() as recording:
        async with open_engine() as heard:
            heard.engine.play(1, tone(10))
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
        async with open_engine(echo="cancel", activity=SileroActivity()) as heard:
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
        async with open_engine(
            echo="half_duplex", activity=lambda frame: float(np.abs(frame).max())
        ) as heard:
            heard.engine.analysing = True
            heard.engine.play(1, tone(0.5))
            heard.engine.end(1)
            await heard.until(lambda: bool(heard.of(ClauseEnded)))
            frames = await heard.frames_until(heard.of(ClauseEnded)[0].at)
            assert max(frame.speech for frame in frames) == 0


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
    async with open_engine() as heard:
        heard.engine.play(1, tone(60))
        await heard.until(lambda: bool(heard.of(ClauseStarted)))
        async with asyncio.timeout(PATIENCE):
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
    async with open_engine(echo="cancel") as heard:
        heard.engine.play(1, tone(10))
        await heard.until(lambda: bool(heard.of(ClauseStarted)))
    threads, descriptors = _threads(), _descriptors()
    for _ in range(3):
        async with open_engine(echo="cancel") as heard:
            heard.engine.play(1, tone(10))
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
    async with asyncio.timeout(PATIENCE):
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
