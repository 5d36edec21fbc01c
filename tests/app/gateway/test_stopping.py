"""How the gateway ends: told to, by force, in part; and what that leaves in the ledger."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.app.gateway.conftest import HELLO, MODEL
from tests.gateway_process import RunningGateway, gateway_process
from tests.simulated import Simulated

_PATIENCE = 60.0
FAST, SLOW = 100, 20


@asynccontextmanager
async def clients() -> AsyncIterator[httpx.AsyncClient]:
    """Each question on a connection of its own, so that any process may get it."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=_PATIENCE, limits=limits) as client:
        yield client


class Stream:
    """A stream that somebody reads."""

    def __init__(self, gateway: RunningGateway, simulator: Simulated, client: httpx.AsyncClient, name: str):
        self.name = name
        self.begun = asyncio.Event()
        self.text = ""
        self._question = client.stream(
            "POST",
            f"{gateway.root}/v1/chat/completions",
            json={"model": MODEL, "messages": HELLO, "stream": True, "max_completion_tokens": 1_000},
            headers={
                "X-API-Key": gateway.key,
                "Authorization": f"Bearer {simulator.api_key}",
                "X-Request-ID": name,
            },
        )

    async def read(self) -> bool:
        """To its end; whether that is a whole answer, and not a connection that was cut."""
        try:
            async with self._question as answer:
                async for piece in answer.aiter_text():
                    self.text += piece
                    self.begun.set()
        except httpx.TransportError:
            return False
        return self.text.endswith("data: [DONE]\n\n")


def rows(home: Path) -> dict[str, dict[str, Any]]:
    """The ledger by what the client called its request."""
    with closing(sqlite3.connect(home / "data" / "tensorwall.db")) as database:
        database.row_factory = sqlite3.Row
        return {row["client_request_id"]: dict(row) for row in database.execute("SELECT * FROM calls")}


def workers(gateway: RunningGateway) -> list[psutil.Process]:
    """The processes that answer; the other child tracks resources for them."""
    children = psutil.Process(gateway.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def connections(worker: psutil.Process, gateway: RunningGateway) -> int:
    return sum(
        found.laddr.port == port_of(gateway) and found.status == psutil.CONN_ESTABLISHED
        for found in worker.net_connections("tcp")
    )


def port_of(gateway: RunningGateway) -> int:
    return int(gateway.root.rpartition(":")[2])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


async def test_a_worker_that_is_killed_loses_its_own_calls_alone(
    simulator: Simulated, tmp_path: Path
) -> None:
    simulator.configure(tokens_per_second=SLOW, content="markdown", tokens=2 * SLOW, reasoning="")
    home = tmp_path / "home"
    with gateway_process(home, simulator.base_url, "--workers", "2") as gateway:
        async with clients() as client, asyncio.TaskGroup() as group:
            await until(lambda: len(workers(gateway)) == 2)
            streams, reading = [], []
            while not streams or min(connections(worker, gateway) for worker in workers(gateway)) < 3:
                assert len(streams) < 100
                stream = Stream(gateway, simulator, client, f"stream-{len(streams)}")
                streams.append(stream)
                reading.append(group.create_task(stream.read()))
                await asyncio.wait_for(stream.begun.wait(), _PATIENCE)
            doomed, spared = workers(gateway)
            doomed.kill()
            whole = [await task for task in reading]
            await until(lambda: len(workers(gateway)) == 2 and doomed not in workers(gateway))
        assert spared.is_running()
        # Whoever takes its place finds what it left, and settles it.
        names = {stream.name for stream in streams}
        await until(lambda: set(rows(home)) == names)
        await until(lambda: all(row["outcome"] != "running" for row in rows(home).values()))
    booked = rows(home)
    for stream, done in zip(streams, whole, strict=True):
        row = booked[stream.name]
        assert row["outcome"] == ("answered" if done else "crashed")
        assert row["writer"] is None
        if not done:
            assert row["cost"] == row["reserved"] > 0
    assert Counter(whole)[False] >= 3
    assert Counter(whole)[True] >= 3


@pytest.mark.parametrize(
    ("number", "options"),
    [(signal.SIGTERM, ()), (signal.SIGINT, ()), (signal.SIGTERM, ("--workers", "2"))],
    ids=["SIGTERM", "Ctrl-C", "two workers"],
)
async def test_running_answers_end_and_nothing_new_begins(
    simulator: Simulated, tmp_path: Path, number: int, options: tuple[str, ...]
) -> None:
    simulator.configure(tokens_per_second=FAST, content="markdown", tokens=FAST, reasoning="")
    home = tmp_path / "home"
    with gateway_process(home, simulator.base_url, *options) as gateway:
        async with clients() as client, asyncio.TaskGroup() as group:
            stream = Stream(gateway, simulator, client, "running")
            reading = group.create_task(stream.read())
            await asyncio.wait_for(stream.begun.wait(), _PATIENCE)
            os.kill(gateway.pid, number)
            assert await reading, stream.text
        assert gateway.process.wait(_PATIENCE) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port_of(gateway)))
    assert rows(home)["running"]["outcome"] == "answered"


async def test_an_answer_that_does_not_end_in_time_is_cut_off_and_booked(
    simulator: Simulated, tmp_path: Path
) -> None:
    simulator.configure(tokens_per_second=SLOW, content="markdown", tokens=100 * SLOW, reasoning="")
    home = tmp_path / "home"
    with gateway_process(home, simulator.base_url, settings="[gateway]\ngrace = 0\n") as gateway:
        async with clients() as client, asyncio.TaskGroup() as group:
            stream = Stream(gateway, simulator, client, "endless")
            reading = group.create_task(stream.read())
            await asyncio.wait_for(stream.begun.wait(), _PATIENCE)
            gateway.process.terminate()
            assert not await reading
            assert '"code":"stopping"' in stream.text.rpartition("data: ")[2]
        assert gateway.process.wait(_PATIENCE) == 0
    row = rows(home)["endless"]
    assert (row["outcome"], row["estimated"], row["writer"]) == ("cancelled", 1, None)
    assert row["completion_tokens"] > 0


def test_workers_do_not_outlive_the_process_that_started_them(simulator: Simulated, tmp_path: Path) -> None:
    with gateway_process(tmp_path / "home", simulator.base_url, "--workers", "2") as gateway:
        httpx.get(f"{gateway.root}/health", trust_env=False, timeout=_PATIENCE).raise_for_status()
        family = psutil.Process(gateway.pid).children()
        gateway.process.kill()
        _, alive = psutil.wait_procs(family, _PATIENCE)
        assert not alive


def test_workers_that_cannot_start_are_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = f"sqlite:///{tmp_path}/file/tensorwall.db"
    environment = {
        **os.environ,
        "TENSORWALL_HOME": str(tmp_path / "home"),
        "TENSORWALL_DATABASE_URL": nowhere,
    }
    ran = subprocess.run(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0", "--workers", "2"],
        cwd=Path(__file__).parents[3], env=environment, capture_output=True, text=True, timeout=_PATIENCE,
        check=False,
    )  # fmt: skip
    assert ran.returncode != 0
    assert ran.stdout == ""
    assert str(tmp_path / "file") in ran.stderr
    assert "Traceback" not in ran.stderr
