"""Where tests keep data: databases of both kinds (see ``new_database`` in ``tests/conftest.py``).

Of each kind there is a template that the migrations have made once, and tests work on copies of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest

from core.storage.sqlite import Sqlite

__all__ = ("NewDatabase", "copied_tables", "on_postgresql", "on_sqlite", "sqlite_database", "sqlite_template")

NewDatabase = Callable[[], AbstractContextManager[str | Path]]
"""Makes a database that lasts as long as the context; gives what ``open_database`` takes."""

on_sqlite = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
"""For a test of what is SQLite's own."""
on_postgresql = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
"""For a test of what is PostgreSQL's own."""


@contextmanager
def sqlite_database() -> Iterator[Path]:
    """A file to be, in a folder to be."""
    with tempfile.TemporaryDirectory(prefix="tw-sqlite-") as folder:
        yield Path(folder) / "data" / "tensorwall.db"


@cache
def sqlite_template() -> bytes:
    """The file that an SQLite database is with our tables and without a row."""
    from core.storage.store import Store

    with sqlite_database() as file, patch.object(Sqlite, "prepare", _PREPARE):
        Store(file).close()
        return file.read_bytes()


@contextmanager
def copied_tables() -> Iterator[None]:
    """Let what this process makes of new files of SQLite's be copies of the template.

    The migrations take a tenth of a second, which most tests would spend before they begin.
    """
    with patch.object(Sqlite, "prepare", _prepare_with_tables):
        yield


_PREPARE = Sqlite.prepare


def _prepare_with_tables(self: Sqlite) -> None:
    new = self.file is not None and not self.file.exists()
    _PREPARE(self)
    if new:
        self.file.write_bytes(sqlite_template())
