"""Writing down what is looked at: told how far it is, and stopped without leaving a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app.new_file import write_new_file
from core.review import form_of, render

if TYPE_CHECKING:
    from app.tui.review.view import View

__all__ = ("write_export",)


async def write_export(view: View, path: Path, tell: Callable[[str], None]) -> int:
    """Write the view's report to a new file; the number of its rows.

    Cancelled, it leaves no file, whole or in part.

    Args:
        view: gives the report.
        path: ends in what the file is to be.
        tell: shows how far it is.

    Raises:
        TensorWallError: what cannot be read, or not be written.
    """
    loop = asyncio.get_running_loop()

    def progress(read: int, whole: int) -> None:
        loop.call_soon_threadsafe(tell, f"{read:,} of {whole:,} sessions read")

    report = await view.report(progress)
    tell(f"{len(report.rows):,} rows to be written")
    text = await asyncio.to_thread(render, report, form_of(path))
    await _write(path, text)
    return len(report.rows)


async def _write(path: Path, text: str) -> None:
    writing = asyncio.ensure_future(asyncio.to_thread(write_new_file, path, text))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        # A thread goes on to its end; what it has written is not wanted any more.
        await writing
        await asyncio.to_thread(path.unlink)
        raise
