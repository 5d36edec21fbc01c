"""One gateway for the tests of a process, before the simulator; each test has an account of its own there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.gateway.booked import rows_of_request
from tests.gateway_process import RunningGateway, gateway_process
from tests.simulated import Simulated

MODEL = "openai/gpt-oss-20b"
HELLO = [{"role": "user", "content": "Hello!"}]


@dataclass(frozen=True)
class Gateway:
    """The running gateway as one test's client sees it."""

    running: RunningGateway
    home: Path
    simulator: Simulated
    client: httpx.Client

    @property
    def root(self) -> str:
        return self.running.root

    @property
    def keys(self) -> dict[str, str]:
        """The gateway's key, and the test's own at the provider."""
        return {"X-API-Key": self.running.key, "Authorization": f"Bearer {self.simulator.api_key}"}

    def chat(
        self, *, headers: dict[str, str] | None = None, path: str = "/v1", **fields: Any
    ) -> httpx.Response:
        """Ask, in one piece unless ``stream`` is given; header values of ``None`` are left out."""
        sent = {name: text for name, text in {**self.keys, **(headers or {})}.items() if text is not None}
        body = {"model": MODEL, "messages": HELLO, **fields}
        return self.client.post(f"{self.root}{path}/chat/completions", json=body, headers=sent)

    def rows(self, request_id: str) -> list[dict[str, Any]]:
        """What the ledger has of a request, once nothing of it runs any more."""
        return rows_of_request(self.home, request_id)


@pytest.fixture(scope="session")
def running_gateway(
    simulator_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningGateway, Path]]:
    home = tmp_path_factory.mktemp("gateway") / "home"
    with gateway_process(home, simulator_url) as running:
        yield running, home


@pytest.fixture
def served(running_gateway: tuple[RunningGateway, Path], simulator: Simulated) -> Iterator[Gateway]:
    running, home = running_gateway
    # No TLS here, and loading certificates takes longer than a test.
    with httpx.Client(trust_env=False, verify=False, timeout=20) as client:
        yield Gateway(running, home, simulator, client)
