"""`tensorwall simulate`: the simulator of Groq's API, until Ctrl-C."""

from __future__ import annotations

import click

__all__ = ("simulate",)


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On 127.0.0.1; by default a free one.")
@click.option("--tokens-per-second", type=click.FloatRange(min=0, min_open=True), help="Pace of an answer.")
@click.option("--first-token-ms", type=click.FloatRange(min=0), help="Delay before an answer.")
@click.option("--die-with-parent", is_flag=True, help="Stop when stdin is closed.")
def simulate(
    *, port: int, tokens_per_second: float | None, first_token_ms: float | None, die_with_parent: bool
) -> int:
    """Run a stand-in for Groq's API on this machine; prints its base URL.

    Point a client at it with: GROQ_API_URL=<the URL> GROQ_API_KEY=gsk_demo tensorwall
    """
    from app.simulator.__main__ import main

    arguments = [f"--port={port}"]
    if tokens_per_second is not None:
        arguments.append(f"--tokens-per-second={tokens_per_second}")
    if first_token_ms is not None:
        arguments.append(f"--first-token-ms={first_token_ms}")
    if die_with_parent:
        arguments.append("--die-with-parent")
    return main(arguments)
