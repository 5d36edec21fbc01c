"""Fetching a chat model of this machine from the first screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app.figures import data_size
from app.tui.screens.model_download import ModelDownloadScreen

if TYPE_CHECKING:
    from core.download import DownloadProgress
    from core.offline.models import KnownGguf

__all__ = ("ChatModelDownloadScreen",)


async def download(model: KnownGguf, models_dir: Path, progress: Callable[[DownloadProgress], None]) -> Path:
    """Fetch it from where it is published."""
    from app.chat_model_download import download_chat_model

    return await download_chat_model(model, models_dir, progress)


class ChatModelDownloadScreen(ModelDownloadScreen):
    """Offers to fetch a chat model; arguments as for its base."""

    def __init__(self, model: KnownGguf, models_dir: Path) -> None:
        super().__init__(
            "A model has to be on this machine first",
            f"{model.label}, {data_size(model.size)}, {model.licence}, fetched once. It answers without a "
            "key and without a network, and as a small model it may be wrong.",
            model,
            models_dir,
            download,
        )
