"""What is missing is found without importing it, and named with the command that mends it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import VoiceUnavailable
from core.voice import availability
from core.voice.availability import (
    check_available,
    check_packages,
    find_missing,
    package_command,
)

NAMES = {"apt": "libportaudio2", "dnf": "portaudio", "pacman": "portaudio", "zypper": "x", "apk": "y"}


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("ID=debian\n", "sudo apt install libportaudio2"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "sudo apt install libportaudio2"),
        ("ID=fedora\n", "sudo dnf install portaudio"),
        ('NAME="Arch"\nID=arch\n', "sudo pacman -S portaudio"),
        ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "sudo zypper install x"),
        ("ID=alpine", "sudo apk add y"),
        ("something else", "sudo apt install libportaudio2"),
    ],
)
def test_system_packages_go_by_the_distribution(release: str, command: str, tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text(release)
    assert package_command(NAMES, tmp_path / "os-release") == command


def test_a_system_that_does_not_say_what_it_is(tmp_path: Path) -> None:
    assert package_command(NAMES, tmp_path / "missing") == "sudo apt install libportaudio2"


def test_missing_packages_are_named_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    here = availability.find_spec
    gone = {"soxr", "faster_whisper"}
    monkeypatch.setattr(availability, "find_spec", lambda name: None if name in gone else here(name))
    (missing,) = find_missing()
    assert missing.kind == "package"
    assert missing.what == "Part of the voice extra (soxr and faster-whisper)"
    assert "[voice]" in missing.mend
    with pytest.raises(VoiceUnavailable, match="soxr and faster-whisper") as error:
        check_available()
    assert missing.mend in error.value.hint
    with pytest.raises(VoiceUnavailable, match="soxr and faster-whisper"):
        check_packages()


@pytest.mark.skipif(sys.platform != "linux", reason="PortAudio comes with the package elsewhere")
def test_missing_libraries_are_told_by_what_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    here = availability.find_spec
    monkeypatch.setattr(availability, "find_spec", lambda name: here(name) if "espeak" not in name else None)
    monkeypatch.setattr(availability.ctypes.util, "find_library", lambda name: None)
    portaudio, espeak = find_missing()
    assert (portaudio.kind, portaudio.needed) == ("library", "both")
    assert (espeak.kind, espeak.needed) == ("library", "speaking")
    assert "libportaudio2" in portaudio.mend or "portaudio" in portaudio.mend
    assert "[espeak]" in espeak.mend
    check_packages()
    assert find_missing(local_voice=False) == [portaudio]


def test_looking_imports_nothing_of_it() -> None:
    program = (
        "import sys; from core.voice.availability import find_missing; find_missing();"
        "print([name for name in ('numpy', 'sounddevice', 'faster_whisper', 'soxr', 'pyttsx3')"
        " if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout.strip() == "[]"
