"""`tensorwall say` as its users run it: real eSpeak, real files, a virtual speaker."""

from __future__ import annotations

import io
import signal
import subprocess
import time
import wave
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.app.cli.conftest import COMMAND, ROOT, Run, environment
from tests.sound_server import SoundServer

pytestmark = pytest.mark.skipif(find_spec("pyttsx3") is None, reason="the voice extra is not installed")


def sound_of(data: bytes | Path) -> tuple[np.ndarray, float]:
    """The samples of a WAV, and how many seconds they are."""
    with wave.open(io.BytesIO(data) if isinstance(data, bytes) else str(data)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples, len(samples) / file.getframerate()


def in_bytes(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, cwd=ROOT, env=environment(None), timeout=60
    )


def test_a_text_becomes_a_wave_file(tensorwall: Run, tmp_path: Path) -> None:
    file = tmp_path / "hello.wav"
    ran = tensorwall("say", "Hello, big world.", "-o", str(file))
    assert (ran.status, ran.out) == (0, "")
    samples, seconds = sound_of(file)
    assert 0.8 < seconds < 3
    assert np.abs(samples).max() > 1000
    assert f"{seconds:.1f} s of eSpeak" in ran.err
    assert [path.name for path in tmp_path.glob("*.wav*")] == ["hello.wav"]


def test_markdown_is_spoken_as_it_is_read(tensorwall: Run, tmp_path: Path) -> None:
    plain, marked = tmp_path / "plain.wav", tmp_path / "marked.wav"
    tensorwall("say", "Read the manual now.", "-o", str(plain))
    tensorwall(
        "say",
        "**Read** [the manual](https://example.com/a/long/address?with=things) _now_.",
        "-o",
        str(marked),
    )
    assert sound_of(marked)[1] == pytest.approx(sound_of(plain)[1], abs=0.2)


def test_stdin_is_spoken_and_stdout_takes_the_sound(tmp_path: Path) -> None:
    done = in_bytes("say", "-o", "-", stdin="Größe aus der Röhre.".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert sound_of(done.stdout)[1] > 0.8


def test_rate_voice_and_language_count(tensorwall: Run, tmp_path: Path) -> None:
    def seconds(*options: str) -> float:
        file = tmp_path / "speech.wav"
        assert tensorwall("say", "Eins, zwei, drei, vier", *options, "-o", str(file)).status == 0
        return sound_of(file)[1]

    assert seconds("--rate", "350") < 0.7 * seconds("--rate", "120")
    assert seconds("--language", "de") == pytest.approx(seconds("--voice", "gmw/de"), abs=0.05)


def test_voices_are_listed(tensorwall: Run) -> None:
    ran = tensorwall("say", "--voices")
    head, *rows = ran.out.splitlines()
    assert head.split() == ["id", "language", "name"]
    assert any(row.split()[:2] == ["gmw/de", "de"] for row in rows)
    assert "hannah" in tensorwall("say", "--voices", "--groq").out


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        (["say", ""], "nothing to say", 2),
        (["say", "-o", "FILE"], "nothing to say", 2),
        (["say", "Hello", "-o", "/nonexistent/folder/x.wav"], "cannot be written", 2),
        (["say", "Hello", "-o", "FILE", "--voice", "nobody"], "no voice 'nobody'", 1),
        (["say", "Hello", "-o", "FILE", "--language", "xx"], "no voice for the language 'xx'", 1),
        (["say", "Hello", "-o", "FILE", "--voice", "hannah"], "a voice of Groq's", 2),
        (["say", "Hello", "-o", "FILE", "--voice", "gmw/de", "--groq"], "Groq has no voice 'gmw/de'", 2),
        (["say", "Hello", "-o", "FILE", "--rate", "7"], "--rate", 2),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_no_file(
    tensorwall: Run, tmp_path: Path, arguments: list[str], said: str, status: int
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    file = str(folder / "speech.wav")
    ran = tensorwall(*(file if argument == "FILE" else argument for argument in arguments))
    assert ran.status == status
    assert said in ran.err
    assert not list(folder.iterdir())


def test_what_is_not_text_is_refused(tensorwall: Run, tmp_path: Path) -> None:
    ran = tensorwall("say", "-o", str(tmp_path / "x.wav"), stdin=b"\xff\xfe\x00\x01")
    assert (ran.status, "not text in UTF-8" in ran.err) == (2, True)


def test_groq_speaks_through_the_simulator(tensorwall: Run, tmp_path: Path) -> None:
    file = tmp_path / "groq.wav"
    ran = tensorwall("say", "Hello from the cloud.", "--groq", "--voice", "troy", "-o", str(file))
    assert ran.status == 0, ran.err
    assert "Groq troy" in ran.err
    assert sound_of(file)[1] > 0.2


def test_without_a_key_groq_is_not_to_be_had(tensorwall: Run, tmp_path: Path) -> None:
    ran = tensorwall("say", "Hello", "--groq", "-o", str(tmp_path / "x.wav"), env={"GROQ_API_KEY": None})
    assert ran.status == 4
    assert "login" in ran.err


# Through the speaker.


def test_a_text_is_heard_from_the_speaker(tensorwall: Run, sound: SoundServer) -> None:
    with sound.record() as recording:
        ran = tensorwall("say", "Hello there, this is the speaker.")
        recording.wait_for_silence()
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    began, ended = recording.first_sound(), recording.last_sound()
    assert began is not None
    assert ended is not None
    assert 1 < ended - began < 5


def test_a_text_is_spoken_while_it_arrives(
    start: Callable[..., subprocess.Popen[bytes]], sound: SoundServer
) -> None:
    with sound.record() as recording:
        speaking = start("say", stdin=subprocess.PIPE)
        assert speaking.stdin is not None
        speaking.stdin.write(b"The first sentence is here. And another one ")
        recording.wait_for_sound()
        first = recording.wait_for_silence()
        _, said = speaking.communicate(b"comes later.", timeout=20)
        assert (speaking.returncode, said) == (0, b"")
        recording.wait_for_sound(first + 0.1)


def test_ctrl_c_silences_it_at_once(
    start: Callable[..., subprocess.Popen[bytes]], sound: SoundServer
) -> None:
    with sound.record() as recording:
        speaking = start("say", "This goes on and on. " * 50)
        recording.wait_for_sound()
        stopped = time.monotonic()
        speaking.send_signal(signal.SIGINT)
        _, said = speaking.communicate(timeout=20)
        assert recording.wait_for_silence() - stopped < 1.0  # 50 ms on a machine that does nothing else
    assert (speaking.returncode, said.strip()) == (130, b"stopped")


def test_without_a_speaker_it_says_so(tensorwall: Run) -> None:
    ran = tensorwall("say", "Hello", env={"PULSE_SERVER": "unix:/nonexistent"})
    assert ran.status == 1
    assert "no speaker" in ran.err
