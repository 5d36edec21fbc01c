"""Where tests keep data: databases of both kinds (see ``new_database`` in ``tests/conftest.py``)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

__all__ = ("NewDatabase", "on_postgresql", "on_sqlite", "sqlite_database")

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
