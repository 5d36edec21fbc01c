"""A microphone and a speaker on a machine that has neither: a private PulseAudio server.

PortAudio reaches it through ALSA's pulse plugin, as it does on any Linux desktop, and shows two devices,
``pulse`` and ``default``. What tests say is heard by the microphone (`SoundServer.speak`), what the program
plays can be recorded (`SoundServer.record`), and the one can be led into the other as in a room
(`SoundServer.echo`). All times are seconds of ``time.monotonic()``.

The library reads the server's address from the environment when it opens a stream, PortAudio lists devices
when it is initialised: ``tests/conftest.py`` sets `SoundServer.environment` before a worker's first test, and
the server starts at that address when a test first asks for it. Until then, and on a machine without
PulseAudio, tests see a machine without sound; none sees the developer's own microphone.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.pulse_stream import RATE, PulseFailed, PulseStream

__all__ = ("RATE", "Recording", "SoundServer", "Spoken", "what_is_missing")

Samples = NDArray[np.float32]

_PROGRAMS = {"pulseaudio": "pulseaudio", "pactl": "pulseaudio-utils", "setpriv": "util-linux"}
_ALSA_PLUGIN = "libasound_module_pcm_pulse.so"
_LATENCY = 20  # ms: how often the sinks render
_LOUD = 0.005  # -46 dB: above the dither of 16 bits, below any speech
_PATIENCE = 20.0

_ALSA = """\
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse hint { show on description "virtual sound" } }
ctl.!default { type pulse }
"""

# A null sink that nobody holds to a short period renders two seconds at a time, and what records it
# begins with the last two seconds: hence the loopbacks into `keep`.
_SETUP = """\
load-module module-native-protocol-unix socket={socket} auth-anonymous=1
load-module module-null-sink sink_name=speaker rate=48000 sink_properties={name}=Speaker
load-module module-null-sink sink_name=room rate=48000 channels=1 sink_properties={name}=Room
load-module module-remap-source source_name=microphone master=room.monitor source_properties={name}=Microphone
load-module module-null-sink sink_name=keep rate=48000 channels=1 sink_properties={name}=Keep
load-module module-loopback source=room.monitor sink=keep latency_msec={latency}
load-module module-loopback source=speaker.monitor sink=keep latency_msec={latency}
set-default-sink speaker
set-default-source microphone
"""


def what_is_missing() -> str:
    """Why there is no virtual sound on this machine; empty where there is."""
    if sys.platform != "linux":
        return "PulseAudio's null devices are for Linux"
    missing = [package for program, package in _PROGRAMS.items() if not shutil.which(program)]
    if not any(Path(root).glob(f"**/alsa-lib/{_ALSA_PLUGIN}") for root in ("/usr/lib", "/usr/lib64")):
        missing.append("libasound2-plugins")
    if find_library("portaudio") is None:
        missing.append("libportaudio2")
    return f"not installed: {' '.join(missing)}" if missing else ""


class SoundServer:
    """A PulseAudio process of one's own, with a speaker and a microphone.

    Attributes:
        address: of the server, as ``PULSE_SERVER`` has it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._socket = directory / "socket"
        self._process: subprocess.Popen[bytes] | None = None
        self._spoken: list[Spoken] = []
        self.address = f"unix:{self._socket}"
        # From the start: PortAudio aborts the process where ALSA's configuration is missing.
        (directory / "asound.conf").write_text(_ALSA)

    def environment(self) -> dict[str, str]:
        """What sends a program's sound here, and nowhere else."""
        return {
            "PULSE_SERVER": self.address,
            "PULSE_RUNTIME_PATH": str(self._directory),
            "PULSE_COOKIE": str(self._directory / "cookie"),
            "ALSA_CONFIG_PATH": str(self._directory / "asound.conf"),
        }

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it plays and records; running already, it does nothing.

        It ends with the thread that started it, even by SIGKILL: so that is the main thread.
        """
        assert threading.current_thread() is threading.main_thread()
        if self.running:
            return
        self._socket.unlink(missing_ok=True)
        setup = self._directory / "setup.pa"
        setup.write_text(_SETUP.format(socket=self._socket, latency=_LATENCY, name="device.description"))
        command = (
            "setpriv --pdeathsig TERM pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no "
            "--disable-shm=yes --high-priority=no --realtime=no --log-target=stderr -F"
        )
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command.split(), str(setup)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment(), "HOME": str(self._directory)},
                start_new_session=True,
            )
        self._wait_until_it_runs()

    def kill(self) -> None:
        """End it as a crash would: every device is gone. `start` brings them back at the same address."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def speak(self, samples: Samples, *, microphone: str = "room") -> Spoken:
        """Say something into the microphone: ``samples`` at `RATE`, from -1 to 1, at most two minutes.

        Several at once are mixed.
        """
        spoken = Spoken(*PulseStream.play(self.address, microphone, samples), len(samples) / RATE)
        self._spoken.append(spoken)
        return spoken

    def hush(self) -> None:
        """Nothing that was said is heard any longer."""
        for spoken in self._spoken:
            spoken.stop()
        self._spoken.clear()

    @contextmanager
    def record(self, device: str = "speaker.monitor") -> Iterator[Recording]:
        """Record what the program plays, or (``room.monitor``) what the microphone hears."""
        with PulseStream.record(self.address, device) as stream:
            recording = Recording(stream)
            try:
                yield recording
            finally:
                recording.stop()

    @contextmanager
    def echo(self, *, gain: float = -10, delay: float = 0.15) -> Iterator[None]:
        """Lead the speaker into the microphone, ``gain`` dB louder and ``delay`` seconds later."""
        module = self._control(
            "load-module", "module-loopback", "source=speaker.monitor", "sink=room",
            f"latency_msec={round(delay * 1000)}",
        )  # fmt: skip
        try:
            inputs = json.loads(self._control("--format=json", "list", "sink-inputs"))
            (mine,) = (row["index"] for row in inputs if str(row["owner_module"]) == module)
            self._control("set-sink-input-volume", str(mine), f"{gain}dB")
            yield
        finally:
            self._control("unload-module", module)

    @contextmanager
    def second_microphone(self, name: str) -> Iterator[None]:
        """One more microphone, plugged in for as long as the context lasts; ``speak(microphone=...)``."""
        with (
            self._module("module-null-sink", f"sink_name={name}-room", "rate=48000", "channels=1"),
            self._module(
                "module-remap-source",
                f"source_name={name}",
                f"master={name}-room.monitor",
                f"source_properties=device.description={name}",
            ),
        ):
            yield

    @contextmanager
    def second_speaker(self, name: str) -> Iterator[None]:
        """One more speaker, plugged in for as long as the context lasts; ``record(f"{name}.monitor")``."""
        with self._module(
            "module-null-sink",
            f"sink_name={name}",
            "rate=48000",
            "channels=2",
            f"sink_properties=device.description={name}",
        ):
            yield

    @contextmanager
    def _module(self, *arguments: str) -> Iterator[None]:
        module = self._control("load-module", *arguments)
        try:
            yield
        finally:
            if self.running:
                self._control("unload-module", module)

    def _control(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pactl", f"--server={self.address}", *arguments],
            env={**os.environ, **self.environment(), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"pactl {' '.join(arguments)}: {done.stderr.strip()}"
        return done.stdout.strip()

    def _wait_until_it_runs(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self.running:
            try:
                for device in ("room.monitor", "speaker.monitor"):
                    self._wait_for_short_period(device)
            except PulseFailed:
                time.sleep(0.02)  # the socket is not there yet: nothing tells when it will be
            else:
                return
        log = (self._directory / "log").read_text(errors="replace")
        raise AssertionError(f"the sound server did not start:\n{log[-2000:]}")

    def _wait_for_short_period(self, device: str) -> None:
        with PulseStream.record(self.address, device) as stream:
            for number, _ in enumerate(stream.blocks()):
                if number == 20:
                    return

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=_PATIENCE)
            self._process = None


class Spoken:
    """Something on its way into the microphone.

    Attributes:
        began: when its first sample is heard.
        ends: when its last one is.
    """

    def __init__(self, stream: PulseStream, began: float, seconds: float) -> None:
        self._stream = stream
        self.began = began
        self.ends = began + seconds

    def wait(self) -> None:
        """Return when all of it has been heard."""
        time.sleep(max(0.0, self.ends - time.monotonic()))
        self._stream.close()

    def stop(self) -> None:
        """Fall silent now; said already, it does nothing."""
        self._stream.close()


class Recording:
    """What is recorded, while it goes on and after."""

    def __init__(self, stream: PulseStream) -> None:
        self._stream = stream
        self._blocks: list[Samples] = []
        self._starts: list[float] = []
        self._grown = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._read, name="recording", daemon=True)
        self._thread.start()
        self._wait(lambda: bool(self._blocks), _PATIENCE)

    @property
    def samples(self) -> Samples:
        """All of it so far, at `RATE`."""
        with self._grown:
            return np.concatenate(self._blocks)

    @property
    def began(self) -> float:
        """When its first sample sounded."""
        # Every block tells; the middle of what they tell is not bent by one that was read late.
        with self._grown:
            numbers = np.arange(len(self._starts)) * (len(self._blocks[0]) / RATE)
            return float(np.median(np.asarray(self._starts) - numbers))

    def between(self, since: float, until: float) -> Samples:
        """What sounded in that interval, as far as it is recorded."""
        began = self.began
        first, last = (max(0, round((at - began) * RATE)) for at in (since, until))
        return self.samples[first:last]

    def first_sound(self, since: float = 0.0, *, louder_than: float = _LOUD) -> float | None:
        """When the first sound after ``since`` began; ``None`` while there is none."""
        began, samples = self.began, self.samples
        skipped = max(0, round((since - began) * RATE))
        loud = np.flatnonzero(np.abs(samples[skipped:]) > louder_than)
        return began + (skipped + int(loud[0])) / RATE if len(loud) else None

    def last_sound(self, *, louder_than: float = _LOUD) -> float | None:
        """When the last sound so far ended."""
        began, samples = self.began, self.samples
        loud = np.flatnonzero(np.abs(samples) > louder_than)
        return began + (int(loud[-1]) + 1) / RATE if len(loud) else None

    def wait_for_sound(self, since: float = 0.0, *, within: float = _PATIENCE) -> float:
        """Wait for a sound after ``since``; gives when it began. In async tests: ``asyncio.to_thread``."""
        self._wait(lambda: self.first_sound(since) is not None, within)
        sound = self.first_sound(since)
        assert sound is not None
        return sound

    def wait_for_silence(self, seconds: float = 0.3, *, within: float = _PATIENCE) -> float:
        """Wait until it has been silent for that long; gives when the last sound ended, 0 for none."""

        def silent() -> bool:
            quiet = self.samples[-round(seconds * RATE) :]
            return len(quiet) >= seconds * RATE and bool(np.abs(quiet).max() <= _LOUD)

        self._wait(silent, within)
        return self.last_sound() or 0.0

    def stop(self) -> None:
        """End it; what was recorded stays."""
        self._over = True
        self._thread.join(_PATIENCE)

    def _read(self) -> None:
        try:
            for began, block in self._stream.blocks():
                with self._grown:
                    self._starts.append(began)
                    self._blocks.append(block)
                    self._grown.notify_all()
                if self._over:
                    return
        except PulseFailed:
            return  # the server was killed: the recording ends there

    def _wait(self, reached: Callable[[], bool], within: float) -> None:
        with self._grown:
            assert self._grown.wait_for(reached, within), f"nothing of the kind was heard in {within} s"
