"""PortAudio as sounddevice brings it: loaded when first needed, its failures told in plain words."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Protocol

from core.errors import AudioDeviceFailed, VoiceUnavailable
from core.voice.engine.events import Direction

__all__ = ("Status", "Times", "device_failed", "load", "renew")

_NO_PACKAGE = "pip install 'tensorwall[voice]'"
_NO_LIBRARY = {
    "linux": "sudo apt install libportaudio2 (Fedora: sudo dnf install portaudio; Arch: sudo pacman -S portaudio)",
    "darwin": "brew install portaudio",
}
_BUSY = -9985  # paDeviceUnavailable, https://portaudio.com/docs/v19-doxydocs/portaudio_8h.html
_HOST_ERROR = -9999


class Times(Protocol):
    """When a block passes, in seconds of the stream's own clock."""

    @property
    def currentTime(self) -> float: ...  # noqa: D102, N802  # PortAudio's names
    @property
    def inputBufferAdcTime(self) -> float: ...  # noqa: D102, N802
    @property
    def outputBufferDacTime(self) -> float: ...  # noqa: D102, N802


class Status(Protocol):
    """What went wrong since the last block."""

    @property
    def input_overflow(self) -> bool: ...  # noqa: D102
    @property
    def output_underflow(self) -> bool: ...  # noqa: D102


def load() -> ModuleType:
    """The module `sounddevice`; the first time takes a tenth of a second and looks at every device.

    Raises:
        VoiceUnavailable: the package or the library is not installed.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise VoiceUnavailable("The package sounddevice is not installed.", hint=_NO_PACKAGE) from error
    except OSError as error:
        hint = _NO_LIBRARY.get(sys.platform, "Install PortAudio: https://www.portaudio.com.")
        raise VoiceUnavailable("The library PortAudio is not installed.", hint=hint) from error
    return sounddevice


def renew() -> None:
    """Have PortAudio look for devices again: its list is made once. Ends every stream of the process."""
    sounddevice = load()
    sounddevice._terminate()  # noqa: SLF001  # there is no public way
    sounddevice._initialize()  # noqa: SLF001


def device_failed(direction: Direction, name: str | None, error: Exception) -> AudioDeviceFailed:
    """What to tell the user about a failure to open, from PortAudio's error."""
    code = error.args[1] if len(error.args) > 1 else None
    which = f"The {direction} {name}" if name else f"The {direction}"
    if code == _BUSY:
        return AudioDeviceFailed(
            f"{which} is in use by another program.", hint="Close that program, or choose another device."
        )
    reason = str(error.args[0]) if error.args else type(error).__name__
    hint = "Choose another device, or see what `tensorwall doctor` says."
    if code == _HOST_ERROR and sys.platform in {"darwin", "win32"}:
        hint = f"Allow the terminal to use the {direction} in the system's privacy settings."
    return AudioDeviceFailed(f"{which} cannot be opened: {reason}.", hint=hint)
