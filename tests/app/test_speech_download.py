"""Fetching a model from a real HTTP server that serves ranges, cuts, stalls and errs."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.speech_download import download_model
from core.download import DownloadProgress, ModelFile
from core.errors import DownloadFailed
from core.voice.transcription.models import KnownModel

WEIGHTS = bytes(range(256)) * 4_000  # 1 MB
CONFIG = b'{"suppress": []}'
CONTENT = {"config.json": CONFIG, "model.bin": WEIGHTS}

MODEL = KnownModel(
    "mini",
    "someone/whisper-mini",
    "0" * 40,
    (
        ModelFile("config.json", len(CONFIG)),
        ModelFile("model.bin", len(WEIGHTS), hashlib.sha256(WEIGHTS).hexdigest()),
    ),
)


@dataclass
class Hub:
    """A server of one model that does as it is told.

    Attributes:
        ranges: it serves the rest of a file where asked to.
        cuts: after how many bytes of ``model.bin`` each connection in turn breaks.
        stalls: it falls silent there instead.
        status: what it answers with, other than 200.
        damaged: a byte of the weights is another one.
        asked: path and range of each request.
    """

    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    stalls: bool = False
    status: int = 200
    damaged: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    answering: set[asyncio.Task[None]] = field(default_factory=set)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.answering.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            await self._answer(head, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        path = head.split()[1]
        wanted = re.search(r"range: bytes=(\d+)-", head, re.IGNORECASE)
        self.asked.append((path, wanted.group(1) if wanted else ""))
        if self.status != 200:
            writer.write(f"HTTP/1.1 {self.status} No\r\nContent-Length: 0\r\n\r\n".encode())
            return
        content = CONTENT[path.rpartition("/")[2]]
        if self.damaged and path.endswith(".bin"):
            content = b"\xff" + content[1:]
        start = int(wanted.group(1)) if wanted and self.ranges else 0
        line = "206 Partial Content" if start else "200 OK"
        writer.write(f"HTTP/1.1 {line}\r\nContent-Length: {len(content) - start}\r\n\r\n".encode())
        cut = self.cuts.pop(0) if self.cuts and path.endswith(".bin") else None
        writer.write(content[start:] if cut is None else content[start : start + cut])
        await writer.drain()
        if cut is not None and self.stalls:
            await self.over.wait()


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    server = await asyncio.start_server(hub.answer, "127.0.0.1", 0)
    hub.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield hub
    hub.over.set()
    await asyncio.gather(*hub.answering)


def whole(folder: Path) -> bool:
    return {file.name: file.read_bytes() for file in folder.iterdir()} == CONTENT


async def test_a_model_is_fetched_in_sight(hub: Hub, tmp_path: Path) -> None:
    told: list[DownloadProgress] = []
    folder = await download_model(MODEL, tmp_path, told.append, hub=hub.url)
    assert folder == tmp_path / "mini"
    assert whole(folder)
    assert not (tmp_path / "mini.part").exists()
    assert hub.asked[-1] == (f"/someone/whisper-mini/resolve/{'0' * 40}/model.bin", "")
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert told[-1] == DownloadProgress(MODEL.size, MODEL.size, checking=True)


async def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.download._PAUSE", 0.0)
    hub.cuts = [100_000, 1, 200_000]
    assert whole(await download_model(MODEL, tmp_path, hub=hub.url))
    assert [start for path, start in hub.asked if path.endswith(".bin")] == ["", "100000", "100001", "300001"]


async def test_two_at_once_do_not_write_into_the_same_files(hub: Hub, tmp_path: Path) -> None:
    hub.cuts, hub.stalls = [400_000], True
    begun = asyncio.Event()
    first = asyncio.create_task(download_model(MODEL, tmp_path, lambda _: begun.set(), hub=hub.url))
    await begun.wait()
    with pytest.raises(DownloadFailed, match="being downloaded already") as raised:
        await download_model(MODEL, tmp_path, hub=hub.url)
    assert "Wait until it is there" in raised.value.hint
    first.cancel()
    await asyncio.wait([first])
    hub.cuts.clear()
    assert whole(await download_model(MODEL, tmp_path, hub=hub.url))


async def test_a_model_that_is_whole_stays_in_its_place(hub: Hub, tmp_path: Path) -> None:
    folder = await download_model(MODEL, tmp_path, hub=hub.url)
    before = folder.stat()
    hub.asked.clear()
    assert await download_model(MODEL, tmp_path, hub=hub.url) == folder
    assert hub.asked == []
    assert folder.stat().st_ctime_ns == before.st_ctime_ns  # never moved away: somebody may be loading it


async def test_a_server_without_ranges_begins_anew(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.download._PAUSE", 0.0)
    hub.ranges = False
    hub.cuts = [100_000]
    assert whole(await download_model(MODEL, tmp_path, hub=hub.url))


async def test_what_arrived_before_a_stall_is_kept(hub: Hub, tmp_path: Path) -> None:
    hub.cuts, hub.stalls = [400_000], True
    with pytest.raises(DownloadFailed, match=r"stalled: nothing came for 0\.3 seconds") as raised:
        await download_model(MODEL, tmp_path, hub=hub.url, stall=0.3)
    assert "it goes on from there" in raised.value.hint
    assert not (tmp_path / "mini").exists()
    hub.asked.clear()
    assert whole(await download_model(MODEL, tmp_path, hub=hub.url))
    assert [start for _, start in hub.asked] == ["400000"]


async def test_cancelling_keeps_what_arrived(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.download._TOLD_EVERY", 0.0)
    hub.cuts, hub.stalls = [300_000], True
    arrived = asyncio.Event()

    def look(progress: DownloadProgress) -> None:
        if progress.done > 100_000:
            arrived.set()

    fetching = asyncio.create_task(download_model(MODEL, tmp_path, look, hub=hub.url))
    await arrived.wait()
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    hub.asked.clear()
    assert whole(await download_model(MODEL, tmp_path, hub=hub.url))
    ((_, start),) = hub.asked
    assert int(start) > 100_000


async def test_damage_is_noticed_and_not_kept(hub: Hub, tmp_path: Path) -> None:
    hub.damaged = True
    with pytest.raises(DownloadFailed, match=r"model.bin .* arrived damaged and was deleted"):
        await download_model(MODEL, tmp_path, hub=hub.url)
    assert not (tmp_path / "mini").exists()
    hub.damaged = False
    assert whole(await download_model(MODEL, tmp_path, hub=hub.url))


async def test_a_damaged_model_is_mended(hub: Hub, tmp_path: Path) -> None:
    folder = await download_model(MODEL, tmp_path, hub=hub.url)
    (folder / "model.bin").write_bytes(WEIGHTS[:-1] + b"?")
    hub.asked.clear()
    assert whole(await download_model(MODEL, tmp_path, hub=hub.url))
    assert len(hub.asked) == 1  # config.json was good
    hub.asked.clear()
    assert whole(await download_model(MODEL, tmp_path, hub=hub.url))
    assert hub.asked == []  # nothing was missing


@pytest.mark.parametrize(
    ("status", "words"), [(404, "does not have it"), (401, "without an account"), (418, "HTTP 418")]
)
async def test_refusals_are_said_at_once(hub: Hub, tmp_path: Path, status: int, words: str) -> None:
    hub.status = status
    with pytest.raises(DownloadFailed, match=words):
        await download_model(MODEL, tmp_path, hub=hub.url)
    assert len(hub.asked) == 1


async def test_a_hub_that_cannot_be_reached_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.download._PAUSE", 0.0)
    with pytest.raises(DownloadFailed, match=r"broke off: 127\.0\.0\.1:1 cannot be reached") as raised:
        await download_model(MODEL, tmp_path, hub="http://127.0.0.1:1")
    assert "Check the network" in raised.value.hint


async def test_too_little_room_is_said_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    huge = KnownModel("huge", "someone/huge", "0" * 40, (ModelFile("model.bin", 10**18),))
    with pytest.raises(DownloadFailed, match="needs 1,000,000,000,000 MB"):
        await download_model(huge, tmp_path, hub=hub.url)
    assert hub.asked == []


async def test_a_folder_that_cannot_be_written_is_said(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(DownloadFailed, match="cannot be kept in"):
        await download_model(MODEL, file, hub=hub.url)


def test_time_left() -> None:
    assert DownloadProgress(0, 100).remaining is None
    assert DownloadProgress(20, 100, 40.0).remaining == 2.0
