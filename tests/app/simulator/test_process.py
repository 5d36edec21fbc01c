"""The simulator as a process: how it starts, what it prints, how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from app.simulator.process import command, running_simulator
from core.errors import ConnectionFailed
from tests.app.simulator.chat_client import wait_for

ROOT = Path(__file__).parents[3]
PARENT = """
import asyncio, sys
from app.simulator.process import running_simulator

async def main():
    async with running_simulator() as base_url:
        print(base_url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def answers(base_url: str) -> bool:
    headers = {"Authorization": "Bearer gsk_demo"}
    try:
        return (
            httpx.get(f"{base_url}/models", headers=headers, trust_env=False, verify=False).status_code == 200
        )
    except httpx.TransportError:
        return False


async def test_runs_while_the_body_runs_and_then_is_gone() -> None:
    others = set(psutil.Process().children())
    async with running_simulator(tokens_per_second=2_000, first_token_ms=1) as base_url:
        assert base_url.startswith("http://127.0.0.1:")
        assert base_url.endswith("/openai/v1")
        assert answers(base_url)
        (child,) = set(psutil.Process().children()) - others

    assert not child.is_running()
    assert not answers(base_url)


async def test_a_taken_port_is_a_typed_error_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        starting = running_simulator(port=taken.getsockname()[1])
        with pytest.raises(ConnectionFailed, match="did not start: simulator: cannot listen on port"):
            await starting.__aenter__()


async def test_the_body_s_own_error_passes_and_the_child_is_gone() -> None:
    simulator = running_simulator()
    base_url = await simulator.__aenter__()
    assert answers(base_url)
    error = ZeroDivisionError()

    assert not await simulator.__aexit__(ZeroDivisionError, error, None)

    assert not answers(base_url)


def test_the_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent:
        base_url = parent.stdout.readline().strip()
        assert answers(base_url)
        (child,) = psutil.Process(parent.pid).children()
        parent.send_signal(signal.SIGKILL)

    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert not answers(base_url)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_even_in_the_middle_of_a_stream(number: int) -> None:
    process = subprocess.Popen(
        command(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        base_url = process.stdout.readline().strip()
        body = {
            "model": "openai/gpt-oss-20b",
            "stream": True,
            "messages": [{"role": "user", "content": "hi"}],
        }
        headers = {"Authorization": "Bearer gsk_demo", "X-Simulate": '{"faults": [{"kind": "stall"}]}'}
        with httpx.stream(
            "POST", f"{base_url}/chat/completions", json=body, headers=headers, trust_env=False, verify=False
        ) as stalled:
            next(stalled.iter_raw())
            process.send_signal(number)
            assert process.wait(timeout=10) == 0
        assert process.stdout.read() == ""
        assert process.stderr.read() == ""


def test_it_stops_when_stdin_is_closed() -> None:
    process = subprocess.Popen(command(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_it_runs_from_any_folder(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1])\n" + PARENT
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(ROOT)], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent:
        assert answers(parent.stdout.readline().strip())
        parent.kill()
