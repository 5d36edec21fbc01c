"""A gateway that speaks and hears, and those who call it."""

from __future__ import annotations

import asyncio
import io
import time
import uuid
import wave
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import create_engine, select

from core.catalogue import load_catalogue
from core.keys import KeyScopes
from core.keys.keys import Keys
from core.locations import Locations
from core.records import open_records
from core.storage.tables import calls
from tests.gateway_process import RunningGateway, gateway_process
from tests.simulated import Simulated
from tests.voice_models import whisper_base

ORPHEUS = "canopylabs/orpheus-v1-english"


SAYING = "Ask not what your country can do for you."


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway") / "home"


@pytest.fixture(scope="session")
def gateway(simulator_url: str, random_whisper: Path, home: Path) -> Iterator[RunningGateway]:
    settings = f'[voice]\nmodel = "{random_whisper}"\n[gateway]\nmax_body_mb = 1\n'
    if weights := whisper_base():
        models = Locations.under(home).speech_models_dir
        models.mkdir(parents=True)
        (models / "base").symlink_to(weights)
    with gateway_process(home, simulator_url, settings=settings) as running:
        yield running


class Caller:
    """A client of the gateway; what it asks for is found again in the ledger by the request's name."""

    def __init__(self, gateway: RunningGateway, simulator: Simulated, home: Path) -> None:
        self.client = httpx.Client(
            base_url=f"{gateway.root}/v1",
            headers={"X-API-Key": gateway.key, "Authorization": f"Bearer {simulator.api_key}"},
            trust_env=False,
            verify=False,
            timeout=30,
        )
        self._engine = create_engine(f"sqlite:///{Locations.under(home).database_file}")

    def speak(
        self, text: str = SAYING, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        body = {"model": "local", "voice": "default", "input": text, **fields}
        return self.client.post("/audio/speech", json=body, headers=headers)

    def hear(
        self,
        recording: bytes,
        headers: dict[str, str] | None = None,
        *,
        name: str = "speech.wav",
        task: str = "transcriptions",
        **fields: Any,
    ) -> httpx.Response:
        files = {"file": (name, recording)}
        data = {"model": "local", **fields}
        return self.client.post(f"/audio/{task}", files=files, data=data, headers=headers)

    def rows(self, request_id: str) -> list[Any]:
        """The calls of a request, in order."""
        query = select(calls).where(calls.c.client_request_id == request_id).order_by(calls.c.started_at)
        with self._engine.connect() as connection:
            return list(connection.execute(query))

    def close(self) -> None:
        self.client.close()
        self._engine.dispose()


@pytest.fixture
def caller(gateway: RunningGateway, simulator: Simulated, home: Path) -> Iterator[Caller]:
    made = Caller(gateway, simulator, home)
    yield made
    made.close()


def sound(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        noise = np.random.default_rng(0).normal(0, 300, int(seconds * 16_000))
        writer.writeframes(noise.astype("<i2").tobytes())
    return file.getvalue()


def named(**headers: str) -> dict[str, str]:
    return {"X-Request-ID": uuid.uuid4().hex, **headers}


def error_of(answer: httpx.Response) -> dict[str, Any]:
    return answer.json()["error"]  # type: ignore[no-any-return]


def wait_for(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit, "it did not come to pass"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def keys(home: Path, gateway: RunningGateway) -> Callable[[Callable[[Keys], Awaitable[Any]]], Awaitable[Any]]:
    """Does something with the gateway's keys, as another process that is on its database."""

    async def act(on: Callable[[Keys], Awaitable[Any]]) -> Any:
        records = await open_records(Locations.under(home).database_file, load_catalogue())
        try:
            return await on(records.keys)
        finally:
            await records.aclose()

    return act


@pytest.fixture(scope="session")
def key_with(keys: Callable[..., Awaitable[Any]]) -> Callable[..., dict[str, str]]:
    """Makes a further key of the gateway; gives the header to send."""

    def make(**scopes: Any) -> dict[str, str]:
        _, secret = asyncio.run(keys(lambda known: known.create(uuid.uuid4().hex, KeyScopes(**scopes))))
        return {"X-API-Key": secret}

    return make
