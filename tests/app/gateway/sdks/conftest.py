"""What the suites of the official clients have in common."""

from __future__ import annotations

import base64
import io
import time
import wave
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.gateway.conftest import Gateway
from tests.simulated import Simulated

VISION = "qwen/qwen3.8-27b"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
TWO_CITIES = [{"role": "user", "content": "How is the weather in Oslo and in Rome?"}]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def _red_dot() -> str:
    """A picture of one pixel."""
    head = _chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\0")
    png = b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + _chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


PICTURE = _red_dot()
WITH_PICTURE = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": PICTURE}},
        ],
    }
]


def ended(served: Gateway) -> str:
    """How the only question ended at the provider, once it has."""
    limit = time.monotonic() + 20
    while True:
        questions = served.simulator.questions()
        if questions and questions[-1]["outcome"] != "answering":
            (question,) = questions
            outcome: str = question["outcome"]
            return outcome
        assert time.monotonic() < limit, "the question goes on at the provider"


@pytest.fixture(scope="session")
def recording() -> bytes:
    """A second of silence, as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(bytes(32_000))
    return file.getvalue()


@pytest.fixture
def own_account(simulator_url: str) -> Iterator[Simulated]:
    """The account of the gateway's own key, for callers who bring none."""
    simulated = Simulated(simulator_url, api_key="gsk_own")
    yield simulated
    simulated.close()
