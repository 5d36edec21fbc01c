"""Running the gateway: one process, or several on one socket."""

from __future__ import annotations

import asyncio
import contextlib
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

__all__ = ("ServeOptions", "ServedGateway", "listen", "serve")

log = logging.getLogger("tensorwall.gateway")

_KEEP_ALIVE = 75
"""Seconds; longer than clients keep idle connections, so that they close them and not we."""
_BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line says; the rest is in the settings.

    Attributes:
        host: what to listen on.
        workers: processes that answer.
        demo: answers come from the simulator.
        tallies: where several processes tell each other what they count.
    """

    host: str
    workers: int = 1
    demo: bool = False
    tallies: Path | None = None


def listen(host: str, port: int) -> socket.socket:
    """The listening socket.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"{host} port {port} cannot be listened on: {error.strerror or error}.",
            hint="Take another with --port; --port 0 takes a free one.",
        ) from None


def serve(options: ServeOptions, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; running answers have the settings' grace to end then.

    Args:
        options: from the command line.
        listener: as `listen` makes it.
        ready: called once requests are taken.

    Raises:
        TensorWallError: the gateway cannot be opened; of several processes each logs why.
    """
    settings = load_settings().gateway
    if options.workers > 1:
        ready()
        with tempfile.TemporaryDirectory(prefix="tensorwall-tallies-") as folder:
            app = ServedGateway(replace(options, tallies=Path(folder)))
            _supervise(_config(app, options, settings), listener)
        return
    app = ServedGateway(options)
    try:
        with _stopped_without_a_signal():
            _Server(_config(app, options, settings), ready).run(sockets=[listener])
    except SystemExit:
        if app.failure is not None:
            raise app.failure from None
        raise


def _supervise(config: uvicorn.Config, listener: socket.socket) -> None:
    supervisor = _Supervisor(config, [listener])
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

    Attributes:
        failure: why it could not be opened.
    """

    def __init__(self, options: ServeOptions) -> None:
        self.failure: TensorWallError | None = None
        self._options = options
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live from the server's start to its end."""
        if scope["type"] == "lifespan":
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
            async with asyncio.TaskGroup() as group:
                warming = group.create_task(router.warm())  # the first caller waits for no handshake
                await receive()
                warming.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self, exits: contextlib.AsyncExitStack) -> tuple[ASGIApp, LLMRouter]:
        settings, metrics = load_settings(), Metrics()
        services = await compose(
            settings,
            source=Source("demo") if self._options.demo else None,
            patience=RetryPolicy(longest_wait=settings.gateway.patience),
            observer=metrics,
        )
        exits.push_async_callback(services.aclose)
        gateway = await exits.enter_async_context(open_gateway(services, metrics, self._options.tallies))
        return create_app(gateway, own_names=(self._options.host,)), services.router


class _Server(uvicorn.Server):
    """uvicorn's server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


class _Supervisor(Multiprocess):
    """uvicorn's, which takes processes that start slowly for hung ones, and starts them again for ever."""

    def keep_subprocess_alive(self) -> None:
        """Replace those that have ended."""
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


class _Redacted(logging.Formatter):
    """Leaves keys out, whoever wrote them into a message or a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacted("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
