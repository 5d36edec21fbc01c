"""Fetching the files of a model, in sight: bytes, speed and time left; stopped and gone on at will.

Files arrive in a folder beside the final one, ``base.part``, and in files that end in ``.part`` too. Whatever
ends the download, the next one goes on from there. The folder gets its own name once all is there and the
digests are right, so that a model that can be found is whole. One process at a time fetches a model.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar

from core.errors import DownloadFailed
from core.files import try_lock

__all__ = (
    "PARTIAL_SUFFIX",
    "DownloadProgress",
    "Downloadable",
    "Fetcher",
    "FileStream",
    "ModelFile",
    "download",
)

PARTIAL_SUFFIX = ".part"
"""What is added to the names of a folder and of a file that are not complete."""

STALL = 60.0
"""Seconds without a byte after which a download counts as stalled."""

TRIES = 4
"""Connections in a row that break without a byte before it is given up."""

_PAUSE = 1.0  # seconds before the second try; twice as long before each further one
_WRITE_SIZE = 1024 * 1024
_TOLD_EVERY = 0.1
_SPEED_OVER = 5.0
_SPARE_ROOM = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model.

    Attributes:
        size: in bytes.
        sha256: what its content has to be; empty for small files, which whoever reads them checks.
    """

    name: str
    size: int
    sha256: str = ""


class Downloadable(Protocol):
    """A model that can be fetched."""

    @property
    def name(self) -> str:
        """Its own, and its folder's."""

    @property
    def title(self) -> str:
        """What errors call it, such as ``speech model base``."""

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """In the order in which they are fetched."""

    @property
    def size(self) -> int:
        """Bytes in all."""


_Model = TypeVar("_Model", bound=Downloadable)
_Fetched = TypeVar("_Fetched", bound=Downloadable, contravariant=True)


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is.

    Attributes:
        done: bytes that are there, those of earlier tries included.
        total: bytes in all.
        speed: bytes a second of late; ``None`` while that cannot be told.
        checking: everything is there, and its digest is computed.
    """

    done: int
    total: int
    speed: float | None = None
    checking: bool = False

    @property
    def remaining(self) -> float | None:
        """Seconds left at this speed; ``None`` while that cannot be told."""
        return (self.total - self.done) / self.speed if self.speed else None


@dataclass(frozen=True, slots=True)
class FileStream:
    """A file on its way.

    Attributes:
        start: the byte that it begins with: the one asked for, or 0 where the server gives all of it.
        chunks: what comes from there on; raises ``ConnectionError`` where the connection breaks.
    """

    start: int
    chunks: AsyncGenerator[bytes]


class Fetcher(Protocol[_Fetched]):
    """Opens a file of a model where it is published, from a byte on."""

    def __call__(
        self, model: _Fetched, file: ModelFile, start: int
    ) -> AbstractAsyncContextManager[FileStream]:
        """Raises ``ConnectionError`` where trying again may help, ``DownloadFailed`` where it does not."""


async def download(
    model: _Model,
    models_dir: Path,
    fetch: Fetcher[_Model],
    progress: Callable[[DownloadProgress], None] = lambda _: None,
    *,
    stall: float = STALL,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Fetch what is missing of a model. Cancelling keeps what has arrived.

    Args:
        model: what to fetch.
        models_dir: where it gets a folder of its own.
        fetch: opens a file where it is published.
        progress: told about ten times a second.
        stall: seconds without a byte after which it is given up.
        pause: waits between tries.
        clock: seconds that only grow.

    Returns:
        The folder of the model.

    Raises:
        DownloadFailed: it could not be fetched; what arrived is kept unless it was damaged.
    """
    folder, part = models_dir / model.name, models_dir / f"{model.name}{PARTIAL_SUFFIX}"
    try:
        with _alone(model, models_dir):
            if await asyncio.to_thread(_is_whole, folder, model):
                return folder
            missing = await asyncio.to_thread(_prepare, model, folder, part)
            work = _Download(model, part, fetch, progress, stall=stall, pause=pause, clock=clock)
            await work.run(missing)
            return await asyncio.to_thread(part.rename, folder)
    except ConnectionError:
        raise
    except OSError as error:
        raise DownloadFailed(
            f"The {model.title} cannot be kept in {models_dir}: {error.strerror or error}.",
            hint="Make room or check the folder's permissions, then run it again: it goes on from there.",
        ) from error


@contextmanager
def _alone(model: Downloadable, models_dir: Path) -> Iterator[None]:
    """Within the block no other process fetches this model: two would write into the same files."""
    models_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(models_dir / f".{model.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not try_lock(descriptor):
            raise DownloadFailed(
                f"The {model.title} is being downloaded already, by another TensorWall.",
                hint="Wait until it is there; or end the other, and run this again: it goes on from there.",
            )
        yield
    finally:
        os.close(descriptor)  # the file stays: removed, it could be locked by one and made anew by another


def _is_whole(folder: Path, model: Downloadable) -> bool:
    return all(_is_good(folder / file.name, file) for file in model.files)


def _prepare(model: Downloadable, folder: Path, part: Path) -> list[ModelFile]:
    """Make the folder, and see what is missing; what is there and good is kept, even of a damaged model."""
    if folder.is_dir():
        shutil.rmtree(part, ignore_errors=True)
        folder.rename(part)
    part.mkdir(mode=0o700, parents=True, exist_ok=True)
    missing = [file for file in model.files if not _is_good(part / file.name, file)]
    needed = sum(file.size - _size(part / f"{file.name}{PARTIAL_SUFFIX}") for file in missing)
    free = shutil.disk_usage(part).free
    if missing and free < needed + _SPARE_ROOM:
        raise DownloadFailed(
            f"The {model.title} needs {needed / 1e6:,.0f} MB, and {part.parent} has "
            f"{free / 1e6:,.0f} MB free.",
            hint="Make room, or choose a smaller model.",
        )
    return missing


class _Download(Generic[_Model]):
    """One download that runs."""

    def __init__(
        self,
        model: _Model,
        part: Path,
        fetch: Fetcher[_Model],
        progress: Callable[[DownloadProgress], None],
        *,
        stall: float,
        pause: Callable[[float], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._model = model
        self._part = part
        self._fetch = fetch
        self._stall = stall
        self._pause = pause
        self._gauge = _Gauge(model.size, progress, clock)

    async def run(self, missing: list[ModelFile]) -> None:
        there = sum(file.size for file in self._model.files if file not in missing)
        for file in missing:
            self._gauge.at(there)
            await self._file(file, there)
            there += file.size

    async def _file(self, file: ModelFile, before: int) -> None:
        """Fetch one file to its end, through connections that break, and check it."""
        path = self._part / f"{file.name}{PARTIAL_SUFFIX}"
        tries = 0
        while (have := _size(path)) != file.size:
            if have > file.size:
                path.unlink()
                continue
            try:
                await self._stretch(file, path, have, before)
                broke = ConnectionError("it ended early")
            except ConnectionError as error:
                broke = error
            size = _size(path)
            tries = 1 if size > have else tries + 1
            if size != file.size:
                if tries >= TRIES:
                    raise self._given_up(broke)
                await self._pause(_PAUSE * 2 ** (tries - 1))
        self._gauge.checking()
        if not await asyncio.to_thread(_is_good, path, file):
            path.unlink()
            raise DownloadFailed(
                f"{file.name} of the {self._model.title} arrived damaged and was deleted.",
                hint="Run it again; if it stays so, look for a proxy on the way that alters files.",
            )
        path.rename(self._part / file.name)

    async def _stretch(self, file: ModelFile, path: Path, have: int, before: int) -> None:
        """What one connection brings."""
        try:
            async with asyncio.timeout(self._stall) as limit, self._fetch(self._model, file, have) as stream:
                with path.open("ab") as kept:
                    if stream.start != have:
                        kept.truncate(stream.start)
                    await self._keep(stream, kept, before + stream.start, limit)
        except TimeoutError:
            raise DownloadFailed(
                f"The download of {self._model.name} stalled: nothing came for {self._stall:g} seconds.",
                hint="What arrived is kept. Check the network and run it again: it goes on from there.",
            ) from None

    async def _keep(self, stream: FileStream, kept: BinaryIO, done: int, limit: asyncio.Timeout) -> None:
        """Write what comes, in large pieces and off the event loop; all of it, whatever ends it."""
        loop = asyncio.get_running_loop()
        waiting = bytearray()
        try:
            async with aclosing(stream.chunks) as chunks:
                async for chunk in chunks:
                    limit.reschedule(loop.time() + self._stall)
                    waiting += chunk
                    done += len(chunk)
                    self._gauge.at(done)
                    if len(waiting) >= _WRITE_SIZE:
                        ready, waiting = waiting, bytearray()
                        await asyncio.to_thread(kept.write, ready)
        finally:
            kept.write(waiting)

    def _given_up(self, error: ConnectionError) -> DownloadFailed:
        return DownloadFailed(
            f"The download of {self._model.name} broke off: {error}.",
            hint="What arrived is kept. Check the network and run it again: it goes on from there.",
        )


class _Gauge:
    """Tells how far it is and how fast it goes, not too often."""

    def __init__(
        self, total: int, tell: Callable[[DownloadProgress], None], clock: Callable[[], float]
    ) -> None:
        self._total = total
        self._tell = tell
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._done = 0
        self._told = float("-inf")

    def at(self, done: int) -> None:
        """So many bytes are there."""
        now = self._clock()
        if done < self._done:
            self._seen.clear()  # a server that began anew
        self._done = done
        if self._seen and now - self._told < _TOLD_EVERY and done < self._total:
            return
        self._seen.append((now, done))
        while now - self._seen[0][0] > _SPEED_OVER:
            self._seen.popleft()
        self._told = now
        since, first = self._seen[0]
        speed = (done - first) / (now - since) if now > since else None
        self._tell(DownloadProgress(done, self._total, speed))

    def checking(self) -> None:
        """A file is there and is looked over; of a large one that takes seconds."""
        self._tell(DownloadProgress(self._done, self._total, checking=True))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _is_good(path: Path, file: ModelFile) -> bool:
    if _size(path) != file.size:
        return False
    if not file.sha256:
        return True
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
