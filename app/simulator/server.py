"""The simulator as an application and as a server on a loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import socket
import time
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.simulator.api import (
    Act,
    Endpoint,
    Path,
    answer_chat,
    list_models,
    show_model,
    speak,
    transcribe_recording,
)
from app.simulator.batch_api import (
    cancel_batch,
    create_batch,
    download_file,
    list_batches,
    show_batch,
    upload_file,
)
from app.simulator.connections import ConnectionProtocol, Connections
from app.simulator.control import DeadPorts, control_routes
from app.simulator.options import Options
from app.simulator.organizations import Organizations

__all__ = ("DEMO_OPTIONS", "create_app", "serve")

DEMO_OPTIONS = Options(tokens_per_second=500, first_token_ms=180, limits="developer")
"""The demo's pace: about what the default model gives."""

_GROQ, _GENERIC = "/openai/v1", "/v1"
_BATCH_ROUTES: tuple[tuple[str, str, Path, Act], ...] = (
    ("POST", "files", "files", upload_file),
    ("GET", "files/{file}/content", "files", download_file),
    ("POST", "batches", "batches", create_batch),
    ("GET", "batches", "batches", list_batches),
    ("GET", "batches/{batch}", "batches", show_batch),
    ("POST", "batches/{batch}/cancel", "batches", cancel_batch),
)
_KEEP_ALIVE_SECONDS = 3_600


def create_app(
    demo: Options, connections: Connections, dead: DeadPorts, clock: Callable[[], float] = time.monotonic
) -> Starlette:
    """The ASGI application; it needs ``ConnectionProtocol`` under it."""
    organizations = Organizations(clock, demo)
    routes = control_routes(organizations, connections, dead)
    for prefix, groq in ((_GROQ, True), (_GENERIC, False)):
        chat = Endpoint(answer_chat, "chat", organizations, groq=groq)
        models = Endpoint(list_models, "models", organizations, groq=groq)
        model = Endpoint(show_model, "models", organizations, groq=groq)
        transcriptions = Endpoint(transcribe_recording, "transcription", organizations, groq=groq)
        speech = Endpoint(speak, "speech", organizations, groq=groq)
        routes += [
            Route(f"{prefix}/{path}", Endpoint(act, kind, organizations, groq=groq), methods=[method])
            for method, path, kind, act in _BATCH_ROUTES
        ]
        routes += [
            Route(f"{prefix}/audio/transcriptions", transcriptions, methods=["POST"]),
            Route(f"{prefix}/audio/translations", transcriptions, methods=["POST"]),
            Route(f"{prefix}/audio/speech", speech, methods=["POST"]),
            Route(f"{prefix}/chat/completions", chat, methods=["POST"]),
            Route(f"{prefix}/models", models, methods=["GET"]),
            Route(f"{prefix}/models/{{model:path}}", model, methods=["GET"]),
        ]
    return Starlette(routes=routes, exception_handlers={404: _unknown_url, 405: _unknown_url})


async def serve(
    demo: Options, *, port: int, ready: Callable[[str], None], parent_gone: asyncio.Event | None = None
) -> None:
    """Serve until SIGTERM, SIGINT, or until ``parent_gone`` is set.

    Args:
        demo: options of the demo key.
        port: on 127.0.0.1; 0 takes a free one.
        ready: called with the base URL once requests are answered.
        parent_gone: another reason to stop.

    Raises:
        OSError: the port is taken.
    """
    connections, dead = Connections(), DeadPorts()
    config = uvicorn.Config(
        create_app(demo, connections, dead),
        http=functools.partial(ConnectionProtocol, connections=connections),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=2,
        backlog=256,
    )
    with contextlib.closing(dead), socket.create_server(("127.0.0.1", port), backlog=256) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}{_GROQ}"
        server = _Server(config, lambda: ready(base_url))
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]))
            stopping = group.create_task(_stop(server, connections, parent_gone or asyncio.Event()))
            serving.add_done_callback(lambda _: stopping.cancel())


async def _stop(server: uvicorn.Server, connections: Connections, parent_gone: asyncio.Event) -> None:
    """Wait for a reason to stop, then let go of every connection so that nothing is waited for."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows, where Ctrl-C raises KeyboardInterrupt
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, parent_gone.set)
    await parent_gone.wait()
    server.should_exit = True
    connections.close_all()


class _Server(uvicorn.Server):
    """uvicorn's server that says when it is ready and leaves signals to ``serve``."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _unknown_url(request: Request, _: Exception) -> Response:
    message = (
        f"Unknown request URL: {request.method} {request.url.path}. Please check the URL for typos, or see "
        "the docs at https://console.groq.com/docs/"
    )
    error = {"message": message, "type": "invalid_request_error", "code": "unknown_url"}
    return JSONResponse({"error": error}, 404)
