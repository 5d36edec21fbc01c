"""Fetching the speech model when voice is first used: how much, how fast, how long, and a way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Button, ProgressBar, Static

from app.figures import data_size, duration
from app.tui.failures import explain
from core.errors import DownloadFailed

if TYPE_CHECKING:
    from core.download import DownloadProgress
    from core.voice.transcription.models import KnownModel

    Fetch = Callable[[KnownModel, Path, Callable[[DownloadProgress], None]], Awaitable[Path]]

__all__ = ("SpeechDownloadScreen",)


async def download(model: KnownModel, models_dir: Path, progress: Callable[[DownloadProgress], None]) -> Path:
    """Fetch it from the hub."""
    from app.speech_download import download_model

    return await download_model(model, models_dir, progress)


class SpeechDownloadScreen(ModalScreen[bool]):
    """Asks before anything leaves or enters this machine; closes with whether the model is there.

    Args:
        model: what is needed.
        models_dir: where it is kept.
        fetch: fetches it; goes on from what an earlier one left.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel", show=False)]

    bar = query_one(ProgressBar)
    told = query_one("#told", Static)
    problem = query_one("#problem", Static)
    begin_button = query_one("#begin", Button)

    def __init__(self, model: KnownModel, models_dir: Path, fetch: Fetch = download) -> None:
        super().__init__()
        self._model = model
        self._models_dir = models_dir
        self._fetch = fetch
        self._is_running = False

    def compose(self) -> ComposeResult:
        """What, how much, where to; a bar once it runs."""
        size = data_size(self._model.size)
        with Vertical(classes="dialog"):
            yield Static("Talking needs a speech model", classes="question", markup=False)
            yield Static(
                f"Whisper {self._model.name}, {size}, fetched once. Speech is then understood on this "
                "machine and never leaves it.",
                id="told",
                classes="consequence",
                markup=False,
            )
            yield ProgressBar(total=self._model.size, show_eta=False)
            yield Static("", id="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Not now", id="leave", compact=True)
                yield Button(f"Download {size}", id="begin", variant="primary", compact=True)

    def on_mount(self) -> None:
        """The bar waits until there is something to show."""
        self.bar.display = False
        self.begin_button.focus()

    @on(Button.Pressed, "#begin")
    def _begin(self) -> None:
        if self._is_running:
            return
        self._is_running = True
        self.begin_button.label = "Downloading"
        self.bar.display = True
        self.problem.update("")
        self._run()

    @work(exclusive=True, group="download")
    async def _run(self) -> None:
        try:
            await self._fetch(self._model, self._models_dir, self._show)
        except DownloadFailed as error:
            self.problem.update(" ".join(explain(error)))
            self.begin_button.label = "Go on"
            self._is_running = False
            return
        self.dismiss(True)

    def _show(self, progress: DownloadProgress) -> None:
        self.bar.update(total=progress.total, progress=progress.done)
        self.told.update(_progress_line(progress))

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Stop; what has arrived is kept for the next time."""
        self.dismiss(False)


def _progress_line(progress: DownloadProgress) -> str:
    if progress.checking:
        return "Checking what arrived"
    parts = [f"{data_size(progress.done)} of {data_size(progress.total)}"]
    if progress.speed is not None:
        parts.append(f"{data_size(int(progress.speed))}/s")
    if progress.remaining is not None:
        parts.append(f"{duration(progress.remaining)} left")
    return "   ".join(parts)
