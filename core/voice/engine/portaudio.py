"""PortAudio as sounddevice brings it: loaded when first needed, its failures told in plain words."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Protocol

from core.errors import AudioDeviceFailed, VoiceUnavailable
from core.safe_text import safe_text
from core.voice.engine.events import Direction

__all__ = ("ListedDevice", "Status", "Times", "device_failed", "devices", "load", "lost", "renew")

_NO_PACKAGE = "pip install 'tensorwall[voice]'"
_NO_LIBRARY = {
    "linux": "sudo apt install libportaudio2 (Fedora: sudo dnf install portaudio, "
    "Arch: sudo pacman -S portaudio)",
    "darwin": "brew install portaudio",
}
_BUSY = -9985  # paDeviceUnavailable; https://portaudio.com/docs/v19-doxydocs/portaudio_8h.html
_HOST_ERROR = -9999  # paUnanticipatedHostError
_PREFERRED_HOST = "Windows WASAPI"
"""Windows lists each device once for each of its four interfaces; the first one cuts names at 31 letters."""
_BEGINNING = 5.0
"""Seconds without a callback that a device may take as it begins: some take one block and then a rest."""
_SETTLED = 1.0
_SILENCE = 3.0
"""Seconds without a callback after which a device is taken as gone: some go without a word. PulseAudio
renders up to 2 s at once, and may begin to whenever a stream ran dry."""


class Times(Protocol):
    """When a block passes, in seconds of the stream's own clock."""

    currentTime: float  # noqa: N815  # PortAudio's names
    inputBufferAdcTime: float  # noqa: N815
    outputBufferDacTime: float  # noqa: N815


class Status(Protocol):
    """What went wrong since the last block."""

    input_overflow: bool
    output_underflow: bool


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device as PortAudio lists it.

    Attributes:
        index: good until the list is renewed.
        rate: samples a second it prefers.
        channels: as many as it has in the direction asked for.
    """

    index: int
    name: str
    rate: int
    channels: int
    default: bool


def load() -> Any:  # noqa: ANN401  # the module has no types
    """The module `sounddevice`; the first time takes a tenth of a second and looks at every device.

    Raises:
        VoiceUnavailable: the package or the library is not installed.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise VoiceUnavailable("The package sounddevice is not installed.", hint=_NO_PACKAGE) from error
    except OSError as error:
        hint = _NO_LIBRARY.get(sys.platform, "https://www.portaudio.com")
        raise VoiceUnavailable("The library PortAudio is not installed.", hint=hint) from error
    return sounddevice


def renew() -> None:
    """Have PortAudio look for devices again: its list is made once. Ends every stream of the process.

    Raises:
        VoiceUnavailable: the package or the library is not installed.
    """
    if "sounddevice" not in sys.modules:
        load()
        return
    sounddevice = load()
    sounddevice._terminate()  # noqa: SLF001  # there is no public way
    sounddevice._initialize()  # noqa: SLF001


def devices(direction: Direction) -> list[ListedDevice]:
    """The devices of one direction, each once, as PortAudio last saw them."""
    sounddevice = load()
    kind = "input" if direction == "microphone" else "output"
    hosts = sounddevice.query_hostapis()
    chosen = [index for index, host in enumerate(hosts) if host["name"] == _PREFERRED_HOST]
    allowed = chosen or list(range(len(hosts)))
    default = hosts[chosen[0]][f"default_{kind}_device"] if chosen else _default(sounddevice, kind)
    return [
        ListedDevice(
            index=device["index"],
            name=safe_text(device["name"]),
            rate=int(device["default_samplerate"]),
            channels=device[f"max_{kind}_channels"],
            default=device["index"] == default,
        )
        for device in sounddevice.query_devices()
        if device["hostapi"] in allowed and device[f"max_{kind}_channels"] > 0
    ]


def device_failed(direction: Direction, name: str, error: Exception) -> AudioDeviceFailed:
    """What to tell the user about a failure to open, from PortAudio's error."""
    code = error.args[1] if len(error.args) > 1 else None
    which = f"The {direction} {name}".rstrip()
    if code == _BUSY:
        return AudioDeviceFailed(
            f"{which} is in use by another program.", hint="Close that program, or choose another device."
        )
    reason = safe_text(str(error.args[0])) if error.args else type(error).__name__
    hint = "Choose another device, or see what `tensorwall doctor` says."
    if code == _HOST_ERROR and sys.platform in {"darwin", "win32"}:
        hint = f"Allow the terminal to use the {direction} in the system's privacy settings."
    return AudioDeviceFailed(f"{which} cannot be opened: {reason}.", hint=hint)


def lost(ended: bool, opened: float, last_callback: float | None, now: float) -> str:
    """Why a stream can no longer be used, from its signs of life; empty while it can."""
    if ended:
        return "it was unplugged, or the sound server ended"
    latest = opened if last_callback is None else last_callback
    patience = _SILENCE if latest - opened > _SETTLED else _BEGINNING
    return "it fell silent" if now - latest > patience else ""


def _default(sounddevice: Any, kind: str) -> int:  # noqa: ANN401
    try:
        index: int = sounddevice.query_devices(kind=kind)["index"]
    except (sounddevice.PortAudioError, ValueError):
        return -1
    return index
