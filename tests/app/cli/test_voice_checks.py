"""`tensorwall doctor` on voice: what is there, what is missing, and the mend."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.cli.voice_checks import no_device
from tests.app.cli.conftest import Run
from tests.sound_server import SoundServer


def rows(tensorwall: Run, **env: str) -> dict[str, dict[str, Any]]:
    ran = tensorwall("doctor", "--format", "json", env=env)
    assert ran.status == 0, ran.out
    return {row["name"]: row for row in ran.json}


def configure(tensorwall: Run, **settings: str) -> None:
    for name, value in settings.items():
        assert tensorwall("config", "set", f"voice.{name}", value).status == 0


def test_all_is_there(tensorwall: Run, sound: SoundServer, random_whisper: Path) -> None:
    configure(tensorwall, model=str(random_whisper))
    found = rows(tensorwall)
    assert found["microphone"]["finding"].startswith("Microphone, the system's default")
    assert found["speaker"]["finding"].startswith("Speaker, the system's default")
    assert str(random_whisper) in found["transcription"]["finding"]
    assert "eSpeak" in found["voice"]["finding"]
    parts = ("microphone", "speaker", "echo", "transcription", "voice")
    assert {found[part]["state"] for part in parts} == {"ok"}


def test_what_was_chosen_and_is_not_there(tensorwall: Run, sound: SoundServer) -> None:
    configure(tensorwall, microphone="Headset", speaker="Earphones", voice="nobody", model="base")
    found = rows(tensorwall)
    assert found["microphone"]["finding"] == "Headset is not there: Microphone is used meanwhile"
    assert found["speaker"]["finding"] == "Earphones is not there: Speaker is used meanwhile"
    assert found["microphone"]["mend"].endswith("tensorwall voice setup")
    assert found["voice"]["mend"] == "tensorwall say --voices"
    assert found["transcription"]["finding"] == "The speech model base is not on this machine."
    assert "tensorwall voice setup --model base" in found["transcription"]["mend"]
    assert {found[part]["state"] for part in ("microphone", "speaker", "transcription", "voice")} == {"note"}


def test_a_model_that_is_half_there(tensorwall: Run, sound: SoundServer, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    configure(tensorwall, model=str(tmp_path / "mine"))
    found = rows(tensorwall)
    assert "has no model.bin" in found["transcription"]["finding"]


def test_without_a_sound_server(tensorwall: Run, tmp_path: Path) -> None:
    if shutil.which("pactl") is None:
        pytest.skip("pulseaudio-utils is not installed")
    found = rows(tensorwall, PULSE_SERVER=f"unix:{tmp_path}/nobody")
    for part in ("microphone", "speaker"):
        assert found[part]["state"] == "note"
        assert found[part]["mend"]


def test_over_ssh_the_sound_is_elsewhere() -> None:
    assert "the far machine's sound" in no_device({"SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"})
    assert no_device({})
