"""Files in which the processes of one machine tell each other of the limits that they use up together.

One small file for each key and model, named by a digest of address, key and model. A change takes some
50 microseconds: the file is locked, read, written in place and let go; who only looks reads it. The lock
goes with its process, so that nobody waits for one that is gone, and a file that cannot be read counts as
none. Nothing is forced to the disk: after a power cut the worst is one refusal.

Levels are on the monotonic clock, which the processes of one machine share. Where that began anew the wall
clock tells how much time has passed; of two answers the shorter one is believed, since it promises less.
"""

from __future__ import annotations

import logging
import os
import secrets
import sys
import time
import weakref
from collections.abc import Callable
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any
from zlib import crc32

from pydantic_core import from_json, to_json

from core.files import make_private_folder, read_at, try_lock, unlock, write_at
from core.providers import Provider
from core.routing.limits.shared import SharedState

__all__ = ("LimitFile", "LimitFiles")

log = logging.getLogger("tensorwall.routing")

_VERSION = "2"
"""Part of the names, so that files of another form are let alone."""
_HEAD = 17
"""Bytes before the content: its checksum and its length, in hexadecimal, and a line's end."""
_USUAL = 16_384
"""Bytes; few files are longer."""
_MOST = 4_194_304
"""Bytes; no file is longer, unless it is not ours."""
_PATIENCE = 1.0
"""Seconds to wait for a lock that is held for microseconds: whoever holds it longer has been stopped."""
_PAUSE = 0.000_1
_SAME_CLOCK = 1.0
"""Seconds by which the two clocks may differ; they do while a machine's time is being set."""
_FLAGS = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class LimitFiles:
    """The files of one folder, as one process uses them.

    Args:
        folder: where they are; made, for the user alone, when the first one is written.
        clock: monotonic seconds, as all processes have them.
        wall: seconds of the day, which go on while the machine is off.
        is_alive: whether a process may still be there, by its id.
        process: the id of this one; by default what it is.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        is_alive: Callable[[int], bool] | None = None,
        process: int | None = None,
    ) -> None:
        self._folder = folder
        self.clock = clock
        self.wall = wall
        self.is_alive = is_alive or _is_alive
        self._process = f"{process or os.getpid()}.{secrets.token_hex(4)}"  # ids of processes come back
        self._numbers = count()
        self._told = False

    def of(self, provider: Provider, model: str) -> LimitFile | None:
        """Where the limits of ``model`` are shared; ``None`` where the provider names no account."""
        account = provider.account
        if account is None:
            return None
        name = blake2b(f"{_VERSION}\n{account}\n{model}".encode(), digest_size=16).hexdigest()
        return LimitFile(self, self._folder / name, f"{self._process}.{next(self._numbers)}")

    def failed(self, error: OSError) -> None:
        """Say, once, that this process counts alone from now on."""
        if not self._told:
            self._told = True
            log.warning(
                "What other processes use of rate limits is not seen: %s cannot be used (%s).",
                self._folder,
                error.strerror or error,
            )


class LimitFile:
    """One file; a ``core.routing.limits.shared.SharedLevels``.

    Args:
        files: which it is one of.
        path: its name.
        owner: names who uses it, among all.
    """

    def __init__(self, files: LimitFiles, path: Path, owner: str) -> None:
        self.owner = owner
        self._files = files
        self._path = path
        self._descriptor: int | None = None
        self._close: Callable[[], object] = _nothing
        self._seen = b""
        self._usable = True

    def is_alive(self, owner: str) -> bool:
        """Whether it may still be there."""
        return self._files.is_alive(int(owner.partition(".")[0]))

    def news(self) -> SharedState | None:
        """What is written there; ``None`` where that is nothing new, or being written just now."""
        if not self._usable:
            return None
        try:
            if self._descriptor is None:
                self._open(make=False)
            return self._read()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._give_up(error)
            return None

    def lock(self) -> SharedState | None:
        """Keep all others out until `unlock`; gives the news."""
        if not self._usable:
            return None
        try:
            if self._descriptor is None or os.fstat(self._descriptor).st_nlink == 0:
                self._open(make=True)
            self._wait_for_lock()
            return self._read()
        except OSError as error:
            self._give_up(error)
            return None

    def unlock(self, state: SharedState) -> None:
        """Write what is so now, and let others in."""
        if not self._usable or self._descriptor is None:
            return
        try:
            self._write(to_json([self._files.wall(), *state.dump()]))
        except OSError as error:
            self._give_up(error)
        else:
            unlock(self._descriptor)

    def _open(self, *, make: bool) -> None:
        self._close()
        if make:
            make_private_folder(self._path.parent)
        self._descriptor = os.open(self._path, _FLAGS | (os.O_CREAT if make else 0), 0o600)
        self._close = weakref.finalize(self, os.close, self._descriptor)

    def _wait_for_lock(self) -> None:
        assert self._descriptor is not None
        if try_lock(self._descriptor):
            return
        until = time.monotonic() + _PATIENCE
        while not try_lock(self._descriptor):
            if time.monotonic() > until:
                raise TimeoutError(f"somebody keeps {self._path.name} locked")
            time.sleep(_PAUSE)

    def _read(self) -> SharedState | None:
        assert self._descriptor is not None
        data = read_at(self._descriptor, _USUAL, 0)
        if len(data) == _USUAL:
            data += read_at(self._descriptor, _MOST, _USUAL)
        if data == self._seen:
            return None
        self._seen = data
        if (content := _content(data)) is None:
            return None
        wall, *dumped = from_json(content)
        return SharedState.load(dumped, self._time_lost(wall, dumped))

    def _time_lost(self, wall: float, dumped: list[Any]) -> float:
        """Seconds to move the times by: those that the monotonic clock has counted too few, or too many."""
        now, at = self._files.clock(), float(dumped[0])
        passed, by_wall = now - at, self._files.wall() - wall
        if passed < 0:  # it began anew
            return now - max(0.0, by_wall) - at
        return passed - by_wall if 0 <= by_wall < passed - _SAME_CLOCK else 0.0

    def _write(self, content: bytes) -> None:
        """In one piece and in place; what is left of a longer content does not count, and goes in the end."""
        assert self._descriptor is not None
        data = b"%08x%08x\n%b" % (crc32(content), len(content), content)
        if write_at(self._descriptor, data, 0) < len(data):
            raise OSError("it could not be written to its end")
        self._seen = data + self._seen[len(data) :]
        if len(self._seen) > len(data) + _USUAL:
            os.ftruncate(self._descriptor, len(data))
            self._seen = data

    def _give_up(self, error: OSError) -> None:
        self._usable = False
        self._close()
        self._descriptor = None
        self._files.failed(error)


def _content(data: bytes) -> bytes | None:
    """What was written, whole; ``None`` where that is nothing, or not of ours."""
    try:
        checksum, length = int(data[:8], 16), int(data[8 : _HEAD - 1], 16)
    except ValueError:
        return None
    content = data[_HEAD : _HEAD + length]
    return content if len(content) == length and crc32(content) == checksum else None


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":  # there a signal ends it; calls of the dead are let go by their age
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _nothing() -> None:
    """There is nothing to close."""
