"""Shows other TensorWalls on the same database that this one is alive.

Each open database holds a lock on a file of its own, beside the database. The operating system
drops the lock with the process, however it ends, and a process id that is used again means nothing.
Rows that a process is still writing name its file; whoever finds the lock free may finish them.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from core.files import try_lock
from core.identifiers import new_id

__all__ = ("Presence",)


class Presence:
    """This instance's lock, and the question whether another instance still holds its own.

    Args:
        folder: where the lock files are; ``None`` for a database that only this process can see,
            or one on a server, where every other writer counts as alive.
    """

    def __init__(self, folder: Path | None) -> None:
        self.id = new_id()
        self._folder = folder
        self._descriptor: int | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._clear_dead(folder)
            self._descriptor = _claim(folder / self.id)

    def is_alive(self, instance: str) -> bool:
        """Whether the instance still runs."""
        if instance == self.id or self._folder is None:
            return True
        return not _remove_if_free(self._folder / instance)

    def release(self) -> None:
        """Say goodbye; safe to call twice."""
        if self._descriptor is None or self._folder is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        with contextlib.suppress(OSError):
            (self._folder / self.id).unlink()
        os.close(descriptor)
        with contextlib.suppress(OSError):  # others may be at home
            self._folder.rmdir()

    @staticmethod
    def _clear_dead(folder: Path) -> None:
        for file in folder.iterdir():
            _remove_if_free(file)


def _claim(file: Path) -> int:
    """Make and lock the file; again when a cleaner removed it in between."""
    while True:
        file.parent.mkdir(exist_ok=True)
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # the folder was removed by the last one to leave
            continue
        if try_lock(descriptor) and _is_same(file, descriptor):
            return descriptor
        os.close(descriptor)


def _remove_if_free(file: Path) -> bool:
    """Remove the file when nobody holds it; whether it is gone."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        if not try_lock(descriptor):
            return False
        with contextlib.suppress(OSError):
            file.unlink()
        return True
    finally:
        os.close(descriptor)


def _is_same(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
