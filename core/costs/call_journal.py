"""Marks of calls that are under way, in a small file of each process beside the database.

A mark takes microseconds where a row takes a transaction. It is written before its call is sent, so that
whatever dies leaves a trace of every call it was making; the row follows in a moment, or when the call is
over if that is sooner, and then the mark is erased. Until then the mark of a call that is over tells how it
went. Who finds the process dead makes rows of the marks it left (`core.costs.crashes.adopt`).

A file has slots, each with one mark or none, so that it is never longer than its process had calls at a time,
and a mark is written in one piece. It has a check sum, lest a damaged one is taken for a call: that would
keep the database from being opened, or book what nobody spent. Nothing is forced to the disk: SQLite's own
last transactions are no safer from a power cut (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self
from zlib import crc32

from pydantic import TypeAdapter
from pydantic_core import to_json

from core.chat import UpstreamCall
from core.costs.booking import Place
from core.files import make_private_folder, write_at

__all__ = ("CallJournal", "CallMark", "forget_journals", "journals_beside", "marks_left_behind")

log = logging.getLogger("tensorwall.ledger")

_SLOT = 2_048
"""Bytes of a slot; a mark that is longer is none."""
_END = b"\n"
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class CallMark:
    """What is known of a call.

    Attributes:
        call: its record: as it is before it is sent, or when it is over.
        place: what it belongs to in the ledger.
        output_cap: the tokens its answer may have at most; ``None`` where no cap is sent.
    """

    call: UpstreamCall
    place: Place
    output_cap: int | None

    def dump(self) -> bytes:
        """One line for `load`: a check sum and JSON.

        Raises:
            ValueError: JSON cannot carry it, such as half a surrogate pair.
        """
        text = to_json((self.call, self.place, self.output_cap))
        return b"%08x %s%s" % (crc32(text), text, _END)

    @classmethod
    def load(cls, line: bytes) -> Self:
        """What `dump` gave.

        Raises:
            ValueError: it is nothing of that kind, or damaged.
        """
        check, _, text = line.removesuffix(_END).partition(b" ")
        if check != b"%08x" % crc32(text):
            raise ValueError("the check sum is another")
        return cls(*_content().validate_json(text))


class CallJournal:
    """The marks of one process, made and erased by its event loop.

    Args:
        folder: of the journals of all processes on one database; it is made when there is a first mark.
        instance: names the process, as in the rows that it writes.
    """

    def __init__(self, folder: Path, instance: str) -> None:
        self._file = folder / instance
        self._descriptor: int | None = None
        self._free: list[int] = []
        self._slots = 0

    def mark(self, mark: CallMark) -> int | None:
        """Keep a mark, and name its slot; ``None`` where there can be none, so that a row has to do."""
        try:
            line = mark.dump()
        except ValueError:
            return None
        if len(line) > _SLOT:
            return None
        slot = self._free.pop() if self._free else self._slots
        try:
            if self._descriptor is None:
                self._open()
            self._write_whole(slot, line)
        except OSError as error:
            log.warning("Calls under way cannot be marked in %s: %s.", self._file, error.strerror or error)
            if slot < self._slots:
                self._free.append(slot)
            return None
        self._slots = max(self._slots, slot + 1)
        return slot

    def renew(self, slot: int, mark: CallMark) -> None:
        """Put what is known by now in the place of a mark; where it cannot be written that stays."""
        with contextlib.suppress(ValueError, OSError):
            line = mark.dump()
            if len(line) <= _SLOT and self._descriptor is not None:
                self._write_whole(slot, line)

    def erase(self, slot: int) -> None:
        """The call in that slot has its row; safe to call when the journal is closed."""
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):  # what stays is found to have its row
            self._write(slot, _END)
        self._free.append(slot)

    def close(self) -> None:
        """Close the file, which goes unless there are marks left; safe to call twice."""
        if self._descriptor is None:
            return
        os.close(self._descriptor)
        self._descriptor = None
        if len(self._free) == self._slots:
            _remove(self._file)

    def _open(self) -> None:
        make_private_folder(self._file.parent)
        self._descriptor = os.open(self._file, _FLAGS, 0o600)

    def _write_whole(self, slot: int, line: bytes) -> None:
        """To the end of the slot: then there is room for whatever takes its place later."""
        self._write(slot, line.ljust(_SLOT, b"\0"))

    def _write(self, slot: int, line: bytes) -> None:
        assert self._descriptor is not None
        if write_at(self._descriptor, line, slot * _SLOT) < len(line):
            raise OSError("a mark could not be written to its end")


@lru_cache(maxsize=1)
def _content() -> TypeAdapter[tuple[UpstreamCall, dict[str, str | None], int | None]]:
    return TypeAdapter(tuple[UpstreamCall, dict[str, str | None], int | None])  # rarely needed


def journals_beside(file: Path | None) -> Path | None:
    """The folder of the journals of a database's processes; ``None`` where it is in no file."""
    return None if file is None else file.with_name(f"{file.name}-calls")


def marks_left_behind(folder: Path, is_alive: Callable[[str], bool]) -> dict[str, list[CallMark]]:
    """The marks of processes that are gone, by instance; also of those that left none.

    A file that cannot be read is told and left where it is: it keeps nobody from opening the database.
    """
    try:
        files = list(folder.iterdir())
    except FileNotFoundError:
        return {}
    except OSError as error:
        _tell_unreadable(folder, error)
        return {}
    left = {}
    for file in files:
        try:
            if not is_alive(file.name):
                left[file.name] = list(_marks(file, file.read_bytes()))
        except FileNotFoundError:  # another was quicker
            continue
        except OSError as error:
            _tell_unreadable(file, error)
    return left


def forget_journals(folder: Path, instances: Iterable[str]) -> None:
    """Remove the journals of processes that are gone, now that all their calls have rows."""
    for instance in instances:
        _remove(folder / instance)


def _marks(file: Path, content: bytes) -> Iterator[CallMark]:
    for start in range(0, len(content), _SLOT):
        line, _, _ = content[start : start + _SLOT].partition(_END)
        if not line.strip(b"\0"):
            continue
        try:
            yield CallMark.load(line)
        except ValueError:
            log.warning("A mark in %s cannot be read: the call that it is of is not in the ledger.", file)


def _tell_unreadable(place: Path, error: OSError) -> None:
    log.warning("Marks of calls in %s cannot be read: %s.", place, error.strerror or error)


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):  # another was quicker; or others still have theirs in the folder
        file.unlink()
        file.parent.rmdir()
