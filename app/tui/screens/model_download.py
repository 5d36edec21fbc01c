"""Fetching a model when it is first needed: how much, how fast, how long, and a way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

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
    from core.download import Downloadable, DownloadProgress

    _Model = TypeVar("_Model", bound=Downloadable)
    Fetch = Callable[[_Model, Path, Callable[[DownloadProgress], None]], Awaitable[Path]]

__all__ = ("ModelDownloadScreen",)


class ModelDownloadScreen(ModalScreen[bool]):
    """Asks before anything leaves or enters this machine; closes with whether the model is there.

    Args:
        question: what it is needed for, one line.
        consequence: what it is and what follows from having it.
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

    def __init__(
        self, question: str, consequence: str, model: _Model, models_dir: Path, fetch: Fetch[_Model]
    ) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._total = model.size
        self._fetch: Callable[[Callable[[DownloadProgress], None]], Awaitable[Path]] = partial(
            fetch, model, models_dir
        )
        self._is_running = False

    def compose(self) -> ComposeResult:
        """What, how much, where to; a bar once it runs."""
        size = data_size(self._total)
        with Vertical(classes="dialog"):
            yield Static(self._question, classes="question", markup=False)
            yield Static(self._consequence, id="told", classes="consequence", markup=False)
            yield ProgressBar(total=self._total, show_eta=False)
            yield Static("", id="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Not now", id="leave", compact=True)
                yield Button(f"Download {size}", id="begin", variant="primary", compact=True)

    def on_mount(self) -> None:
        """The bar waits until there is something to show."""
        self.bar.display = self.problem.display = False
        self.begin_button.focus()

    @on(Button.Pressed, "#begin")
    def _begin(self) -> None:
        if self._is_running:
            return
        self._is_running = True
        self.begin_button.label = "Downloading"
        self.bar.display = True
        self.problem.display = False
        self._run()

    @work(exclusive=True, group="download")
    async def _run(self) -> None:
        try:
            await self._fetch(self._show)
        except DownloadFailed as error:
            self.problem.update(" ".join(explain(error)))
            self.problem.display = True
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
