"""The driver on a pseudo-terminal: what it asks for, what arrives, and how it leaves the terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

if sys.platform == "win32":
    pytest.skip("Windows keeps Textual's driver", allow_module_level=True)

_APP = """
from textual import events
from textual.app import App
from textual.widgets import Input
from app.tui.keyboard.driver import KeyEventDriver

class Listener(App):
    def compose(self):
        yield Input()

    def tell(self, what):
        self.title_of_terminal = what
        self._driver.write(f"\\x1b]0;{what}\\x07")

    async def on_event(self, event):
        await super().on_event(event)
        if type(event).__name__ in ("KeyReleased", "KeyRepeated"):
            self.tell(f"{type(event).__name__} {event.key}")

    def on_keyboard_reported(self, event):
        self.tell(f"releases {event.releases}")

    def on_input_changed(self, event):
        self.tell(f"typed [{event.value}]")

Listener(driver_class=KeyEventDriver).run()
"""


class Screen:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.written = b""

    def until(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while text.encode() not in self.written:
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                pytest.fail(f"{text!r} never came; written: {self.written[-2000:]!r}")
            self.written += os.read(self._descriptor, 65536)

    def sends(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())


@contextmanager
def running() -> Iterator[tuple[Screen, Callable[[], int]]]:
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", _APP],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Screen(master), lambda: child.wait(30)
    finally:
        child.kill()
        child.wait()
        os.close(master)


def test_press_repeat_and_release_reach_the_app_and_typing_goes_on():
    with running() as (screen, ended):
        screen.until("\x1b[?u")
        assert screen.written.index(b"\x1b[>25u") < screen.written.index(b"\x1b[=2;2u")
        screen.sends("\x1b[?27u")
        screen.until("releases True")
        screen.sends("\x1b[97;1:1;97u")
        screen.until("typed [a]")
        screen.sends("\x1b[97;1:2;97u")
        screen.until("typed [aa]")
        screen.until("KeyRepeated a")
        screen.sends("\x1b[97;1:3u")
        screen.until("KeyReleased a")
        screen.sends("\x1b[57448;5:1u\x1b[57448;1:3u")
        screen.until("KeyReleased right_control")
        screen.sends("\x1b[99999999;1:1u\x1b[98;1:1;98u")
        screen.until("typed [aab]")
        screen.sends("\x1b[113;5:1u")
        screen.until("\x1b[<u")
        assert ended() == 0
