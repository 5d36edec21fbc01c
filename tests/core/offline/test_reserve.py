"""Who is called in: a server of this machine that runs, then the embedded model."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from core.catalogue import load_catalogue
from core.offline.provider import EmbeddedProvider
from core.offline.reserve import OfflineReserve
from core.providers import openai_compatible
from tests.simulated import Simulated


def embedded(models_dir: Path) -> EmbeddedProvider:
    return EmbeddedProvider("smollm2-135m", window=512, models_dir=models_dir)


async def offered(reserve: OfflineReserve) -> list[tuple[str, str | None]]:
    try:
        return [(endpoint.provider.name, endpoint.model) for endpoint in await reserve.endpoints()]
    finally:
        await reserve.aclose()


@pytest.fixture
def unused() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/v1"


async def test_a_server_that_runs_goes_first(simulator: Simulated, unused: str, chat_model: Path) -> None:
    servers = [
        openai_compatible("ollama", unused),
        openai_compatible("lm-studio", simulator.generic_url, api_key=simulator.api_key),
    ]
    reserve = OfflineReserve(servers, embedded(chat_model.parents[1]), load_catalogue())
    (server, model), own = await offered(reserve)
    assert server == "lm-studio"
    assert model
    assert own == ("embedded", "smollm2-135m")


async def test_there_may_be_nobody(unused: str, tmp_path: Path) -> None:
    servers = [openai_compatible("ollama", unused)]
    assert await offered(OfflineReserve(servers, embedded(tmp_path), load_catalogue())) == []
