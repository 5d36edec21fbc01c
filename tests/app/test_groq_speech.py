"""Groq's ears and voice over real HTTP, booked in a real ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from app.composition import Services, Source, compose
from app.groq_speech import GroqSpeech
from core.errors import BudgetExceeded, CredentialsError, TranscriptionFailed
from core.locations import Locations
from core.settings import BudgetSettings, Settings
from core.voice.audio import SAMPLE_RATE
from core.voice.transcription.transcriber import Hints
from core.voice.transcription.wav import wav_of
from tests.simulated import Simulated


@pytest.fixture
async def services(
    simulator: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Services]:
    monkeypatch.setenv("GROQ_API_KEY", simulator.api_key)
    monkeypatch.setenv("GROQ_API_URL", simulator.base_url)
    composed = await compose(Settings(), source=Source("keys"), locations=Locations.under(tmp_path))
    yield composed
    await composed.aclose()


async def test_a_recording_is_heard_and_booked(services: Services, simulator: Simulated) -> None:
    simulator.configure(heard="What does it cost?")
    told: list[str] = []
    groq = GroqSpeech(services, lambda text, _: told.append(text), lambda: "session")
    transcriber = groq.transcriber()
    await transcriber.warm()
    heard = await transcriber.transcribe(np.zeros(3 * SAMPLE_RATE, np.float32), Hints(language="en"))
    await groq.speak("Very little.", "hannah")
    await groq.aclose()
    assert heard.text == "What does it cost?"
    assert heard.cost == Decimal("0.04") / 360
    ledger = (await services.records()).ledger
    rows = await ledger.rows("session")
    assert [(row.feature, row.cost) for row in rows] == [
        ("transcription", heard.cost.quantize(Decimal("1e-12"))), ("speech", Decimal("0.000264")),
    ]  # fmt: skip
    assert told == []
    assert transcriber.label == "Groq whisper-large-v3-turbo"


async def test_a_failure_is_told_and_booked_at_no_cost(services: Services, simulator: Simulated) -> None:
    simulator.configure(faults=[{"kind": "server_error", "path": "transcription"}])
    groq = GroqSpeech(services, lambda *_: None)
    with pytest.raises(TranscriptionFailed, match="Groq did not transcribe"):
        await groq.transcriber().transcribe(np.zeros(SAMPLE_RATE, np.float32), Hints())
    await groq.aclose()
    (row,) = await (await services.records()).ledger.rows()
    assert (row.outcome, row.cost, row.error_type) == ("failed", 0, "ServerFailed")


async def test_without_a_key_there_is_no_groq(tmp_path: Path) -> None:
    composed = await compose(
        Settings.model_validate({"providers": [{"name": "own", "base_url": "http://127.0.0.1:9/v1"}]}),
        source=Source("keys"),
        locations=Locations.under(tmp_path),
    )
    with pytest.raises(CredentialsError, match="no API key for Groq"):
        GroqSpeech(composed, lambda *_: None)
    await composed.aclose()


async def test_a_hard_limit_holds_for_speech_too(services: Services, simulator: Simulated) -> None:
    services.assistant.budgets = BudgetSettings.model_validate({"session": {"hard": 0.0002}})
    simulator.configure(heard="What does it cost?")
    groq = GroqSpeech(services, lambda *_: None, lambda: "session")
    assert await groq.transcribe(wav_of(np.zeros(SAMPLE_RATE, np.float32)), Hints())
    with pytest.raises(BudgetExceeded, match=r"\$0\.00020 a session"):
        await groq.speak("Too much by far.", "hannah")
    with pytest.raises(TranscriptionFailed, match="The hard limit of"):
        await groq.transcriber().transcribe(np.zeros(30 * SAMPLE_RATE, np.float32), Hints())
    await groq.aclose()
    (row,) = await (await services.records()).ledger.rows("session")
    assert (row.feature, row.outcome, row.reserved) == ("transcription", "answered", row.cost)
    assert row.audio_seconds == 1
