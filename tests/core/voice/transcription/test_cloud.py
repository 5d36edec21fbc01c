from __future__ import annotations

import io
import wave
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConnectionFailed, TranscriptionFailed
from core.voice.audio import SAMPLE_RATE
from core.voice.transcription.cloud import CloudText, CloudTranscriber
from core.voice.transcription.language import language_code
from core.voice.transcription.transcriber import Hints, Word
from core.voice.transcription.vocabulary import hints_for
from core.voice.transcription.wav import wav_of

SECOND = np.zeros(SAMPLE_RATE, np.float32)


def cloud(answer: CloudText | Exception, sent: list[object] | None = None) -> CloudTranscriber:
    async def call(recording: bytes, hints: Hints, words: bool) -> CloudText:
        if sent is not None:
            sent.append((recording, hints, words))
        if isinstance(answer, Exception):
            raise answer
        return answer

    return CloudTranscriber(call, model="whisper-large-v3-turbo", engine="groq", service="Groq")


async def test_what_the_service_understood() -> None:
    sent: list[object] = []
    word = Word("Hello", 0.0, 0.4, 1.0)
    heard = CloudText(
        " ask tensor wall\x1b[31m ", "English", -0.1, 0.0, words=(word,), cost=Decimal("0.0001")
    )
    hints = hints_for(["TensorWall"], language="en")
    transcript = await cloud(heard, sent).transcribe(SECOND, hints, words=True)
    assert transcript.text == "ask TensorWall␛[31m"
    assert (transcript.language, transcript.engine, transcript.model) == (
        "en", "groq", "whisper-large-v3-turbo",
    )  # fmt: skip
    assert transcript.confidence == pytest.approx(0.905, abs=0.001)
    assert (transcript.seconds, transcript.cost, transcript.words) == (1.0, Decimal("0.0001"), (word,))
    assert sent == [(wav_of(SECOND), hints, True)]


async def test_what_it_makes_up_is_not_believed_and_still_paid() -> None:
    heard = CloudText("Thank you.", "en", -0.9, 0.7, cost=Decimal("0.0001"))
    transcript = await cloud(heard).transcribe(SECOND, Hints())
    assert transcript.text == ""
    assert transcript.rejected
    assert transcript.cost == Decimal("0.0001")


async def test_a_service_that_says_little_is_believed() -> None:
    transcript = await cloud(CloudText("What is new?")).transcribe(SECOND, Hints(language="de"))
    assert (transcript.text, transcript.language) == ("What is new?", "de")


async def test_its_errors_are_the_transcribers() -> None:
    failing = cloud(ConnectionFailed("api.groq.com cannot be found.", hint="Check the network."))
    with pytest.raises(TranscriptionFailed, match="Groq did not transcribe: api") as raised:
        await failing.transcribe(SECOND, Hints())
    assert raised.value.hint == "Check the network."


async def test_partials_are_never_paid_for() -> None:
    sent: list[object] = []
    with pytest.raises(TranscriptionFailed, match="whole recordings only"):
        await cloud(CloudText("a"), sent).transcribe(SECOND, Hints(), purpose="partial")
    assert sent == []


@given(st.lists(st.floats(-2, 2, width=32), max_size=200))
def test_samples_survive_as_a_wav_file(values: list[float]) -> None:
    samples = np.array(values, np.float32)
    with wave.open(io.BytesIO(wav_of(samples))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (SAMPLE_RATE, 1, 2)
        read = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32767
    assert read == pytest.approx(samples.clip(-1, 1), abs=1 / 32767)


@pytest.mark.parametrize(
    ("language", "code"), [("English", "en"), ("de", "de"), (" German ", "de"), ("", ""), ("Klingon", "")]
)
def test_languages_by_name(language: str, code: str) -> None:
    assert language_code(language) == code
