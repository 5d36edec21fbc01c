"""A real model in a real process: it answers, and it ends with whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import httpx
import psutil
import pytest

from core.chat import ChatRequest, Event, Finished, Message, TextDelta, UsageReported
from core.chat.events import ModelLoading
from core.errors import ConnectionFailed, OfflineUnavailable, RequestTooLarge
from core.offline.models import LocalModel
from core.offline.provider import EmbeddedProvider
from core.offline.server import LlamaServer

ROOT = Path(__file__).parents[3]


def request(text: str = "What is the capital of France?", tokens: int = 6) -> ChatRequest:
    return ChatRequest(
        model="m",
        messages=[Message(role="user", content=text)],
        max_completion_tokens=tokens,
        temperature=0,
    )


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "core.offline.child" in child.cmdline()]


@pytest.fixture
async def provider(chat_model: Path) -> AsyncIterator[EmbeddedProvider]:
    provider = EmbeddedProvider("smollm2-135m", window=512, models_dir=chat_model.parents[1])
    yield provider
    await provider.aclose()
    assert children() == []


async def ask(provider: EmbeddedProvider, asked: ChatRequest) -> list[Event]:
    return [event async for event in provider.stream(asked, model="m")]


async def test_it_answers_with_usage_and_is_loaded_once(provider: EmbeddedProvider) -> None:
    assert children() == []  # nothing runs before it is needed
    first, second = await asyncio.gather(ask(provider, request()), ask(provider, request()))
    for events in (first, second):
        assert events[0] == ModelLoading("SmolLM2 135M")
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert text == "The capital of France is Paris"
        (usage,) = (event.usage for event in events if isinstance(event, UsageReported))
        assert (usage.completion_tokens, usage.estimated) == (6, False)
        assert events[-1] == Finished("length")
    assert len(children()) == 1
    again = await ask(provider, request())
    assert not [event for event in again if isinstance(event, ModelLoading)]

    response = await provider.complete(request(), model="m")
    assert (response.provider, response.model) == ("embedded", "smollm2-135m")
    assert [model.id for model in await provider.models()] == ["smollm2-135m"]
    with pytest.raises(RequestTooLarge):
        await ask(provider, request("word " * 600))

    # An answer that nobody wants any more is not written to its end.
    async with aclosing(provider.stream(request("Tell me a story.", tokens=128), model="m")) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert await ask(provider, request())


async def test_a_crash_is_one_failed_call(provider: EmbeddedProvider) -> None:
    assert await provider.warm()
    (child,) = children()
    child.kill()
    child.wait()
    try:
        events = await ask(provider, request())
    except ConnectionFailed:  # it was not yet known to be gone
        events = await ask(provider, request())
    assert isinstance(events[-1], Finished)
    assert [process.pid for process in children()] != [child.pid]


async def test_nobody_else_is_answered(chat_model: Path) -> None:
    server = LlamaServer(LocalModel("m", "M", chat_model, None), 256)
    try:
        running = await server.run()
        assert running.url.startswith("http://127.0.0.1:")
        assert running.key not in repr(running)
        (child,) = children()
        assert running.key not in " ".join(child.cmdline())
        async with httpx.AsyncClient() as client:
            body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
            refused = await client.post(f"{running.url}/chat/completions", json=body)
            assert refused.status_code == 401
            wrong = {"Authorization": "Bearer sk-wrong"}
            assert (await client.get(f"{running.url}/../props", headers=wrong)).status_code == 401
    finally:
        await server.aclose()
    assert children() == []


async def test_a_file_that_does_not_load_is_said(chat_model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(64))
    provider = EmbeddedProvider(str(broken), window=256, models_dir=tmp_path)
    with pytest.raises(OfflineUnavailable, match=r"broken does not load: broken\.gguf cannot be read"):
        await ask(provider, request())
    assert not await provider.warm()
    assert children() == []


async def test_whoever_stops_waiting_does_not_stop_the_loading(provider: EmbeddedProvider) -> None:
    first = asyncio.create_task(ask(provider, request()))
    second = asyncio.create_task(provider.warm())
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert len(children()) == 1


@pytest.mark.parametrize("steps", [1, 3, 30])
async def test_closing_while_it_loads_leaves_nothing_behind(chat_model: Path, steps: int) -> None:
    provider = EmbeddedProvider("smollm2-135m", window=512, models_dir=chat_model.parents[1])
    loading = asyncio.create_task(ask(provider, request()))
    for _ in range(steps):
        await asyncio.sleep(0)
    loading.cancel()
    await provider.aclose()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert children() == []


PARENT = """
import asyncio, sys
from pathlib import Path
from core.offline.models import LocalModel
from core.offline.server import LlamaServer

async def main():
    server = LlamaServer(LocalModel("m", "M", Path(sys.argv[1]), None), 256)
    await server.run()
    print(server._process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_it_ends_with_its_parent_however_that_ends(chat_model: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(chat_model)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
    psutil.wait_procs([child], timeout=30)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
