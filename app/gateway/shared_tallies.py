"""What several processes of one gateway have counted: each keeps a file of its own, and any can add them up.

A file outlives its process, so that a sum never falls when one dies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic_core import from_json, to_json

from app.gateway.tallies import Tallies
from core.errors import StorageError

__all__ = ("SharedTallies",)


class SharedTallies:
    """The files; every method raises ``StorageError`` where they cannot be used.

    Args:
        folder: where they are; the processes of one gateway have it to themselves.
        own: names this process among them: the identifier of its open database.
    """

    def __init__(self, folder: Path, own: str) -> None:
        self._folder = folder
        self._own = own

    def publish(self, tallies: Tallies) -> None:
        """Write down what this process has counted; a reader sees the old file or the new one."""
        unfinished = self._folder / f"{self._own}.unfinished"
        with _told():
            unfinished.write_bytes(to_json(tallies.dump()))
            unfinished.replace(self._folder / f"{self._own}.json")

    def total(self, is_alive: Callable[[str], bool]) -> Tallies:
        """The sums over all processes; what is so now of those alone that are alive."""
        total = Tallies()
        with _told():
            for file in self._folder.glob("*.json"):
                total.add(Tallies.load(from_json(file.read_bytes())), alive=is_alive(file.stem))
        return total


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"What the processes count cannot be shared: {error.strerror}.") from None
