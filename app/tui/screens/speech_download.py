"""Fetching the speech model when voice is first used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app.figures import data_size
from app.tui.screens.model_download import ModelDownloadScreen

if TYPE_CHECKING:
    from app.tui.screens.model_download import Fetch
    from core.download import DownloadProgress
    from core.voice.transcription.models import KnownModel

__all__ = ("SpeechDownloadScreen",)


async def download(model: KnownModel, models_dir: Path, progress: Callable[[DownloadProgress], None]) -> Path:
    """Fetch it from the hub."""
    from app.speech_download import download_model

    return await download_model(model, models_dir, progress)


class SpeechDownloadScreen(ModelDownloadScreen):
    """Offers to fetch a speech model; arguments as for its base."""

    def __init__(self, model: KnownModel, models_dir: Path, fetch: Fetch[KnownModel] = download) -> None:
        super().__init__(
            "Talking needs a speech model",
            f"Whisper {model.name}, {data_size(model.size)}, fetched once. Speech is then understood on this "
            "machine and never leaves it.",
            model,
            models_dir,
            fetch,
        )
