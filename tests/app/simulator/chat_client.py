"""A small client that shows an answer as it was on the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.simulated import Simulated


@dataclass
class Streamed:
    """A stream that was read to its end: its events, and when each came (seconds from the request)."""

    status: int
    headers: httpx.Headers
    raw: bytes = b""
    times: list[float] = field(default_factory=list)

    @property
    def data(self) -> list[str]:
        """The ``data`` of each event."""
        lines = self.raw.decode().replace("\r\n", "\n").split("\n")
        return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The events that are JSON."""
        return [json.loads(data) for data in self.data if data != "[DONE]"]

    @property
    def deltas(self) -> list[dict[str, Any]]:
        return [chunk["choices"][0]["delta"] for chunk in self.chunks if chunk.get("choices")]

    @property
    def text(self) -> str:
        return "".join(delta.get("content", "") for delta in self.deltas)

    @property
    def reasoning(self) -> str:
        return "".join(delta.get("reasoning", "") for delta in self.deltas)

    @property
    def finish_reason(self) -> str | None:
        return next(
            (c["choices"][0]["finish_reason"] for c in reversed(self.chunks) if c.get("choices")), None
        )


class ChatClient:
    """Asks one simulated account."""

    def __init__(self, simulator: Simulated) -> None:
        self.simulator = simulator
        self.http = httpx.Client(
            trust_env=False,
            verify=False,
            timeout=20,
            headers={"Authorization": f"Bearer {simulator.api_key}"},
        )
        self.url = f"{simulator.base_url}/chat/completions"

    def body(self, prompt: str = "hello", **fields: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": prompt}]
        return {"model": "openai/gpt-oss-20b", "messages": messages, **fields}

    def ask(
        self, prompt: str = "hello", *, simulate: dict[str, Any] | None = None, **fields: Any
    ) -> httpx.Response:
        """A call that does not stream."""
        return self.http.post(self.url, json=self.body(prompt, **fields), headers=_header(simulate))

    def open_stream(
        self, prompt: str = "hello", simulate: dict[str, Any] | None = None, **fields: Any
    ) -> Any:
        """The context of a response whose body is still to be read."""
        body = self.body(prompt, stream=True, **fields)
        return self.http.stream("POST", self.url, json=body, headers=_header(simulate))

    def stream(
        self, prompt: str = "hello", *, simulate: dict[str, Any] | None = None, **fields: Any
    ) -> Streamed:
        """A whole stream."""
        started = time.monotonic()
        with self.open_stream(prompt, simulate, **fields) as response:
            streamed = Streamed(response.status_code, response.headers)
            for data in response.iter_raw():
                streamed.raw += data
                streamed.times += [time.monotonic() - started] * data.count(b'"delta"')
        return streamed


def _header(simulate: dict[str, Any] | None) -> dict[str, str]:
    return {} if simulate is None else {"X-Simulate": json.dumps(simulate)}


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Ask again until it is so; each question is a request to the server, which paces the loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
