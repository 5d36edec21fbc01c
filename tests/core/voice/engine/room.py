"""A room in virtual time: a microphone that hears a speaker, on a machine whose callbacks may come late.

The streams are those of the engine; only PortAudio below them and the clock are played.
"""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.voice.audio import SAMPLE_RATE, Frame, PcmChunk, Samples
from core.voice.engine import microphone, portaudio, speaker
from core.voice.engine.echo import EchoPolicy
from core.voice.engine.kept_sound import KeptSound
from core.voice.engine.listening import Listening
from core.voice.engine.microphone import Microphone
from core.voice.engine.playback import Playback
from core.voice.engine.speaker import Speaker

__all__ = ("Room",)

_BLOCK = SAMPLE_RATE // 100
_TICK = 0.01
_LATE = 2_400
_GAIN = 10 ** (-10 / 20)
"""The microphone hears the speaker 150 ms later and 10 dB softer."""


class Room:
    """Microphone and speaker at 16 kHz; `run` lets time pass.

    Args:
        buffered: blocks of 10 ms that the speaker's device holds when all is well.
        held: blocks that the microphone's device can hold before it loses some.
        waits: whether a callback that comes late was told its times before, and waited for Python then.
        tells: whether the speaker's device says that it ran dry; sound servers may keep it to themselves.

    Attributes:
        now: seconds of the engine's clock.
        frames: what was reported.
        kept: what the microphone heard, echo dealt with.
    """

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        echo: EchoPolicy,
        activity: Any,
        *,
        buffered: int = 3,
        held: int = 100,
        waits: bool = False,
        tells: bool = True,
    ) -> None:
        self.now = 100.0
        self.frames: list[Frame] = []
        self.kept = KeptSound(60.0)
        self.playback = Playback(1.0)
        self._buffered = buffered
        self._held = held
        self._waits = waits
        self._tells = tells
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(microphone, "time", clock)
        monkeypatch.setattr(speaker, "time", clock)
        monkeypatch.setattr(portaudio, "load", lambda: self)
        self.speaker = Speaker("Speaker", SAMPLE_RATE, 1, self.playback, lambda: None)
        self.microphone = Microphone("Microphone", SAMPLE_RATE, 1, lambda: None)
        self.speaker.start(None, "low")
        self.microphone.start(None)
        self.listening = Listening(activity, self.kept, echo)
        self.listening.analysing = True
        self._device: deque[Samples] = deque(np.zeros((buffered, _BLOCK), np.float32))
        self._captured: deque[Samples] = deque()
        self._air = np.zeros(_LATE + _BLOCK, np.float32)
        self._underflow = self._overflow = False
        self._noise = np.random.default_rng(2)

    def RawOutputStream(self, *, callback: Any, **_options: Any) -> Any:  # noqa: N802  # PortAudio's name
        """Stands for PortAudio's."""
        self._play = callback
        return SimpleNamespace(start=lambda: None)

    def RawInputStream(self, *, callback: Any, **_options: Any) -> Any:  # noqa: N802
        """Stands for PortAudio's."""
        self._hear = callback
        return SimpleNamespace(start=lambda: None)

    def say(self, tag: int, samples: Samples) -> None:
        """Play a clause."""
        pcm = (np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()
        self.playback.play(tag, PcmChunk(pcm, SAMPLE_RATE))
        self.playback.end(tag)

    def run(self, seconds: float, *, stalled: bool = False, user: Samples | None = None) -> None:
        """Let time pass; the program does not get to run while ``stalled``, its devices go on."""
        for tick in range(round(seconds / _TICK)):
            self.now += _TICK
            near = self._sound_in_the_room()
            if user is not None and len(voice := user[tick * _BLOCK : (tick + 1) * _BLOCK]) == _BLOCK:
                near = near + voice
            self._captured.append(near)
            if len(self._captured) > self._held:
                self._captured.popleft()
                self._overflow = True
            if not stalled:
                self._program()

    def _sound_in_the_room(self) -> Samples:
        if self._device:
            played = self._device.popleft()
        else:
            played, self._underflow = np.zeros(_BLOCK, np.float32), self._tells
        self._air = np.concatenate((self._air[_BLOCK:], played))
        near = 1e-4 * self._noise.standard_normal(_BLOCK)
        near += _GAIN * self._air[:_BLOCK]
        return near.astype(np.float32)

    def _program(self) -> None:
        """The callbacks that are due, the two streams' in turns; the engine's thread runs in between."""
        due = max(self._buffered - len(self._device), len(self._captured))
        for number in range(due):
            if len(self._device) < self._buffered:
                self._speaker_callback()
            if self._captured:
                self._microphone_callback()
            if number in {0, due - 1}:
                self._listen()

    def _speaker_callback(self) -> None:
        self.playback.fill()
        block = np.zeros(_BLOCK, np.float32)
        times = SimpleNamespace(
            currentTime=self.now, outputBufferDacTime=self.now + self._held_by_speaker() * _TICK
        )
        status = SimpleNamespace(output_underflow=self._underflow)
        self._play(memoryview(block).cast("B"), _BLOCK, times, status)
        self._underflow = False
        self._device.append(block)

    def _held_by_speaker(self) -> int:
        late = len(self._captured) > 1 and self._waits
        return self._buffered - 1 if late else len(self._device)

    def _microphone_callback(self) -> None:
        begun = self.now - (1 if self._waits else len(self._captured)) * _TICK
        times = SimpleNamespace(currentTime=self.now, inputBufferAdcTime=begun)
        status = SimpleNamespace(input_overflow=self._overflow)
        self._hear(memoryview(self._captured.popleft()).cast("B"), _BLOCK, times, status)
        self._overflow = False

    def _listen(self) -> None:
        captured = self.microphone.read()
        if captured is not None:
            heard = self.listening.hear(captured, self.speaker)
            self.frames += [event for event in heard if isinstance(event, Frame)]
