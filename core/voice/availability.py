"""What keeps the voice loop from working here, and the command that mends it.

A package, a system library, a sound device: the three things that can be missing, in this order, since
each is needed to learn of the next. Nothing of the voice loop is imported to find out.
"""

from __future__ import annotations

import ctypes.util
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from core.errors import VoiceUnavailable
from core.extras import install_command

__all__ = (
    "Missing",
    "check_available",
    "check_packages",
    "espeak_command",
    "find_missing",
    "package_command",
)

_PACKAGES = {
    "numpy": "numpy",
    "sounddevice": "sounddevice",
    "soxr": "soxr",
    "faster_whisper": "faster-whisper",
    "pyttsx3": "pyttsx3",
}
"""What is imported, and what it is called where packages are installed from."""

_PORTAUDIO = {
    "apt": "libportaudio2",
    "dnf": "portaudio",
    "pacman": "portaudio",
    "zypper": "libportaudio2",
    "apk": "portaudio",
}
_ESPEAK = dict.fromkeys(("apt", "pacman", "zypper", "dnf", "apk"), "espeak-ng")
_INSTALL = {
    "apt": "sudo apt install",
    "dnf": "sudo dnf install",
    "pacman": "sudo pacman -S",
    "zypper": "sudo zypper install",
    "apk": "sudo apk add",
}
_FAMILIES = {
    "debian": "apt",
    "ubuntu": "apt",
    "fedora": "dnf",
    "rhel": "dnf",
    "arch": "pacman",
    "suse": "zypper",
    "alpine": "apk",
}


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is not there.

    Attributes:
        kind: ``package``, ``library`` of the system, or ``device``.
        what: for the user, such as "The system library PortAudio".
        mend: the command that brings it, or what to do.
        needed: for hearing, for speaking, or for both.
    """

    kind: Literal["package", "library", "device"]
    what: str
    mend: str
    needed: Literal["both", "hearing", "speaking"] = "both"


def find_missing(*, local_voice: bool = True) -> list[Missing]:
    """All that is missing, what is needed first first; empty where voice can be tried.

    Args:
        local_voice: answers are to be spoken by a voice of this system.
    """
    packages = [name for module, name in _PACKAGES.items() if find_spec(module) is None]
    if packages:
        return [Missing("package", _listed(packages), install_command("voice"))]
    missing = []
    if sys.platform == "linux":
        if ctypes.util.find_library("portaudio") is None:
            missing.append(Missing("library", "The system library PortAudio", package_command(_PORTAUDIO)))
        if local_voice and not _has_espeak():
            missing.append(Missing("library", "The speech engine eSpeak NG", espeak_command(), "speaking"))
        if not missing and not _has_sound():
            hint = "Start PulseAudio or PipeWire; over SSH or in a container there is none as a rule."
            missing.append(Missing("device", "A sound server or sound card", hint))
    return missing


def check_available() -> None:
    """Go on only where voice can be tried.

    Raises:
        VoiceUnavailable: a package or system library is missing that nothing works without.
    """
    _check("package", "library")


def check_packages() -> None:
    """Go on only where the packages are there: for files, which need neither microphone nor speaker.

    Raises:
        VoiceUnavailable: one is missing.
    """
    _check("package")


def _check(*kinds: str) -> None:
    for missing in find_missing():
        if missing.needed == "both" and missing.kind in kinds:
            raise VoiceUnavailable(f"{missing.what} is missing.", hint=f"Install it: {missing.mend}")


def espeak_command() -> str:
    """The commands that bring eSpeak NG, either of which does."""
    return f"{package_command(_ESPEAK)}   or   {install_command('espeak')}"


def package_command(names: dict[str, str], os_release: Path = Path("/etc/os-release")) -> str:
    """The command that installs a system package here; ``names`` has its name by package manager."""
    manager = _package_manager(os_release)
    return f"{_INSTALL[manager]} {names[manager]}"


def _package_manager(os_release: Path) -> str:
    try:
        lines = os_release.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    names = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".replace('"', "").split()
    return next((manager for name, manager in _FAMILIES.items() if any(name in own for own in names)), "apt")


def _has_espeak() -> bool:
    names = ("espeak-ng", "espeak")
    return any(map(ctypes.util.find_library, names)) or find_spec("espeakng_loader") is not None


def _has_sound() -> bool:
    """Whether a sound server or a sound card can be seen from here."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    sockets = (runtime / "pulse/native", runtime / "pipewire-0")
    return (
        bool(os.environ.get("PULSE_SERVER"))
        or any(place.exists() for place in sockets)
        or any(Path("/dev/snd").glob("pcm*"))
    )


def _listed(packages: list[str]) -> str:
    if len(packages) == 1:
        return f"The package {packages[0]}"
    extra = "The voice extra" if len(packages) == len(_PACKAGES) else "Part of the voice extra"
    return f"{extra} ({', '.join(packages[:-1])} and {packages[-1]})"
