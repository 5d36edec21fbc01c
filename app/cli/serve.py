"""`tensorwall serve`: the local endpoint that OpenAI's and Groq's clients can talk to."""

from __future__ import annotations

import sys
from functools import partial

import click

from app.cli.output import complain

__all__ = ("serve",)

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_OF_THE_EXTRA = ("prometheus_client", "python_multipart", "uvloop")


@click.command()
@click.option("--host", default="127.0.0.1", help="Address to listen on; by default only this machine calls.")
@click.option("--port", type=click.IntRange(0, 65535), help="By default the settings' gateway.port: 8000.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="Processes that answer.")
@click.option("--demo", is_flag=True, help="Answers come from the simulator: no key, nothing spent.")
def serve(*, host: str, port: int | None, workers: int, demo: bool) -> int:
    """Answer OpenAI's API on this machine, until Ctrl-C; prints the base URL.

    Requests take the same routes as the assistant's, and show up in the same cost review. Each needs a
    key of this gateway, as `X-API-Key` or as `Authorization: Bearer`; the first one is made, and shown, by
    the first start. `tensorwall keys` makes further ones.
    """
    try:
        from app.gateway.server import OnStart, ServeOptions, listen
        from app.gateway.server import serve as run
    except ModuleNotFoundError as missing:
        if missing.name not in _OF_THE_EXTRA:
            raise
        complain(
            f"The gateway needs the package {missing.name}.",
            hint="Install it with: pip install 'tensorwall[gateway]'",
        )
        return 1
    from app.composition import Source, find_source
    from core.locations import find_locations
    from core.settings import load_settings

    settings = load_settings()
    with listen(host, settings.gateway.port if port is None else port) as listener:
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{listener.getsockname()[1]}/v1"
        if host not in _LOOPBACK:
            complain(
                "Others on the network can reach this gateway, and nothing is encrypted.",
                label="Warning: ",
                hint="Put a proxy with TLS in front of it.",
            )
        source = Source("demo") if demo else find_source(settings, find_locations())
        if source is None:
            source = Source("callers")
            complain(
                "There is no provider's key here: callers have to bring their own.",
                label="Warning: ",
                hint="They send it as Authorization: Bearer beside X-API-Key; `tensorwall login` stores one.",
            )
        run(ServeOptions(host, source, workers), listener, OnStart(partial(_print, url), _print_first_key))
    return 0


def _print_first_key(secret: str) -> None:
    click.echo("The first key, which is not shown again:", err=True)
    _print(secret)


def _print(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
