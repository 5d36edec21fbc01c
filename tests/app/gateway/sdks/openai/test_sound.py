"""OpenAI's own client has recordings written down and texts spoken."""

from __future__ import annotations

import io
import warnings
import wave
from typing import Any

from tests.app.gateway.conftest import Gateway


def test_recordings(served: Gateway, client: Any, recording: bytes) -> None:
    served.simulator.configure(heard="All is well.")
    hear = client.audio.transcriptions.create
    asked = {"model": "whisper-large-v3", "file": ("speech.wav", recording)}
    assert hear(**asked).text.strip() == "All is well."
    assert hear(**asked, response_format="text").strip() == "All is well."
    assert "00:00:00,000 -->" in hear(**asked, response_format="srt")
    told = hear(
        **asked, response_format="verbose_json", language="en", timestamp_granularities=["word", "segment"]
    )
    assert (told.language, told.duration, len(told.segments)) == ("en", 1.0, 1)
    assert [word.word for word in told.words] == ["All", "is", "well."]
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # it is, at OpenAI
        translated = client.audio.translations.create(**asked)
    assert translated.text.strip() == "All is well."


def test_speech(served: Gateway, client: Any, tmp_path: Any) -> None:
    asked = {
        "model": "canopylabs/orpheus-v1-english",
        "voice": "autumn",
        "input": "All is well.",
        "response_format": "wav",
    }
    with wave.open(io.BytesIO(client.audio.speech.create(**asked).content)) as sound:
        frames = sound.getnframes()
    assert frames > 0
    file = tmp_path / "speech.wav"
    with client.audio.speech.with_streaming_response.create(**asked) as streamed:
        streamed.stream_to_file(file)
    with wave.open(str(file)) as sound:
        assert sound.getnframes() == frames
