"""The database as the rest sees it: work is handed to the one thread that owns the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from core.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.storage.store import Store

__all__ = ("Database", "open_database")

P = ParamSpec("P")
T = TypeVar("T")


async def open_database(location: str | Path) -> Database:
    """Open a database, made or migrated first where that is needed.

    Args:
        location: the path of an SQLite file, ``:memory:``, or a SQLAlchemy URL.

    Raises:
        StorageError: or one of its kin, when it cannot be used; nothing was touched then.
    """
    return await Database.open(location)


class Database:
    """One connection, owned by one worker thread, which does the work in the order it was given.

    Each piece of work is a function of a connection and runs in one transaction: it is stored whole
    or, when it raises, not at all. The event loop never waits for the disk.
    """

    def __init__(self, executor: ThreadPoolExecutor, store: Store) -> None:
        self._executor = executor
        self._store = store
        self._closing: Future[None] | None = None

    @classmethod
    async def open(cls, location: str | Path) -> Database:
        """See `open_database`."""
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tensorwall-storage")
        opening = executor.submit(_open, location)
        try:
            return cls(executor, await asyncio.wrap_future(opening))
        except BaseException:
            opening.add_done_callback(_close_unwanted)  # cancelled while the thread was at it
            executor.shutdown(wait=False)
            raise

    @property
    def place(self) -> str:
        """The database as the user knows it: a path, or a URL without its password."""
        return self._store.place

    @property
    def file(self) -> Path | None:
        """The file it is in; ``None`` where it is on a server, or in memory."""
        return self._store.file

    @property
    def instance(self) -> str:
        """The identifier of this open database among those of other processes."""
        return self._store.presence.id

    def is_alive(self, instance: str) -> bool:
        """Whether the TensorWall that wrote as ``instance`` still has its database open.

        To be asked within a piece of work: a server is asked by the same connection.
        """
        return self._store.presence.is_alive(instance)

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do work that writes, in one transaction, and return its result.

        When the caller is cancelled, work that has not begun is dropped and work that has begun is
        finished: it is never left half done.

        Raises:
            StorageError: or one of its kin; nothing of this work was stored.
        """
        return await asyncio.wrap_future(self.submit(work, *args, **kwargs))

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do work that only reads, from one consistent snapshot; never waits for another writer.

        Raises:
            StorageError: or one of its kin.
        """
        return await asyncio.wrap_future(self.offload(lambda: self._store.read(work, *args, **kwargs)))

    def submit(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Queue work that writes and return at once; for callers that cannot wait.

        Raises:
            StorageError: the database is closed.
        """
        return self.offload(lambda: self._store.write(work, *args, **kwargs))

    def write_within(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do work that writes, from within a job that was offloaded: it may prepare what it writes before.

        Raises:
            StorageError: or one of its kin; nothing of this work was stored.
        """
        return self._store.write(work, *args, **kwargs)

    def offload(self, job: Callable[[], T]) -> Future[T]:
        """Queue a job for the worker thread outside of any transaction, in its turn; returns at once.

        Raises:
            StorageError: the database is closed.
        """
        try:
            return self._executor.submit(job)
        except RuntimeError:
            raise StorageError(f"The database {self.place} is closed.") from None

    async def aclose(self) -> None:
        """Finish the queued work and close; safe to call twice, and finished even when cancelled."""
        if self._closing is None:
            self._closing = self.offload(self._store.close)
            self._executor.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(self._closing))

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _open(location: str | Path) -> Store:
    from core.storage.store import Store  # here, since SQLAlchemy takes 0.3 s to import

    return Store(location)


def _close_unwanted(opening: Future[Store]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
