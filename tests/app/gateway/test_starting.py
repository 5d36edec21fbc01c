"""How the gateway starts: the first key, without any key of a provider, and where it cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.gateway.server import OnStart
from tests.app.gateway.conftest import HELLO, MODEL
from tests.gateway_process import gateway_process
from tests.simulated import Simulated

ROOT = Path(__file__).parents[3]
PAGE = "http://localhost:3000"


def environment(home: Path, **more: str) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if name != "GROQ_API_KEY"}
    return {**bare, "TENSORWALL_HOME": str(home), **more}


def run(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT, env=environment(home, **more), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@contextmanager
def started(home: Path, *options: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0", *options],
        cwd=ROOT, env=environment(home, **more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "two workers"])
def test_a_gateway_without_a_key_of_a_provider_serves_those_who_bring_one(
    simulator: Simulated, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with started(tmp_path / "home", *options, GROQ_API_URL=simulator.base_url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "callers have to bring their own" in process.stderr.readline()
        url, key = process.stdout.readline().strip(), process.stdout.readline().strip()
        body = {"model": MODEL, "messages": HELLO}
        with httpx.Client(base_url=url, headers={"X-API-Key": key}, trust_env=False, timeout=20) as client:
            answers = [
                client.post("/chat/completions", json=body, headers=brought)
                for brought in ({"Authorization": f"Bearer {simulator.api_key}"}, {})
            ]
        assert [answer.status_code for answer in answers] == [200, 503]
        assert answers[1].json()["error"]["code"] == "provider_key_missing"


@pytest.mark.parametrize("secrets", [("gw_first", None), (None, "gw_first")])
def test_whichever_worker_is_ready_first_the_address_comes_once_and_then_the_key(
    secrets: tuple[str | None, ...],
) -> None:
    told: list[str] = []
    on_start = OnStart(lambda: told.append("ready"), told.append)
    for secret in secrets:
        on_start.opened(secret)
    assert told == ["ready", "gw_first"]


def test_no_key_is_made_by_a_start_that_fails(tmp_path: Path) -> None:
    home, broken = tmp_path / "home", "[[routes]]\nmodel = 'x'\nendpoints = [{provider = 'nobody'}]\n"
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(broken)
    failed = run(home, "serve", "--port", "0")
    assert failed.returncode != 0
    assert "gw_" not in failed.stdout
    (home / "config" / "config.toml").unlink()
    assert run(home, "keys", "list", "--format", "csv").stdout.count("first") == 0


def test_a_host_that_is_none_is_told_as_such(tmp_path: Path) -> None:
    failed = run(tmp_path / "home", "serve", "--host", "nonsense.invalid")
    assert failed.returncode != 0
    assert "--host" in failed.stderr
    assert "--port" not in failed.stderr


def test_a_second_ctrl_c_ends_it_at_once_and_quietly(simulator: Simulated, tmp_path: Path) -> None:
    simulator.configure(tokens_per_second=20, content="markdown", tokens=2000, reasoning="")
    with gateway_process(tmp_path / "home", simulator.base_url) as gateway:
        asked = {"model": MODEL, "messages": HELLO, "stream": True}
        headers = {"X-API-Key": gateway.key, "Authorization": f"Bearer {simulator.api_key}"}
        url = f"{gateway.root}/v1/chat/completions"
        with httpx.stream("POST", url, json=asked, headers=headers, trust_env=False, timeout=20) as answer:
            pieces = answer.iter_bytes()
            next(pieces)
            os.kill(gateway.pid, signal.SIGINT)
            while answers(gateway.root):
                pass
            os.kill(gateway.pid, signal.SIGINT)
            assert '"code":"stopping"' in b"".join(pieces).decode().rpartition("data: ")[2]
        assert gateway.process.wait(20) == 0
    assert "ASGI" not in gateway.log.read_text()


def answers(root: str) -> bool:
    """Whether it still takes requests."""
    try:
        return httpx.get(f"{root}/health", trust_env=False, timeout=20).is_success
    except httpx.TransportError:
        return False


def test_a_page_that_the_settings_name_may_call_and_no_other(simulator: Simulated, tmp_path: Path) -> None:
    settings = f'[gateway]\nallowed_origins = ["{PAGE}"]\n'
    with gateway_process(tmp_path / "home", simulator.base_url, settings=settings) as gateway:
        url = f"{gateway.root}/v1/chat/completions"
        wanted = "authorization,content-type,x-api-key"
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": wanted}
        keys = {"X-API-Key": gateway.key, "Authorization": f"Bearer {simulator.api_key}"}
        body = {"model": MODEL, "messages": HELLO}
        with httpx.Client(headers={"Origin": PAGE}, trust_env=False, timeout=20) as page:
            leave = page.options(url, headers=asks)
            answer, refusal = page.post(url, json=body, headers=keys), page.post(url, json=body)
        assert (leave.status_code, answer.status_code, refusal.status_code) == (204, 200, 401)
        assert leave.headers["access-control-allow-headers"] == wanted
        assert "POST" in leave.headers["access-control-allow-methods"]
        for read in (leave, answer, refusal):
            assert read.headers["access-control-allow-origin"] == PAGE
            assert "Origin" in read.headers["vary"]
        for other in ("http://localhost:3001", "https://localhost:3000", "null"):
            refused = httpx.options(url, headers={**asks, "Origin": other}, trust_env=False)
            assert refused.status_code == 403
            assert "access-control-allow-origin" not in refused.headers
