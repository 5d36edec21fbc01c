"""Runs of `tensorwall` that start warm: each a process of its own, forked from one that has imported all.

Importing takes a run of the command several times as long as what it then does. What a cold start imports,
and how a process on a terminal or under signals behaves, other tests see to (`start`, `on_terminal`).
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.databases import copied_tables, sqlite_template

ROOT = Path(__file__).parents[3]
_IMPORTED = (
    "alembic.command",
    "alembic.runtime.migration",
    "app.cli.batch",
    "app.cli.chat",
    "app.cli.config",
    "app.cli.costs",
    "app.cli.costs_views",
    "app.cli.entry",
    "app.cli.keys",
    "app.cli.keys_output",
    "app.cli.models",
    "app.cli.one_shot",
    "app.cli.sessions",
    "app.composition",
    "core.conversations.conversations",
    "core.costs.ledger",
    "core.costs.voice_turns",
    "core.providers.connection",
    "core.review.review",
    "core.storage.store",
    "genai_prices",
    "jsonschema",
    "sqlalchemy.dialects.sqlite",
    "tomlkit",
)
_LENGTH = 8


class WarmStarts:
    """The process that waits to be forked; of its runs there is one at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.app.cli.warm", str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._one_at_a_time = threading.Lock()

    def run(
        self, arguments: Sequence[str], data: bytes, environment: Mapping[str, str], seconds: float
    ) -> tuple[int, bytes, bytes]:
        """Run the command to its end: its status, as ``subprocess`` has it, and what it wrote."""
        with self._one_at_a_time:
            (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = os.pipe(), os.pipe(), os.pipe()
            self._socket.settimeout(seconds)
            order = json.dumps([list(arguments), dict(environment)]).encode()
            head = len(order).to_bytes(_LENGTH, "big")
            socket.send_fds(self._socket, [head], [stdin, stdout, stderr])
            self._socket.sendall(order)
            for end in (stdin, stdout, stderr):
                os.close(end)
            (child,) = array.array("q", _exactly(self._socket, 8))
            feeding = threading.Thread(target=_feed, args=(to_stdin, data), daemon=True)
            reading = [_Reading(from_stdout), _Reading(from_stderr)]
            feeding.start()
            try:
                (status,) = array.array("q", _exactly(self._socket, 8))
            except TimeoutError:
                os.kill(child, signal.SIGKILL)
                self._socket.settimeout(None)
                _exactly(self._socket, 8)
                raise
            out, err = (stream.whole(seconds) for stream in reading)
            feeding.join(seconds)
            return status, out, err

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._process.wait(timeout=10)


class _Reading(threading.Thread):
    """Reads what a run writes, up to its end."""

    def __init__(self, end: int) -> None:
        super().__init__(daemon=True)
        self._end = end
        self._pieces: list[bytes] = []
        self.start()

    def run(self) -> None:
        while piece := os.read(self._end, 65_536):
            self._pieces.append(piece)
        os.close(self._end)

    def whole(self, seconds: float) -> bytes:
        self.join(seconds)
        assert not self.is_alive(), "something that the command started keeps its output open"
        return b"".join(self._pieces)


def _feed(end: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(end, data) :]
    except BrokenPipeError:
        pass  # it has read enough
    finally:
        os.close(end)


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = channel.recv(size - len(data))
        if not piece:
            raise EOFError("the process to be forked is gone")
        data += piece
    return data


def serve(channel: socket.socket) -> None:
    """Fork for every order, until the other side goes."""
    for name in _IMPORTED:
        importlib.import_module(name)
    sqlite_template()
    gc.collect()
    gc.freeze()
    with copied_tables():
        _fork_for_every_order(channel)


def _fork_for_every_order(channel: socket.socket) -> None:
    while True:
        head, ends, _, _ = socket.recv_fds(channel, _LENGTH, 3)
        if not head:
            return
        arguments, environment = json.loads(_exactly(channel, int.from_bytes(head, "big")))
        child = os.fork()
        if child == 0:
            channel.close()
            _become(ends, environment)
            _command(arguments)
        for end in ends:
            os.close(end)
        channel.sendall(array.array("q", [child]).tobytes())
        _, status = os.waitpid(child, 0)
        channel.sendall(array.array("q", [os.waitstatus_to_exitcode(status)]).tobytes())


def _become(ends: Sequence[int], environment: Mapping[str, str]) -> None:
    """What a new process has of its parent: the three streams, the variables, the usual signals."""
    for target, end in enumerate(ends):
        os.dup2(end, target)
        os.close(end)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - as Python opens its own
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _command(arguments: Sequence[str]) -> None:
    from app.cli import main

    status: object = 1
    sys.argv = ["tensorwall", *arguments]
    try:
        main()
    except SystemExit as end:
        status = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
