"""Running the gateway: one process, or several on one socket."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import multiprocessing
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from app.composition import Source, compose
from app.gateway.application import create_app, open_gateway
from app.gateway.connection import Connection
from app.gateway.metrics import Metrics
from core.credentials import redact
from core.errors import ConfigurationError, TensorWallError
from core.routing import LLMRouter
from core.routing.retry import RetryPolicy
from core.settings import GatewaySettings, load_settings

__all__ = ("OnStart", "ServeOptions", "ServedGateway", "listen", "serve")

log = logging.getLogger("tensorwall.gateway")

_KEEP_ALIVE = 75
"""Seconds; longer than clients keep idle connections, so that they close them and not we."""
_BACKLOG = 2048
_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES)
_OTHER_PORT = "Take another with --port; --port 0 takes a free one."
_OTHER_HOST = "Give an address of this machine with --host, such as 127.0.0.1."


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line says; the rest is in the settings.

    Attributes:
        host: what to listen on.
        workers: processes that answer.
        source: where answers come from.
        tallies: where several processes tell each other what they count.
    """

    host: str
    source: Source
    workers: int = 1
    tallies: Path | None = None


class OnStart:
    """Whom to tell of the start.

    Args:
        ready: called once, when requests are taken: by the first of several processes.
        first_key: called with the secret of the first key, where that was made just now; it is not to be had
            again.
    """

    def __init__(self, ready: Callable[[], None], first_key: Callable[[str], None]) -> None:
        self._ready = ready
        self._first_key = first_key
        self._is_ready = False

    def opened(self, secret: str | None) -> None:
        """A process takes requests; ``secret`` is of the first key, where it made that one.

        Of several processes, one that did not make it may well be the first to be ready.
        """
        if not self._is_ready:
            self._is_ready = True
            self._ready()
        if secret is not None:
            self._first_key(secret)


def listen(host: str, port: int) -> socket.socket:
    """The listening socket.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # what follows names it once more
        raise ConfigurationError(
            f"{host} port {port} cannot be listened on: {reason}.",
            hint=_OTHER_PORT if error.errno in _OF_THE_PORT else _OTHER_HOST,
        ) from None


def serve(options: ServeOptions, listener: socket.socket, on_start: OnStart) -> None:
    """Serve until SIGINT or SIGTERM; running answers have the settings' grace to end then.

    Args:
        options: from the command line.
        listener: as `listen` makes it.
        on_start: whom to tell of it.

    Raises:
        TensorWallError: the gateway cannot be opened, where several processes each log why.
    """
    settings = load_settings().gateway
    if options.workers > 1:
        with tempfile.TemporaryDirectory(prefix="tensorwall-tallies-") as folder:
            opened = multiprocessing.get_context("spawn").SimpleQueue()
            app = ServedGateway(replace(options, tallies=Path(folder)), opened)
            _supervise(_Supervisor(_config(app, options, settings), listener, opened, on_start))
        return
    app = ServedGateway(options)
    try:
        with _stopped_without_a_signal():
            server = _Server(_config(app, options, settings), lambda: on_start.opened(app.first_secret))
            server.run(sockets=[listener])
    except SystemExit:
        if app.failure is not None:
            raise app.failure from None
        raise


def _supervise(supervisor: _Supervisor) -> None:
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ConfigurationError("A process of the gateway could not start; it has told why.")


@contextlib.contextmanager
def _stopped_without_a_signal() -> Iterator[None]:
    """Being told to stop is no failure: uvicorn raises the signal once more when all is closed."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop_with_the_parent() -> None:
    """Stop this process as SIGTERM would when the one that started it is gone, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=wait, name="watch the parent", daemon=True).start()


def _config(app: ServedGateway, options: ServeOptions, settings: GatewaySettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(Connection, patience=settings.client_timeout)),
        loop="none" if sys.platform == "win32" else "uvloop",
        ws="none",
        lifespan="on",
        workers=options.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=settings.grace,
    )


class ServedGateway:
    """The ASGI application that opens the gateway when its process starts, and closes it in the end.

    Args:
        options: from the command line.
        opened: told `first_secret` once it is open, for the process that started this one.

    Attributes:
        failure: why it could not be opened.
        first_secret: of the first key, where that was made by this start.
    """

    def __init__(self, options: ServeOptions, opened: SimpleQueue[str | None] | None = None) -> None:
        self.first_secret: str | None = None
        self.failure: TensorWallError | None = None
        self._options = options
        self._opened = opened
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live from the server's start to its end."""
        if scope["type"] == "lifespan":
            # A second Ctrl-C cancels it: all is closed then, and nobody is left to be told.
            with contextlib.suppress(asyncio.CancelledError):
                await self._live(receive, send)
            return
        assert self._app is not None
        await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        _log_to_stderr()
        _stop_with_the_parent()
        async with contextlib.AsyncExitStack() as exits:
            try:
                self._app, router = await self._open(exits)
            except TensorWallError as error:
                self.failure = error
                if self._options.workers > 1:
                    log.error("%s", error)
                await send({"type": "lifespan.startup.failed", "message": ""})
                return
            await send({"type": "lifespan.startup.complete"})
            if self._opened is not None:
                self._opened.put(self.first_secret)
            async with asyncio.TaskGroup() as group:
                warming = group.create_task(router.warm())  # the first caller waits for no handshake
                await receive()
                warming.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self, exits: contextlib.AsyncExitStack) -> tuple[ASGIApp, LLMRouter]:
        settings, metrics = load_settings(), Metrics()
        services = await compose(
            settings,
            source=self._options.source,
            patience=RetryPolicy(longest_wait=settings.gateway.patience),
            observer=metrics,
        )
        exits.push_async_callback(services.aclose)
        gateway = await exits.enter_async_context(open_gateway(services, metrics, self._options.tallies))
        self.first_secret = await gateway.records.keys.create_first("first")  # now that it can be used
        return create_app(gateway, own_names=(self._options.host,)), services.router


class _Server(uvicorn.Server):
    """uvicorn's server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def main_loop(self) -> None:
        """Serve until told to stop."""
        self._ready()
        await super().main_loop()


class _Supervisor(Multiprocess):
    """uvicorn's, which takes processes that start slowly for hung ones, and starts them again for ever.

    Args:
        opened: told by each process that answers.
        on_start: told of the same.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        opened: SimpleQueue[str | None],
        on_start: OnStart,
    ) -> None:
        super().__init__(config, [listener])
        self._opened = opened
        self._on_start = on_start

    def keep_subprocess_alive(self) -> None:
        """Replace those that have ended, and tell of those that answer."""
        while not self._opened.empty():
            self._on_start.opened(self._opened.get())
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set() or process.process.is_alive():
                continue
            process.kill()  # closes what led to it
            process.join()
            if process.exitcode == STARTUP_FAILURE:  # the next would not start either
                self.should_exit.set()
                return
            log.warning("Process %s ended with status %s and is replaced.", process.pid, process.exitcode)
            self.processes[place] = Process(self.config, self.sockets)
            self.processes[place].start()


class _Quiet(logging.Filter):
    """Leaves out what uvicorn says of clients and of answers that were cut off: nobody can mend that here."""

    _SAID = (
        "ASGI callable returned without completing response.",
        "Invalid HTTP request received.",
        "No supported WebSocket library detected.",
        "Unsupported upgrade request.",
    )

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(self._SAID)


class _Redacted(logging.Formatter):
    """Leaves keys out, whoever wrote them into a message or a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacted("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("uvicorn.error").addFilter(_Quiet())
