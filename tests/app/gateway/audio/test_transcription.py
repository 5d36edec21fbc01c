"""Recordings are written down: here, and by a provider."""

from __future__ import annotations

from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.app.gateway.audio.conftest import ORPHEUS, Caller, error_of, named, sound
from tests.simulated import Simulated
from tests.voice_models import Clip

pytestmark = pytest.mark.skipif(
    find_spec("faster_whisper") is None, reason="the voice extra is not installed"
)


@pytest.mark.parametrize("model", ["local", "whisper-large-v3-turbo"])
@pytest.mark.parametrize("wanted", ["json", "text", "verbose_json", "srt", "vtt"])
def test_each_format_is_given_by_this_machine_and_by_groq(
    caller: Caller, simulator: Simulated, model: str, wanted: str
) -> None:
    simulator.configure(heard="Ask not what your country")
    said = "" if model == "local" else "Ask not what your country"  # of noise, a model here makes nothing
    answer = caller.hear(sound(2), model=model, response_format=wanted)
    assert answer.status_code == 200, answer.text
    if wanted.endswith("json"):
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["text"].strip() == said
        if wanted == "verbose_json":
            assert answer.json()["duration"] == 2
            assert len(answer.json()["segments"]) == bool(said)
        return
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    times = {
        "text": "",
        "srt": "1\n00:00:00,000 --> 00:00:02,000\n",
        "vtt": "00:00:00.000 --> 00:00:02.000\n",
    }
    head = "WEBVTT\n\n" if wanted == "vtt" else ""
    assert answer.text.strip() == (f"{head}{times[wanted]}{said}" if said else head).strip()


def test_what_a_person_says_is_understood_here(
    caller: Caller, whisper_weights: Path, speech: tuple[Clip, ...]
) -> None:
    recording = next(clip for clip in speech if "amiable himself" in clip.words).file.read_bytes()
    fields = {"model": "local/base", "language": "en", "response_format": "verbose_json"}
    heard = caller.hear(recording, **fields, **{"timestamp_granularities[]": ["word"]}).json()
    assert heard["text"] == "He might even have been made amiable himself."
    assert [word["word"] for word in heard["words"]] == heard["text"].split()
    assert heard["language"] == "en"
    (segment,) = heard["segments"]
    assert segment["avg_logprob"] < 0
    assert segment["start"] < segment["end"] <= heard["duration"]
    subtitles = caller.hear(recording, model="local/base", response_format="vtt").text
    assert subtitles.startswith("WEBVTT\n\n00:00:0")
    assert "He might even have been" in subtitles


def test_groq_is_sent_the_form_as_it_came_and_its_answer_goes_on(
    caller: Caller, simulator: Simulated
) -> None:
    simulator.configure(heard="Hello")
    headers = named()
    answer = caller.hear(
        sound(12), headers, name="note.WAV", model="whisper-large-v3", prompt="Zürich", temperature="0.2"
    )
    assert answer.json()["x_groq"]["id"]
    (received,) = simulator.requests()
    assert received["body"] == {
        "model": "whisper-large-v3",
        "prompt": "Zürich",
        "temperature": "0.2",
        "filename": "speech.wav",
        "file_bytes": len(sound(12)),
    }
    (row,) = caller.rows(headers["X-Request-ID"])
    assert (row.provider, row.feature, row.outcome, row.audio_seconds) == ("groq", "gateway", "answered", 12)
    assert row.cost == (Decimal("0.111") * 12 / 3600).quantize(Decimal("1e-12"))


def test_translations_are_a_providers(caller: Caller, simulator: Simulated) -> None:
    simulator.configure(heard="Good morning")
    answer = caller.hear(
        sound(1), task="translations", model="whisper-large-v3", response_format="verbose_json"
    )
    assert (answer.json()["task"], answer.json()["text"].strip()) == ("translate", "Good morning")
    assert error_of(caller.hear(sound(1), task="translations", model="whisper-large-v3-turbo"))["message"]
    refused = caller.hear(sound(1), task="translations")
    assert (refused.status_code, error_of(refused)["param"]) == (400, "model")


def test_how_long_a_recording_is_is_measured_and_not_believed(caller: Caller) -> None:
    """Else whoever writes less into a header pays less of its key's budget."""

    def seconds(recording: bytes, name: str) -> float:
        dry = named(**{"X-Dry-Run": "true"})
        told = caller.hear(recording, dry, name=name, model="whisper-large-v3").json()
        return float(told["estimate"]["seconds"])

    once = caller.speak(response_format="mp3").content
    assert seconds(once * 2, "a.mp3") > 1.9 * seconds(once, "a.mp3")  # whose header tells of the first half
    streamed = bytearray(sound(20))
    streamed[40:44] = b"\xff" * 4  # written to a pipe: no length was known
    assert seconds(bytes(streamed), "a.wav") == 20
    assert seconds(b"x" * 15_000, "a.wav") == 20  # what cannot be read, at its longest


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": ""}, 400, "model"),
        ({"model": "local/nothing"}, 404, "model"),
        ({"model": "local/tiny"}, 404, "model"),  # known, and not fetched
        ({"model": "local//etc"}, 404, "model"),
        ({"model": ORPHEUS}, 400, "model"),
        ({"response_format": "pdf"}, 400, "response_format"),
        ({"language": "xx"}, 400, "language"),
        ({"language": "en-GB"}, 400, "language"),
        ({"timestamp_granularities[]": "syllable"}, 400, "timestamp_granularities"),
        ({"stream": "true"}, 400, "stream"),
        ({"a" * 65: "1"}, 400, None),
        ({f"f{number}": "1" for number in range(70)}, 400, None),
    ],
)
def test_what_cannot_be_transcribed_is_refused_with_the_field(
    caller: Caller, fields: dict[str, Any], status: int, param: str | None
) -> None:
    spoken = caller.speak(response_format="wav").content if "language" in fields else sound(1)
    answer = caller.hear(spoken, **fields)
    assert answer.status_code == status, answer.text
    assert error_of(answer)["param"] == param


def test_forms_that_are_none_and_files_that_hold_no_sound_are_refused(caller: Caller) -> None:
    post = caller.client.post
    broken = {"content-type": "multipart/form-data; boundary=x"}
    for answer in (
        post("/audio/transcriptions", json={"model": "local"}),
        post("/audio/transcriptions", content=b"--y\r\n", headers=broken),
        post("/audio/transcriptions", content=b"x", headers={"content-type": "multipart/form-data"}),
        post("/audio/transcriptions", files={"other": b"x"}, data={"model": "local"}),
        caller.hear(b""),
        caller.hear(b"Dear reader"),
    ):
        assert answer.status_code == 400, answer.text
        assert error_of(answer)["type"] == "invalid_request_error"


def test_what_is_too_large_is_refused_with_its_length_and_without(caller: Caller) -> None:
    assert caller.hear(sound(40)).status_code == 413
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    endless = (piece for piece in [head, *[bytes(65_536)] * 40])
    answer = caller.client.post(
        "/audio/transcriptions", content=endless, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert (answer.status_code, error_of(answer)["code"]) == (413, "request_too_large")
