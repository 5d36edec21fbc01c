"""`tensorwall transcribe` as its users run it: real files, real decoding, Groq played by the simulator."""

from __future__ import annotations

import signal
import subprocess
import wave
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.app.cli.conftest import Run
from tests.simulated import Simulated
from tests.voice_models import Clip

pytestmark = pytest.mark.skipif(
    find_spec("faster_whisper") is None, reason="the voice extra is not installed"
)


@pytest.fixture
def clip(speech: tuple[Clip, ...]) -> Clip:
    return next(clip for clip in speech if "amiable himself" in clip.words)


def test_what_is_said_is_on_stdout(tensorwall: Run, whisper_weights: Path, clip: Clip) -> None:
    ran = tensorwall("transcribe", str(clip.file), "--model", str(whisper_weights), "--language", "en")
    assert (ran.status, ran.out, ran.err) == (0, "He might even have been made amiable himself.\n", "")


def test_json_and_subtitles_have_times(tensorwall: Run, whisper_weights: Path, clip: Clip) -> None:
    options = ("--model", str(whisper_weights), "--language", "en", "--output")
    with clip.file.open("rb") as file:
        answer = tensorwall("transcribe", "-", *options, "json", stdin=file.read()).json
    assert answer["text"] == "He might even have been made amiable himself."
    assert (answer["language"], answer["engine"], answer["complete"]) == ("en", "local", True)
    (segment,) = answer["segments"]
    assert 0.5 < segment["confidence"] <= 1
    assert [word["word"] for word in segment["words"]][-1] == "himself."
    assert segment["words"][-1]["end"] <= segment["end"] + 0.3
    subtitles = tensorwall("transcribe", str(clip.file), *options, "srt").out
    assert subtitles.startswith("1\n00:00:0")
    assert "He might even have been" in subtitles


def test_groq_is_asked_where_that_is_wanted(tensorwall: Run, simulator: Simulated, clip: Clip) -> None:
    simulator.configure(heard="What Groq heard")
    ran = tensorwall("transcribe", str(clip.file), "--groq", "--output", "json")
    assert ran.status == 0
    assert (ran.json["text"], ran.json["engine"], ran.json["model"]) == (
        "What Groq heard", "groq", "whisper-large-v3-turbo",
    )  # fmt: skip
    assert float(ran.json["cost_usd"]) == pytest.approx(0.04 / 360)
    assert ran.err == "Groq whisper-large-v3-turbo: $0.00011\n"


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    file = tmp_path / "silent.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(64_000))
    return file


def test_silence_is_said_to_be_silent(tensorwall: Run, random_whisper: Path, silent: Path) -> None:
    ran = tensorwall("transcribe", str(silent), "--model", str(random_whisper))
    assert (ran.status, ran.out, ran.err) == (0, "", "nothing is said in it\n")


def test_what_cannot_be_used_is_said(
    tensorwall: Run, random_whisper: Path, silent: Path, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader")
    model = ("--model", str(random_whisper))
    for arguments, words in (
        ((str(letter), *model), "is no sound that can be read"),
        (("-", *model), "stdin is empty"),
    ):
        ran = tensorwall("transcribe", *arguments)
        assert ran.status == 2, arguments
        assert words in ran.err
    for model_name, words in (
        ("tiny", "Run `tensorwall voice setup --model tiny` to download it"),
        ("/no/such/model", "does not exist"),
    ):
        ran = tensorwall("transcribe", str(silent), "--model", model_name)
        assert ran.status == 1
        assert words in ran.err


def test_without_the_voice_extra_its_command_is_named(tensorwall: Run, silent: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['numpy'] = None\n")
    for option in ((), ("--groq",)):
        ran = tensorwall("transcribe", str(silent), *option, env={"PYTHONPATH": str(tmp_path)})
        assert (ran.status, ran.out) == (1, "")
        assert "The package numpy is missing.\nInstall it: " in ran.err
        assert "[voice]" in ran.err


def test_what_was_left_out_is_not_called_silence(tensorwall: Run, simulator: Simulated, clip: Clip) -> None:
    simulator.configure(heard="you " * 200)
    ran = tensorwall("transcribe", str(clip.file), "--groq")
    assert "left out 0:00 to 0:0" in ran.err
    assert "nothing was understood in it\n" in ran.err


def test_ctrl_c_keeps_what_came(
    start: Callable[..., subprocess.Popen[bytes]], whisper_weights: Path, clip: Clip, tmp_path: Path
) -> None:
    with wave.open(str(clip.file)) as sound:
        parameters, frames = sound.getparams(), sound.readframes(sound.getnframes())
    file = tmp_path / "long.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setparams(parameters)
        for _ in range(200):
            sound.writeframes(frames + bytes(32_000))
    process = start("transcribe", str(file), "--model", str(whisper_weights), "--language", "en")
    assert process.stdout
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"amiable himself" in first
    assert b"Traceback" not in err
    assert b"stopped at 0:" in err
    assert len(rest.splitlines()) < 20  # of some eighty
