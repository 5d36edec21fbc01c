"""A running simulator for tests: one process a test session, one account a test."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from app.simulator.process import command


@contextmanager
def simulator_process() -> Iterator[str]:
    """Run the simulator; gives its base URL. It ends with this process, even by SIGKILL."""
    process = subprocess.Popen(
        command(), cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        base_url = process.stdout.readline().strip()
        assert base_url.startswith("http"), "the simulator did not start"
        try:
            yield base_url
        finally:
            process.stdin.close()
            process.wait(timeout=10)


class Simulated:
    """One test's own account at the simulator.

    Attributes:
        base_url: Groq's dialect (``.../openai/v1``).
        generic_url: a plain OpenAI-compatible server (``.../v1``).
        api_key: known to the simulator, with default options: no limits, no pace, no faults.
    """

    def __init__(self, base_url: str, api_key: str | None = None) -> None:
        self.base_url = base_url
        self.root = base_url.removesuffix("/openai/v1")
        self.generic_url = f"{self.root}/v1"
        self.api_key = api_key or f"gsk_{uuid.uuid4().hex}"
        self._control = httpx.Client(
            base_url=f"{self.root}/_simulator",
            trust_env=False,
            verify=False,  # no TLS here, and loading certificates takes longer than a test
            timeout=20,
        )
        self.configure()

    def configure(self, **options: Any) -> None:
        """Replace all options (``app.simulator.Options``); buckets are full and faults uncounted again."""
        answer = self._control.put(f"/keys/{self.api_key}", json=options)
        assert answer.status_code == 200, answer.text

    def fail(self, kind: str, **fault: Any) -> None:
        """Replace all options by one fault: ``simulator.fail("server_error", status=503, times=2)``."""
        self.configure(faults=[{"kind": kind, **fault}])

    def requests(self) -> list[dict[str, Any]]:
        """What was received with this key, oldest first (``organizations.ReceivedRequest``)."""
        received: list[dict[str, Any]] = self._control.get(f"/keys/{self.api_key}/requests").json()
        return received

    def questions(self) -> list[dict[str, Any]]:
        """The chat requests among them."""
        return [row for row in self.requests() if row["path"].endswith("/chat/completions")]

    def advance(self, seconds: float) -> None:
        """Move the account's clock on: limits refill, the prompt cache ages."""
        self._control.post(f"/keys/{self.api_key}/advance", json={"seconds": seconds}).raise_for_status()

    def state(self) -> dict[str, Any]:
        """Of the whole server: connections accepted and open, URLs that refuse or never accept."""
        state: dict[str, Any] = self._control.get(f"{self.root}/_simulator").json()
        return state

    def forget(self) -> None:
        """Make the key unknown: 401 from now on."""
        self._control.delete(f"/keys/{self.api_key}")

    def close(self) -> None:
        """Forget the account and let go of the connection."""
        self.forget()
        self._control.close()
