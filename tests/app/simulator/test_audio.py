"""The audio endpoints as a client meets them on the wire."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.simulated import Simulated

WHISPER = "whisper-large-v3-turbo"
ORPHEUS = "canopylabs/orpheus-v1-english"


def sound(seconds: float = 3.0) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(int(32_000 * seconds)))
    return made.getvalue()


@pytest.fixture
def http(simulator: Simulated) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {simulator.api_key}"}
    with httpx.Client(base_url=simulator.base_url, headers=headers, trust_env=False, verify=False) as client:
        yield client


def hear(http: httpx.Client, file: bytes | None = None, name: str = "a.wav", **fields: Any) -> httpx.Response:
    content = sound() if file is None else file
    return http.post(
        "/audio/transcriptions", data={"model": WHISPER, **fields}, files={"file": (name, content)}
    )


def error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["message"]


def test_what_was_not_scripted_says_that_it_is_simulated(http: httpx.Client) -> None:
    answer = hear(http).json()
    assert answer["text"] == f" This is a simulated transcript of 3.0 seconds of sound by {WHISPER}."
    assert answer["x_groq"]["id"].startswith("req_")


def test_scripted_texts_come_in_turn(http: httpx.Client, simulator: Simulated) -> None:
    simulator.configure(heard=["one", "two"])
    assert [hear(http, response_format="text").text for _ in range(3)] == ["one", "two", "one"]
    simulator.configure(heard="")
    assert hear(http, response_format="verbose_json").json()["segments"] == []


def test_verbose_answers_hold_segments_and_words(http: httpx.Client, simulator: Simulated) -> None:
    simulator.configure(heard="three short words")
    answer = hear(
        http, response_format="verbose_json", language="de", **{"timestamp_granularities[]": "word"}
    ).json()
    assert (answer["task"], answer["language"], answer["duration"]) == ("transcribe", "de", 3.0)
    assert answer["segments"][0]["avg_logprob"] < 0
    assert [(word["word"], word["start"]) for word in answer["words"]] == [
        ("three", 0), ("short", 1), ("words", 2),
    ]  # fmt: skip


def test_what_is_refused(http: httpx.Client) -> None:
    assert error(hear(http, name="a.txt"))[1].startswith("file must be one of the following types")
    assert error(hear(http, b"tiny")) == (400, "could not process file - is it a valid media file?")
    assert error(hear(http, response_format="srt"))[1].startswith("response_format must be")
    assert error(hear(http, temperature="3"))[1] == "temperature must be between 0 and 1"
    assert error(hear(http, language="12"))[0] == 400
    assert (
        error(hear(http, model=ORPHEUS))[1] == f"The model `{ORPHEUS}` does not support audio transcription."
    )
    assert error(hear(http, model="whisper-9"))[0] == 404
    assert error(http.post("/audio/transcriptions", data={"model": WHISPER}))[0] == 400
    assert error(http.post("/audio/transcriptions", json={"model": WHISPER}))[0] == 400
    assert hear(http, bytes(26_000_000)).status_code == 413


def test_a_form_that_breaks_off_is_refused(http: httpx.Client) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x\r\n", b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper'):
        assert error(http.post("/audio/transcriptions", content=body, headers=headers))[0] == 400


def test_limits_count_recordings(http: httpx.Client, simulator: Simulated) -> None:
    simulator.configure(limits={"requests_per_minute": 2})
    assert [hear(http).status_code for _ in range(3)] == [200, 200, 429]


def test_speech_is_as_long_as_its_text(http: httpx.Client) -> None:
    def speak(text: str, **more: Any) -> httpx.Response:
        body = {"model": ORPHEUS, "input": text, "voice": "hannah", "response_format": "wav", **more}
        return http.post("/audio/speech", json=body)

    lengths = []
    for text in ("Hello", "Hello and welcome to the show"):
        with wave.open(io.BytesIO(speak(text).content)) as file:
            lengths.append(file.getnframes() / file.getframerate())
    assert lengths[0] < 0.5 < lengths[1] < 3
    assert error(speak("x" * 201))[0] == 400
    assert error(speak("  "))[0] == 400
    assert error(speak("Hi", response_format="mp3"))[0] == 400
    assert error(speak("Hi", voice="Fritz-PlayAI"))[0] == 400
    assert error(speak("Hi", model=WHISPER))[0] == 400


def test_faults_are_an_endpoints_own(http: httpx.Client, simulator: Simulated) -> None:
    simulator.configure(faults=[{"kind": "server_error", "path": "speech"}])
    assert hear(http).status_code == 200
    body = {"model": ORPHEUS, "input": "Hi", "voice": "hannah", "response_format": "wav"}
    assert http.post("/audio/speech", json=body).status_code == 500
