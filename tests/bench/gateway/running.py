"""Starting the upstream and the gateways before it, and what their processes hold."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.gateway.candidates import Candidate, Setting
from tests.bench.gateway.upstream import MODEL

__all__ = ("Held", "Running", "allow_many_connections", "body", "gateway", "gateways", "upstream")

_START_LIMIT = 120.0
"""Seconds; LiteLLM's proxy takes some twenty."""


@dataclass(frozen=True)
class Held:
    """What a gateway's processes hold together; ``cpu`` is in seconds since they started."""

    megabytes: float
    descriptors: int
    threads: int
    cpu: float


@dataclass(frozen=True)
class Running:
    """A gateway that answers, with all that a client must know of it.

    Attributes:
        address: where its chat completions are.
        home: its own folder.
    """

    name: str
    address: str
    headers: dict[str, str]
    home: Path
    process: psutil.Process

    def held(self) -> Held:
        """Now, its children included."""
        family = [self.process, *self.process.children(recursive=True)]
        times = [process.cpu_times() for process in family]
        return Held(
            megabytes=sum(process.memory_info().rss for process in family) / 1e6,
            descriptors=sum(process.num_fds() for process in family),
            threads=sum(process.num_threads() for process in family),
            cpu=sum(time.user + time.system for time in times),
        )


def allow_many_connections() -> None:
    """Lift this process's limit on open files, and so its children's, as far as the system lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def body(*, stream: bool, prompt: str = "How does a trigger work, and when should I not use one?") -> bytes:
    """A chat's request."""
    system = "You are a helpful assistant. Answer briefly, in plain words, and say so when you do not know. "
    messages = [{"role": "system", "content": system * 4}, {"role": "user", "content": prompt}]
    request = {"model": MODEL, "messages": messages, "max_completion_tokens": 500, "temperature": 0.7}
    return json.dumps(request | {"stream": stream}).encode()


@contextmanager
def upstream(*, faults: float = 0.0) -> Iterator[tuple[str, psutil.Process]]:
    """The canned provider's address, and its process."""
    command = [sys.executable, "-m", "tests.bench.gateway.upstream", "--faults", str(faults)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        yield f"http://127.0.0.1:{int(server.stdout.readline())}", psutil.Process(server.pid)
        server.stdin.close()


@contextmanager
def gateways(candidates: Sequence[Candidate], address: str, bare: psutil.Process) -> Iterator[list[Running]]:
    """All that will run before the upstream at ``address``; what will not says why and is left out."""
    with ExitStack() as stack:
        running = []
        for candidate in candidates:
            try:
                running.append(stack.enter_context(gateway(candidate, address, bare)))
            except (OSError, subprocess.CalledProcessError, CannotStart) as error:
                print(f"{candidate.name} is left out: {_reason(error)}", flush=True)
        yield running


@contextmanager
def gateway(candidate: Candidate, address: str, bare: psutil.Process) -> Iterator[Running]:
    """One of them, answering. Raises what ``Candidate.prepare`` does, and CannotStart."""
    with tempfile.TemporaryDirectory(prefix="tw-bench-") as folder:
        home = Path(folder)
        port = _free_port()
        spec = candidate.prepare(Setting(address, port, home))
        if not spec.command:
            yield Running(candidate.name, address + spec.path, spec.headers, home, bare)
            return
        log = home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                spec.command, env=os.environ | spec.environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, cwd=home,
            )  # fmt: skip
        running = Running(
            candidate.name,
            f"http://127.0.0.1:{port}{spec.path}",
            spec.headers,
            home,
            psutil.Process(process.pid),
        )
        try:
            _await_answer(running, process, log)
            yield running
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class CannotStart(Exception):
    """A gateway ended before it answered, or never did."""


def _await_answer(running: Running, process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask until a chat is answered: only then are routes, keys and connections known to work."""
    deadline = time.monotonic() + _START_LIMIT
    last = "nothing"
    while time.monotonic() < deadline and process.poll() is None:
        request = urllib.request.Request(
            running.address, body(stream=False), {"Content-Type": "application/json", **running.headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                response.read()
                return
        except urllib.error.HTTPError as error:
            last = f"{error.code} {error.read(300).decode(errors='replace')}"
        except OSError as error:
            last = str(error)
        time.sleep(0.2)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    state = "still running" if process.poll() is None else f"ended with status {process.returncode}"
    raise CannotStart(f"{state}; it answered {last} and wrote {' '.join(said) or 'nothing'}")


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return " ".join((error.stderr or str(error)).split())
    return str(error)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
