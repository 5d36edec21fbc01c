"""Transcription and speech: the wire as it is read, and a whole provider against the simulator."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import (
    AuthenticationFailed,
    InvalidRequest,
    ModelUnavailable,
    RateLimited,
    RequestTooLarge,
    ServerFailed,
    StreamInterrupted,
    StreamStalled,
    UnexpectedResponse,
)
from core.providers import OpenAICompatibleProvider
from core.providers.profiles import GROQ
from core.providers.speech import (
    GROQ_SPEECH,
    GROQ_TRANSCRIPTION,
    GROQ_VOICES,
    LONGEST_SPOKEN,
    HeardWord,
    encode_recording,
    read_heard,
)
from core.providers.upstream import Upstream
from tests.simulated import Simulated

UPSTREAM = Upstream(GROQ, "https://api.groq.com/openai/v1")


def recording(seconds: float = 2.0) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(b"\x01\x00" * int(16_000 * seconds))
    return made.getvalue()


@pytest.fixture
async def groq(simulator: Simulated) -> AsyncIterator[OpenAICompatibleProvider]:
    provider = OpenAICompatibleProvider(
        replace(GROQ, answer_timeout=1.0), api_key=simulator.api_key, base_url=simulator.base_url
    )
    yield provider
    await provider.aclose()


async def test_a_recording_is_transcribed(groq: OpenAICompatibleProvider, simulator: Simulated) -> None:
    simulator.configure(heard="Turn on the light")
    heard = await groq.transcribe(
        recording(), model=GROQ_TRANSCRIPTION, language="en", prompt="TensorWall, Groq", words=True
    )
    assert heard.text == "Turn on the light"
    assert heard.language == "en"
    assert heard.seconds == 2.0
    assert heard.mean_log_probability == pytest.approx(-0.12)
    assert heard.no_speech is not None
    assert heard.no_speech < 0.01
    assert heard.words[0] == HeardWord("Turn", 0.0, 0.5)
    (received,) = simulator.requests()
    assert received["path"].endswith("/audio/transcriptions")
    assert received["body"] == {
        "model": GROQ_TRANSCRIPTION,
        "response_format": "verbose_json",
        "temperature": "0",
        "language": "en",
        "prompt": "TensorWall, Groq",
        "timestamp_granularities": ["word", "segment"],
        "filename": "speech.wav",
        "file_bytes": len(recording()),
    }


async def test_a_text_is_spoken(groq: OpenAICompatibleProvider) -> None:
    for voice in GROQ_VOICES:
        sound = await groq.speak("Hello, how are you?", model=GROQ_SPEECH, voice=voice)
        with wave.open(io.BytesIO(sound)) as opened:
            assert opened.getframerate() == 24_000
            assert 0.5 < opened.getnframes() / 24_000 < 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "rate_limited", "retry_after": 7}, RateLimited),
        ({"kind": "unauthorized"}, AuthenticationFailed),
        ({"kind": "server_error", "status": 503}, ServerFailed),
        ({"kind": "html_page"}, UnexpectedResponse),
        ({"kind": "empty_body"}, UnexpectedResponse),
        ({"kind": "end"}, UnexpectedResponse),
        ({"kind": "cut"}, StreamInterrupted),
        ({"kind": "cut_reset"}, StreamInterrupted),
        ({"kind": "stall"}, StreamStalled),
    ],
)
async def test_faults_come_as_errors_of_the_provider(
    groq: OpenAICompatibleProvider, simulator: Simulated, fault: dict, error: type[Exception]
) -> None:
    simulator.configure(faults=[{**fault, "path": "transcription", "times": 1}])
    with pytest.raises(error):
        await groq.transcribe(recording(), model=GROQ_TRANSCRIPTION)
    assert (await groq.transcribe(recording(), model=GROQ_TRANSCRIPTION)).text  # the next one works


async def test_a_broken_sound_is_no_sound(groq: OpenAICompatibleProvider, simulator: Simulated) -> None:
    simulator.configure(faults=[{"kind": "html_page", "path": "speech"}])
    with pytest.raises(UnexpectedResponse, match="not sound"):
        await groq.speak("Hello", model=GROQ_SPEECH, voice="hannah")


async def test_what_groq_refuses(groq: OpenAICompatibleProvider) -> None:
    with pytest.raises(RequestTooLarge, match="200 characters"):
        await groq.speak("a" * (LONGEST_SPOKEN + 1), model=GROQ_SPEECH, voice="hannah")
    with pytest.raises(InvalidRequest, match="voice must be one of"):
        await groq.speak("Hello", model=GROQ_SPEECH, voice="nobody")
    with pytest.raises(ModelUnavailable):
        await groq.transcribe(recording(), model="whisper-1")
    with pytest.raises(InvalidRequest, match="does not support audio transcription"):
        await groq.transcribe(recording(), model=GROQ_SPEECH)
    with pytest.raises(InvalidRequest, match="valid media file"):
        await groq.transcribe(b"RIFF", model=GROQ_TRANSCRIPTION)


@pytest.mark.parametrize(
    "body", [b"", b"OK", b"[]", b"null", b"{}", b'{"text": null}', b'{"text": ["a"]}', b"<html>", b"\xff"]
)
def test_what_is_no_transcript(body: bytes) -> None:
    with pytest.raises(UnexpectedResponse, match="not a transcript"):
        read_heard(UPSTREAM, body)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(), json_values, json_values)
def test_a_transcript_is_read_whatever_stands_beside_it(text: str, words: object, segments: object) -> None:
    body = json.dumps({"text": text, "words": words, "segments": segments, "duration": words}).encode()
    assert read_heard(UPSTREAM, body).text == text.strip()


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_the_form_holds_what_was_given(content: bytes, prompt: str) -> None:
    from starlette.datastructures import Headers

    from app.simulator.audio import read_recording

    prompt = prompt.encode(errors="replace").decode()
    kind, raw = encode_recording(content, model="m", language=None, prompt=prompt, words=False)
    read = read_recording(Headers({"content-type": kind}), raw)
    assert read.content == content
    assert read.fields.get("prompt", "") == prompt
