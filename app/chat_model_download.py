"""Fetching chat models of this machine from where they are published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.http_files import http_fetcher, mirrored
from core.download import DownloadProgress, ModelFile, download
from core.offline.models import KnownGguf

__all__ = ("download_chat_model",)


async def download_chat_model(
    model: KnownGguf,
    models_dir: Path,
    progress: Callable[[DownloadProgress], None] = lambda _: None,
) -> Path:
    """Fetch a GGUF file, or what is missing of it; gives its folder. Cancelling keeps what arrived.

    Args:
        model: from ``core.offline.models``.
        models_dir: where it gets a folder of its own.
        progress: told about ten times a second.

    Raises:
        DownloadFailed: it could not be fetched; running it again goes on from what arrived.
    """
    async with http_fetcher(_address) as fetch:
        return await download(model, models_dir, fetch, progress)


def _address(model: KnownGguf, _: ModelFile) -> str:
    return mirrored(model.url)
