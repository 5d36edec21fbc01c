"""``python -m app.simulator``: serve until told to stop; the base URL is the only line on stdout."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading

from app.simulator.options import Options
from app.simulator.server import DEMO_OPTIONS, serve

__all__ = ("main",)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m app.simulator", description="A stand-in for Groq's API.")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1 (default: a free one)")
    parser.add_argument(
        "--tokens-per-second", type=float, default=DEMO_OPTIONS.tokens_per_second, metavar="N"
    )
    parser.add_argument("--first-token-ms", type=float, default=DEMO_OPTIONS.first_token_ms, metavar="N")
    parser.add_argument("--die-with-parent", action="store_true", help="stop when stdin is closed")
    given = parser.parse_args(arguments)
    demo = Options(
        tokens_per_second=given.tokens_per_second,
        first_token_ms=given.first_token_ms,
        limits=DEMO_OPTIONS.limits,
    )
    try:
        asyncio.run(_run(demo, given.port, die_with_parent=given.die_with_parent))
    except OSError as error:
        sys.stderr.write(f"simulator: cannot listen on port {given.port}: {error.strerror}\n")
        return 1
    return 0


async def _run(demo: Options, port: int, *, die_with_parent: bool) -> None:
    parent_gone = asyncio.Event()
    if die_with_parent:
        loop = asyncio.get_running_loop()
        watch = threading.Thread(target=_watch_stdin, args=(loop, parent_gone), daemon=True)
        watch.start()
    await serve(demo, port=port, ready=_announce, parent_gone=parent_gone)


def _announce(base_url: str) -> None:
    sys.stdout.write(f"{base_url}\n")
    sys.stdout.flush()


def _watch_stdin(loop: asyncio.AbstractEventLoop, parent_gone: asyncio.Event) -> None:
    """Set the event when the other end of stdin closes, as it does however the parent dies."""
    while os.read(0, 1024):
        pass
    loop.call_soon_threadsafe(parent_gone.set)


if __name__ == "__main__":
    sys.exit(main())
