"""The devices of a PulseAudio or PipeWire server, of which PortAudio shows only the server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from core.safe_text import safe_text
from core.voice.engine.events import Direction

__all__ = ("SERVER_DEVICES", "ServerDevice", "ServerWatch", "routed_to", "server_devices")

SERVER_DEVICES = ("pulse", "pipewire", "default")
"""PortAudio's names for the server, the surest first."""

_KINDS: dict[Direction, tuple[str, str]] = {"microphone": ("sources", "source"), "speaker": ("sinks", "sink")}
_OF_INTEREST = re.compile(r"'(new|remove)' on (sink|source) #|'change' on server")
_USUAL_RATE = 48_000
_PATIENCE = 3.0
"""Seconds a server may take to answer."""
_VARIABLES: dict[Direction, str] = {"microphone": "PULSE_SOURCE", "speaker": "PULSE_SINK"}


@dataclass(frozen=True, slots=True)
class ServerDevice:
    """A source or sink.

    Attributes:
        key: what the server calls it.
        name: what people call it.
        rate: samples a second it runs at.
    """

    key: str
    name: str
    rate: int
    default: bool


def server_devices(direction: Direction) -> list[ServerDevice]:
    """The server's devices of one direction, asked anew; none where there is no server, or no ``pactl``."""
    kinds, kind = _KINDS[direction]
    default = _default(_pactl("info"), kind)
    found = []
    for block in _pactl("list", kinds).split("\n\n"):
        fields = dict(line.strip().split(": ", 1) for line in block.splitlines() if ": " in line)
        key = fields.get("Name", "")
        monitors = fields.get("Monitor of Sink", "n/a") != "n/a"
        if key and (not monitors or key == default or direction == "speaker"):
            name = safe_text(fields.get("Description", key))
            found.append(ServerDevice(key, name, _rate(fields), key == default))
    names = [device.name for device in found]
    return [device if names.count(device.name) == 1 else replace(device, name=device.key) for device in found]


@contextmanager
def routed_to(direction: Direction, device: ServerDevice | None) -> Iterator[None]:
    """Have a stream that is opened meanwhile go to ``device``; ``None``: to the server's default.

    libpulse and PipeWire's ALSA plugin read this from the environment as they connect; PortAudio has
    no other way to say it.
    """
    names = (_VARIABLES[direction], "PIPEWIRE_NODE") if device else ()
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, device.key if device else ""))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_UNTIL_STDIN_ENDS = '"$0" subscribe & exec >/dev/null; read -r _; kill $!'
"""Asks until stdin ends, as it does when whoever asks is gone, killed too. `pactl` alone minds no reader
that has gone, and would stay for as long as the server does."""


class ServerWatch:
    """Tells when the server's devices or its default ones change.

    The server moves a stream whose device was unplugged to another one and tells nobody who does not
    ask, so a child process asks. It ends by itself where there is no server, or when that ends.

    Args:
        changed: called on a thread of the watch; may be called when nothing of interest changed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch; does nothing while it does, or without ``pactl``."""
        program = shutil.which("pactl")
        if program is None or (self._process is not None and self._process.poll() is None):
            return
        self.close()
        self._process = subprocess.Popen(  # noqa: S603  # fixed arguments
            ["/bin/sh", "-c", _UNTIL_STDIN_ENDS, program],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )
        self._thread = threading.Thread(target=self._read, args=(self._process,), name="sound-server-watch")
        self._thread.daemon = True
        self._thread.start()

    def close(self) -> None:
        """End the child and the thread."""
        if self._process is None or self._thread is None:
            return
        self._end(self._process)
        self._thread.join()
        self._process = self._thread = None

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if _OF_INTEREST.search(line):
                    self._changed()
        self._end(process)

    def _end(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def _pactl(*arguments: str) -> str:
    program = shutil.which("pactl")
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603  # fixed arguments
            [program, *arguments],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _rate(fields: dict[str, str]) -> int:
    found = re.search(r"(\d+) ?Hz", fields.get("Sample Specification", ""))
    return int(found[1]) if found else _USUAL_RATE


def _default(info: str, kind: str) -> str:
    label = f"Default {kind.capitalize()}: "
    return next((line.removeprefix(label) for line in info.splitlines() if line.startswith(label)), "")
