"""Opening the terminal interface on a real terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.stderr_guard import guard_stderr, tail
from app.stdout_guard import guard_stdout
from core.locations import find_locations

if TYPE_CHECKING:
    from textual.driver import Driver

__all__ = ("run",)


def run(*, demo: bool = False, session: str | None = None) -> int:
    """Run the interface until the user quits; the exit status.

    Args:
        demo: start with the simulator, whatever keys there are.
        session: id or beginning of the session to open; ``latest`` for the last one.
    """
    from app.terminal import Terminal
    from app.tui.application import TensorWallApp
    from app.tui.launch import Launcher

    locations = find_locations()
    log = locations.cache_dir / "stderr.log"
    app = TensorWallApp(
        Launcher(locations),
        terminal=Terminal.from_environment(os.environ),
        folder=Path.cwd(),
        demo=demo,
        session=session,
        driver_class=_driver_class(),
    )
    with guard_stderr(log), guard_stdout():
        app.run(mouse=app.wants_mouse)
    if app.return_code and (noise := tail(log)):
        print(noise, file=sys.stderr)  # noqa: T201  the screen is gone, this is for the user
    for line in app.farewell:
        print(line, file=sys.stderr)  # noqa: T201
    return app.return_code or 0


def _driver_class() -> type[Driver] | None:
    """The driver that learns of key releases, where there is one and the environment asks for no other."""
    from textual import constants

    if sys.platform == "win32" or constants.DRIVER is not None:
        return None
    from app.tui.keyboard.driver import KeyEventDriver

    return KeyEventDriver
