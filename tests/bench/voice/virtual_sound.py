"""A sound server for a benchmark's process, and speech to say into it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sound_server import SoundServer, what_is_missing

__all__ = ("virtual_sound",)


@contextmanager
def virtual_sound() -> Iterator[SoundServer]:
    """Give this process a microphone and a speaker; before anything imports sounddevice."""
    if missing := what_is_missing():
        raise SystemExit(f"no virtual sound: {missing}")
    with tempfile.TemporaryDirectory(prefix="tw-sound-") as directory:
        server = SoundServer(Path(directory))
        os.environ.update(server.environment())
        server.start()
        try:
            yield server
        finally:
            server.stop()
