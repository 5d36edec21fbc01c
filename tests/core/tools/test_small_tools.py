"""The clock, and the files the user attached."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import ToolFailed
from core.tools.attached_files import AttachedFiles
from core.tools.clock import clock


async def test_the_clock_tells_date_and_time() -> None:
    told = await clock.run({"timezone": "Asia/Kolkata"})
    found = re.fullmatch(r"\w+day, (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) IST \(UTC(\+0530)\)", told)
    assert found
    then = datetime.strptime(" ".join(found.groups()), "%Y-%m-%d %H:%M:%S %z")
    assert abs((datetime.now(UTC) - then).total_seconds()) < 60
    assert f"{datetime.now().astimezone():%Y}" in await clock.run({})
    for name in ("Mars/Base", "../../etc/passwd", ""):
        with pytest.raises(ToolFailed, match="no time zone"):
            await clock.run({"timezone": name})


async def test_attached_files_are_read_in_parts_and_no_others(tmp_path: Path) -> None:
    files = AttachedFiles()
    assert files.tools() == []
    (tmp_path / "notes.txt").write_text("\n".join(f"line {number}" for number in range(1, 1001)))
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "photo.bin").write_bytes(b"\0\1")
    files.add("notes.txt", tmp_path / "notes.txt")
    files.add("photo.bin", tmp_path / "photo.bin")
    (read,) = files.tools()

    told = await read.run({"name": "notes.txt", "first_line": 999})
    assert told == "notes.txt, lines 999 to 1000 of 1000:\nline 999\nline 1000"
    assert (await read.run({"name": "notes.txt"})).endswith("line 400")
    for name, says in {
        "secret.txt": "attached no file",
        str(tmp_path / "secret.txt"): "attached no file",
        "../secret.txt": "attached no file",
        "photo.bin": "not a text file",
    }.items():
        with pytest.raises(ToolFailed, match=says):
            await read.run({"name": name})
    with pytest.raises(ToolFailed, match="1000 lines only"):
        await read.run({"name": "notes.txt", "first_line": 1001})
    (tmp_path / "notes.txt").unlink()
    with pytest.raises(ToolFailed, match="cannot be read"):
        await read.run({"name": "notes.txt"})
    files.clear()
    assert files.tools() == []


async def test_a_link_that_moves_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "open.txt").write_text("open")
    (tmp_path / "secret.txt").write_text("secret")
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "open.txt")
    files = AttachedFiles()
    files.add("link.txt", link)
    link.unlink()
    link.symlink_to(tmp_path / "secret.txt")
    assert (await files.tools()[0].run({"name": "link.txt"})).endswith("\nopen")
