"""Fetching speech models from the hub they are published at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.http_files import http_fetcher, hub_address
from core.download import STALL, DownloadProgress, ModelFile, download
from core.voice.transcription.models import KnownModel

__all__ = ("download_model",)


async def download_model(
    model: KnownModel,
    models_dir: Path,
    progress: Callable[[DownloadProgress], None] = lambda _: None,
    *,
    hub: str | None = None,
    stall: float = STALL,
) -> Path:
    """Fetch a speech model, or what is missing of it; gives its folder. Cancelling keeps what arrived.

    Args:
        model: from ``core.voice.transcription.models``.
        models_dir: where it gets a folder of its own.
        progress: told about ten times a second.
        hub: where it is published; by default the hub, or the mirror that the environment names.
        stall: seconds without a byte after which it is given up.

    Raises:
        DownloadFailed: it could not be fetched; running it again goes on from what arrived.
    """
    published = hub or hub_address()

    def address(model: KnownModel, file: ModelFile) -> str:
        return f"{published.rstrip('/')}/{model.repository}/resolve/{model.revision}/{file.name}"

    async with http_fetcher(address) as fetch:
        return await download(model, models_dir, fetch, progress, stall=stall)
