"""Which microphones and speakers there are, for a picker. As a module: lists PortAudio's as JSON."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import sys
from dataclasses import dataclass

from core.errors import AudioDeviceFailed
from core.voice.engine import portaudio
from core.voice.engine.events import Direction
from core.voice.engine.portaudio import ListedDevice
from core.voice.engine.sound_server import SERVER_DEVICES, ServerDevice, server_devices

__all__ = ("Devices", "list_devices")

_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Devices:
    """Devices by the names that `AudioEngine` takes.

    Attributes:
        default_microphone: the one that is used where none is chosen; ``None`` where there is none.
        default_speaker: likewise.
    """

    microphones: tuple[str, ...]
    speakers: tuple[str, ...]
    default_microphone: str | None
    default_speaker: str | None


async def list_devices() -> Devices:
    """The devices there are now, whatever streams are open.

    PortAudio's list is made once a process, so a process is started for it; what it prints about
    devices it cannot open stays there.

    Raises:
        VoiceUnavailable: a package or a library is missing.
        AudioDeviceFailed: the devices could not be listed.
    """
    return await asyncio.to_thread(_list_devices)


def _list_devices() -> Devices:
    portaudio.load()
    listed = _listed_by_child()
    microphones, default_microphone = _names("microphone", listed["microphone"])
    speakers, default_speaker = _names("speaker", listed["speaker"])
    return Devices(microphones, speakers, default_microphone, default_speaker)


def _names(direction: Direction, listed: list[ListedDevice]) -> tuple[tuple[str, ...], str | None]:
    found: list[ListedDevice] | list[ServerDevice] = listed
    if any(device.name in SERVER_DEVICES for device in listed):
        found = server_devices(direction) or listed
    default = next((device.name for device in found if device.default), None)
    return tuple(dict.fromkeys(device.name for device in found)), default


def _listed_by_child() -> dict[Direction, list[ListedDevice]]:
    command = [sys.executable, "-P", "-m", "core.voice.engine.devices"]
    try:
        done = subprocess.run(  # noqa: S603  # fixed arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=True
        )
        rows = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise AudioDeviceFailed(
            "The audio devices cannot be listed.", hint="See what `tensorwall doctor` says."
        ) from error
    directions: tuple[Direction, Direction] = ("microphone", "speaker")
    return {direction: [ListedDevice(**row) for row in rows[direction]] for direction in directions}


def _main() -> None:
    directions: tuple[Direction, Direction] = ("microphone", "speaker")
    rows = {
        direction: [dataclasses.asdict(device) for device in portaudio.devices(direction)]
        for direction in directions
    }
    sys.stdout.write(json.dumps(rows))


if __name__ == "__main__":
    _main()
