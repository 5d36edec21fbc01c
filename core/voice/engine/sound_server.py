"""The devices of a PulseAudio or PipeWire server, which PortAudio does not list: it shows only the server."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.safe_text import safe_text
from core.voice.engine.events import Direction

__all__ = ("SERVER_DEVICES", "ServerDevice", "routed_to", "server_devices")

SERVER_DEVICES = ("pulse", "pipewire", "default")
"""PortAudio's names for the server, the surest first."""

_KINDS: dict[Direction, tuple[str, str]] = {"microphone": ("sources", "source"), "speaker": ("sinks", "sink")}
_PATIENCE = 3.0
"""Seconds a server may take to answer."""
_VARIABLES: dict[Direction, str] = {"microphone": "PULSE_SOURCE", "speaker": "PULSE_SINK"}


@dataclass(frozen=True, slots=True)
class ServerDevice:
    """A source or sink.

    Attributes:
        key: what the server calls it.
        name: what people call it.
    """

    key: str
    name: str
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
            found.append(ServerDevice(key, safe_text(fields.get("Description", key)), key == default))
    names = [device.name for device in found]
    return [
        device if names.count(device.name) == 1 else ServerDevice(device.key, device.key, device.default)
        for device in found
    ]


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


def _default(info: str, kind: str) -> str:
    label = f"Default {kind.capitalize()}: "
    return next((line.removeprefix(label) for line in info.splitlines() if line.startswith(label)), "")
