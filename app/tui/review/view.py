"""One way to look at what was spent: asks, shows, and tells when it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from app.cells import MUTED, one_line
from app.tui.failures import explain
from app.tui.review.context import Place, ReviewContext
from core.errors import TensorWallError
from core.review import Scope

if TYPE_CHECKING:
    from core.review.report import Progress, Report
    from core.review.sessions import SessionSpend

__all__ = ("View",)

_SLOW_SECONDS = 0.5
"""After which it is said that the answer is still awaited."""


class View(Vertical, can_focus=True):
    """Subclasses give what they show in ``parts`` and fill it in ``load``.

    Its keys work also when there is nothing in it that could have the focus.

    Attributes:
        scope: the calls that are looked at.
        takes_scope: whether period and filter of the screen matter here.
        is_exported: whether it has a report to be written down.
    """

    takes_scope = True
    is_exported = True

    @dataclass
    class Opened(Message):
        """Look at this more closely."""

        view: View

    class Renamed(Message):
        """The caption has changed."""

    @dataclass
    class ChatWanted(Message):
        """Show where in the chat this was."""

        place: Place

    def __init__(self, context: ReviewContext, scope: Scope | None = None) -> None:
        super().__init__()
        self.context = context
        self.scope = scope or Scope()
        self._asked = False

    def compose(self) -> ComposeResult:
        """What it shows, and room for what went wrong."""
        yield Static(classes="problem", markup=False)
        yield Static("Reading the ledger …", classes="slow", markup=False)
        yield from self.parts()

    # For subclasses

    def parts(self) -> Iterable[Widget]:
        """What it is made of."""
        raise NotImplementedError

    async def load(self) -> None:
        """Ask, then show.

        Raises:
            TensorWallError: what cannot be had.
        """
        raise NotImplementedError

    async def report(self, progress: Progress | None = None) -> Report:
        """What is looked at, to be written down: by default the sessions of the scope.

        Args:
            progress: told how far it is where there may be much, on another thread.

        Raises:
            TensorWallError: what cannot be had.
        """
        return await (await self.context.review()).session_report(self.scope, progress=progress)

    @property
    def caption(self) -> str:
        """What is looked at, where period and filter do not say it."""
        return ""

    @property
    def session(self) -> SessionSpend | None:
        """The session that the user looks at, if it is one."""
        return None

    # Loading

    def look_at(self, scope: Scope) -> None:
        """Show another scope."""
        if scope != self.scope:
            self.scope = scope
            self.reload()

    @work(exclusive=True, group="load")
    async def reload(self) -> None:
        """Ask again; what is shown stays until the answer is there."""
        self._asked = True
        slow = self.set_timer(_SLOW_SECONDS, lambda: self.set_class(True, "-slow"))
        try:
            await self.load()
        except TensorWallError as error:
            self.tell(error)
        else:
            self.set_class(False, "-problem")
        finally:
            slow.stop()
            self.set_class(False, "-slow")
            self.call_after_refresh(self._keep_keys)

    def tell(self, error: TensorWallError) -> None:
        """Say above what is shown what went wrong."""
        message, hint = explain(error)
        told = Content.assemble(
            (one_line(message), "bold $error"), f" {one_line(hint)}".rstrip(), ("  R tries again", MUTED)
        )
        self.query_one(".problem", Static).update(told)
        self.set_class(True, "-problem")

    def focus_content(self) -> None:
        """Give the keys to what it shows, or where that takes none, to itself."""
        inside = (widget for widget in self.query("*") if widget.focusable and widget.display)
        next(inside, self).focus()

    def on_focus(self) -> None:
        """Clicked beside its content, or come to by Tab."""
        self.focus_content()

    def _keep_keys(self) -> None:
        """What had the focus may be hidden now that there is nothing to show, or be back."""
        if self.display and self.is_attached and self.screen.focused in (None, self):
            self.focus_content()
