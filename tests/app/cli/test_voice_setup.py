"""`tensorwall voice setup` as its users run it, with a sound server for their devices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from core.voice.transcription.models import known_model
from tests.app.cli.conftest import OnTerminal, Run
from tests.sound_server import RATE, SoundServer
from tests.voice_models import Clip

Open = Callable[..., OnTerminal]


@pytest.fixture
def noise(sound: SoundServer) -> None:
    """What any real microphone hears all the time."""
    sound.speak(np.random.default_rng(0).normal(0, 0.0005, 100 * RATE).astype(np.float32))


def found(tensorwall: Run, *arguments: str, status: int = 0) -> dict[str, dict[str, str]]:
    ran = tensorwall("voice", "setup", "--format", "json", *arguments)
    assert ran.status == status, ran.out + ran.err
    return {row["name"]: row for row in ran.json}


def test_all_is_well_and_the_model_is_kept(tensorwall: Run, noise: None, random_whisper: Path) -> None:
    rows = found(tensorwall, "--model", str(random_whisper))
    assert {row["state"] for row in rows.values()} == {"ok"}
    assert rows["microphone"]["finding"].startswith("noise at -")
    assert rows["speaker"]["finding"].startswith("Speaker")
    assert "Whisper" in rows["transcription"]["finding"]
    assert str(random_whisper) in tensorwall("config", "show").out


def test_a_microphone_without_a_sound(tensorwall: Run, sound: SoundServer, random_whisper: Path) -> None:
    rows = found(tensorwall, "--model", str(random_whisper), status=1)
    assert rows["microphone"]["state"] == "broken"
    assert "muted" in rows["microphone"]["mend"]


def test_a_person_chooses_and_speaks(
    on_terminal: Open, sound: SoundServer, noise: None, whisper_weights: Path, speech: tuple[Clip, ...]
) -> None:
    clip = next(clip for clip in speech if "young man" in clip.words)
    with sound.second_microphone("Headset"):
        hiss = np.random.default_rng(1).normal(0, 0.0005, 60 * RATE).astype(np.float32)
        sound.speak(hiss, microphone="Headset-room")
        terminal = on_terminal("voice", "setup", "--model", str(whisper_weights))
        listed = terminal.expect("Number")
        (line,) = [line for line in listed.splitlines() if line.endswith("Headset")]
        terminal.send(f"{line.split()[0]}\r")
        terminal.expect("Kept: voice.microphone = Headset")
        terminal.expect("Number")
        terminal.send("0\r")
        terminal.expect("say something")
        sound.speak(clip.samples(), microphone="Headset-room")
        terminal.expect("understood +“.*young man")
        assert terminal.wait() == 0


def test_devices_by_the_beginning_of_their_name(
    tensorwall: Run, sound: SoundServer, random_whisper: Path
) -> None:
    model = ("--model", str(random_whisper), "--no-check")
    with sound.second_microphone("Headset"):
        assert tensorwall("voice", "setup", *model, "--microphone", "head").status == 0
        assert 'microphone = "Headset"' in tensorwall("config", "show").out
        wrong = tensorwall("voice", "setup", *model, "--speaker", "Megaphone")
    assert wrong.status == 2
    assert "No speakers begin with 'Megaphone'" in wrong.err
    assert "Speaker" in wrong.err


def test_a_folder_that_is_no_model(tensorwall: Run, tmp_path: Path) -> None:
    ran = tensorwall("voice", "setup", "--model", str(tmp_path))
    assert ran.status == 1
    assert "has no model.bin" in ran.err


def test_a_hub_that_cannot_be_reached(tensorwall: Run) -> None:
    ran = tensorwall("voice", "setup", "--model", "tiny", env={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert ran.status == 1
    assert "127.0.0.1:9 cannot be reached" in ran.err
    assert "goes on from there" in ran.err


@pytest.fixture
def hub(whisper_weights: Path, tmp_path: Path) -> Iterator[str]:
    """Serves Whisper base as the hub does."""
    known = known_model("base")
    assert known is not None
    place = tmp_path / "hub" / known.repository / "resolve"
    place.mkdir(parents=True)
    (place / known.revision).symlink_to(whisper_weights)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "hub"))) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_weights_are_fetched_in_sight(tensorwall: Run, sound: SoundServer, hub: str, tmp_path: Path) -> None:
    ran = tensorwall("voice", "setup", "--model", "base", "--no-check", env={"HF_ENDPOINT": hub})
    assert ran.status == 0, ran.err
    assert "base: 147.9 MB of 147.9 MB (100%)" in ran.err
    again = tensorwall("voice", "setup", "--no-check")
    assert again.status == 0
    assert "base" not in again.err


def test_a_download_can_be_declined(on_terminal: Open) -> None:
    terminal = on_terminal("voice", "setup", "--model", "tiny")
    terminal.expect(r"Download it \(78 MB\)\? \[Y/n\]")
    terminal.send("n\r")
    terminal.expect("tiny is not on this machine")
    assert terminal.wait() == 1
