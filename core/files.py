"""Writing the small files that TensorWall keeps: whole, and for their owner alone; and locking files."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path

__all__ = ("create_file", "make_private_folder", "read_at", "replace_file", "try_lock", "unlock", "write_at")


def create_file(path: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all; its permissions are the user's default.

    Raises:
        FileExistsError: it is there already; it stays as it is.
        OSError: it cannot be written; nothing of it is left.
    """
    path.open("x").close()  # claims the name: nobody's file is replaced below
    try:
        replace_file(path, text, keep_mode=True)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def replace_file(path: Path, text: str, *, keep_mode: bool = False) -> None:
    """Replace a file in one step: a reader sees the old text or the new, never half of it.

    The file, and each folder made for it, is open to its owner alone. A symbolic link stays one:
    the file it points to is replaced.

    Args:
        path: the file; it and its folders are made where they are missing.
        text: all that it will hold.
        keep_mode: leave the permissions of a file that is there already as they are.

    Raises:
        OSError: the folder cannot be made or written.
    """
    import tempfile  # lazily: most who look for folders write nothing

    path = path.resolve()
    make_private_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if keep_mode and path.exists():
            Path(temporary).chmod(stat.S_IMODE(path.stat().st_mode))
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it, for its owner alone; one that is there stays as it is.

    ``mkdir(parents=True)`` would leave those above at the default mode.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


if sys.platform == "win32":
    import msvcrt

    _LOCKED = 1 << 30
    """The byte that stands for the whole file: nobody could read one that is locked."""

    def try_lock(descriptor: int) -> bool:
        """Lock an open file for as long as it is open; ``False`` where somebody else has it locked.

        The operating system drops the lock with the process, however that ends.
        """
        try:
            os.lseek(descriptor, _LOCKED, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Let others lock the file, which stays open."""
        os.lseek(descriptor, _LOCKED, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

    def read_at(descriptor: int, size: int, offset: int) -> bytes:
        """At most so many bytes of an open file, from an offset on."""
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)

    def write_at(descriptor: int, data: bytes, offset: int) -> int:
        """Write into an open file at an offset; how many bytes were written."""
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock an open file for as long as it is open; ``False`` where somebody else has it locked.

        The operating system drops the lock with the process, however that ends.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Let others lock the file, which stays open."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    def read_at(descriptor: int, size: int, offset: int) -> bytes:
        """At most so many bytes of an open file, from an offset on."""
        return os.pread(descriptor, size, offset)

    def write_at(descriptor: int, data: bytes, offset: int) -> int:
        """Write into an open file at an offset; how many bytes were written."""
        return os.pwrite(descriptor, data, offset)
