"""`tensorwall serve`: the local endpoint that OpenAI's and Groq's clients can talk to."""

from __future__ import annotations

import asyncio
import sys

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
        from app.gateway.server import ServeOptions, listen
        from app.gateway.server import serve as run
    except ModuleNotFoundError as missing:
        if missing.name not in _OF_THE_EXTRA:
            raise
        complain(
            f"The gateway needs the package {missing.name}.",
            hint="Install it with: pip install 'tensorwall[gateway]'",
        )
        return 1
    from core.settings import load_settings

    settings = load_settings().gateway
    with listen(host, settings.port if port is None else port) as listener:
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{listener.getsockname()[1]}/v1"
        secret = asyncio.run(_first_key(demo=demo))
        if host not in _LOOPBACK:
            complain(
                "Others on the network can reach this gateway, and nothing is encrypted.",
                label="Warning",
                hint="Put a proxy with TLS in front of it.",
            )
        run(ServeOptions(host, workers, demo), listener, lambda: _tell(url, secret))
    return 0


def _tell(url: str, secret: str | None) -> None:
    click.echo(url)
    if secret is not None:
        click.echo("The first key, which is not shown again:", err=True)
        click.echo(secret)
    sys.stdout.flush()


async def _first_key(*, demo: bool) -> str | None:
    """The secret of a key for everything, where there is none yet."""
    from app.cli.services import open_stored
    from core.keys import KeyScopes

    async with open_stored(demo=demo) as stored:
        if await stored.records.keys.all():
            return None
        _, secret = await stored.records.keys.create("first", KeyScopes())
        return secret
