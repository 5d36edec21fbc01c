"""The two streams of the engine: opened, watched, paused, and replaced when a device goes away."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from core.errors import AudioDeviceFailed
from core.voice.engine import portaudio
from core.voice.engine.events import DeviceLost, DeviceOpened, Direction
from core.voice.engine.microphone import Microphone
from core.voice.engine.opening import choose, open_microphone, open_speaker
from core.voice.engine.playback import Playback
from core.voice.engine.sound_server import SERVER_DEVICES, ServerWatch
from core.voice.engine.speaker import Speaker

__all__ = ("DevicesInUse",)

_RESTS_AFTER = 10.0
"""Seconds of silence after which the speaker's stream is paused."""
_FIRST_RETRY = 0.25
_LONGEST_RETRY = 5.0
"""Seconds between tries to find a device that is missing, at first and in the end."""
_SAFER_LATENCIES = (0.1, 0.2)
"""Seconds buffered by a speaker that runs dry with the least there is, and by one that still does. More
would be heard too long after it was stopped."""
_UNDERFLOWS = 3
"""Times a stream runs dry until another takes its place that holds more."""
_QUIET = 5.0
"""Seconds after the last sound or speech from which on a tenth of a second of both can be spared."""
_DIRECTIONS: tuple[Direction, Direction] = ("microphone", "speaker")


class DevicesInUse:
    """Microphone and speaker of the engine; used on the engine's thread only.

    Args:
        wanted: the directions to open, each with the name of a device or ``None`` for the default.
        wake: wakes the engine's thread; called by the streams.
        report: takes what happens to the devices.

    Attributes:
        microphone: the open one; ``None`` while there is none.
        speaker: likewise.
    """

    def __init__(
        self,
        wanted: dict[Direction, str | None],
        playback: Playback,
        wake: Callable[[], None],
        report: Callable[[DeviceLost | DeviceOpened], None],
    ) -> None:
        self.microphone: Microphone | None = None
        self.speaker: Speaker | None = None
        self._wanted = wanted
        self._playback = playback
        self._wake = wake
        self._report = report
        self._lost: set[Direction] = set()
        self._retry_at = math.inf
        self._retry_after = _FIRST_RETRY
        self._sound_expected = -math.inf
        self._latency: dict[str, float] = {}
        self._earlier_xruns = 0
        self._server_changed = False
        self._server_watch = ServerWatch(self._note_change)

    @property
    def xruns(self) -> int:
        """Times the devices lost samples or ran dry in the middle of a sound."""
        streams = (self._stream(direction) for direction in _DIRECTIONS)
        return self._earlier_xruns + sum(stream.xruns for stream in streams if stream)

    def open(self) -> None:
        """Open what is not open, or say what is missing and go on looking for it.

        Raises:
            VoiceUnavailable: a package or a library is missing.
            AudioDeviceFailed: none can be opened; nothing is looked for then.
        """
        if self._complete:
            return
        if not self.microphone and not self.speaker:
            portaudio.renew()
        failures = self._open_missing()
        if len(failures) == len(self._wanted):
            self.close()
            raise next(iter(failures.values()))
        for direction, failure in failures.items():
            self._lost.add(direction)
            self._report(DeviceLost(direction, self._wanted[direction] or "", str(failure)))
        self._look_again(time.monotonic())
        self._server_watch.start()

    @property
    def _complete(self) -> bool:
        return all(self._stream(direction) for direction in self._wanted)

    def close(self) -> None:
        """Let go of both, and look for none."""
        for direction in _DIRECTIONS:
            self._drop(direction)
        self._lost.clear()
        self._retry_at = math.inf
        self._server_watch.close()

    def watch(self, now: float) -> None:
        """Notice what went away, look for what is missing, pause what is not needed."""
        for direction in _DIRECTIONS:
            stream = self._stream(direction)
            if stream is not None and (reason := stream.lost(now)):
                self._lose(direction, reason)
        if self._server_changed:
            self._server_changed = False
            self._follow_server()
        if now >= self._retry_at:
            self._retry(now)
        speaker = self.speaker
        if speaker is None or speaker.resting:
            return
        if speaker.xruns >= _UNDERFLOWS and (safer := self._safer_latency(speaker.name)):
            self._buffer(speaker, safer)
        elif now - max(self._sound_expected, speaker.sounds_until, speaker.opened) > _RESTS_AFTER:
            speaker.rest()

    def expect_sound(self, now: float) -> None:
        """Something is to be played now, or may be soon: have the speaker run."""
        self._sound_expected = now
        if self.speaker is not None and self.speaker.resting:
            try:
                self.speaker.rouse()
            except portaudio.load().PortAudioError:
                self._lose("speaker", "it does not start again")

    def _stream(self, direction: Direction) -> Microphone | Speaker | None:
        return self.microphone if direction == "microphone" else self.speaker

    def _open(self, direction: Direction) -> str:
        """Open one; returns its name."""
        wanted = self._wanted[direction]
        if direction == "microphone":
            self.microphone = open_microphone(wanted, self._wake)
            return self.microphone.name
        self.speaker = open_speaker(wanted, self._latency, self._playback, self._wake)
        return self.speaker.name

    def _open_missing(self) -> dict[Direction, AudioDeviceFailed]:
        """Open what is missing, telling of it; returns why the rest cannot be."""
        failures: dict[Direction, AudioDeviceFailed] = {}
        for direction in self._wanted:
            if self._stream(direction) is not None:
                continue
            try:
                name = self._open(direction)
            except AudioDeviceFailed as failure:
                failures[direction] = failure
                continue
            again = direction in self._lost
            wanted = self._wanted[direction]
            if wanted not in {None, name} and not again:
                self._report(DeviceLost(direction, wanted or "", "it is not connected"))
            self._lost.discard(direction)
            self._report(DeviceOpened(direction, name, again))
        return failures

    def _lose(self, direction: Direction, reason: str) -> None:
        stream = self._stream(direction)
        assert stream is not None
        self._drop(direction)
        self._lost.add(direction)
        self._report(DeviceLost(direction, stream.name, reason))
        self._retry_at, self._retry_after = -math.inf, _FIRST_RETRY

    def _drop(self, direction: Direction) -> None:
        stream = self._stream(direction)
        if stream is None:
            return
        stream.close()
        self._earlier_xruns += stream.xruns
        if direction == "microphone":
            self.microphone = None
        else:
            self.speaker = None

    def _retry(self, now: float) -> None:
        """Try to open what is missing, on a fresh list of devices where that disturbs nobody."""
        just_lost = self._retry_at == -math.inf
        if just_lost or now - self._sound_expected > _QUIET or not (self.microphone or self.speaker):
            self._renew()
        self._open_missing()  # what fails was told when it was lost
        self._look_again(now)

    def _note_change(self) -> None:
        """On the watch's thread."""
        self._server_changed = True
        self._wake()

    def _follow_server(self) -> None:
        """Move to the device that would be chosen now: another default, or the wanted one that is back."""
        for direction in _DIRECTIONS:
            stream = self._stream(direction)
            if stream is None or (chosen := choose(direction, self._wanted[direction])).name == stream.name:
                continue
            if chosen.name in SERVER_DEVICES:  # a busy server did not answer: nothing is known of its devices
                continue
            gone = stream.name not in chosen.among
            self._lose(direction, "it was unplugged" if gone else f"{chosen.name} takes its place")

    def _look_again(self, now: float) -> None:
        if self._complete:
            self._retry_at, self._retry_after = math.inf, _FIRST_RETRY
            self._server_watch.start()
        else:
            self._retry_at = now + self._retry_after
            self._retry_after = min(2 * self._retry_after, _LONGEST_RETRY)

    def _renew(self) -> None:
        """Renew PortAudio's list of devices, which ends every stream: what was open is opened anew."""
        names = {direction: stream.name for direction in _DIRECTIONS if (stream := self._stream(direction))}
        for direction in names:
            self._drop(direction)
        portaudio.renew()
        for direction, name in names.items():
            self._reopen(direction, name)

    def _safer_latency(self, name: str) -> float | None:
        present = self._latency.get(name, 0.0)
        return next((seconds for seconds in _SAFER_LATENCIES if seconds > present), None)

    def _buffer(self, speaker: Speaker, seconds: float) -> None:
        self._latency[speaker.name] = seconds
        self._drop("speaker")
        self._reopen("speaker", speaker.name)

    def _reopen(self, direction: Direction, name: str) -> None:
        """Open what was closed only to be opened again; nobody needs to know unless that fails."""
        try:
            self._open(direction)
        except AudioDeviceFailed as failure:
            self._lost.add(direction)
            self._report(DeviceLost(direction, name, str(failure)))
            self._retry_at = -math.inf
