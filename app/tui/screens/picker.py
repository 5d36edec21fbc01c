"""A list to choose from: a filter to type into, rows, and details of the highlighted row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from app.cells import MUTED

__all__ = ("PickerScreen", "Row")

_NARROW = 60

Value = TypeVar("Value")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Row(Generic[Value]):
    """One row; ``key`` tells it from the others, so that the highlight survives a new list."""

    key: str
    content: Content
    value: Value
    disabled: bool = False


class PickerScreen(ModalScreen[Result], Generic[Value, Result]):
    """The keys stay in the filter: up and down move the highlight, Enter chooses.

    Subclasses give ``rows`` and ``details``, and act in ``choose``.
    """

    CSS_PATH = "picker.tcss"
    PLACEHOLDER: ClassVar[str] = "Type to filter"
    HINT: ClassVar[str] = "Enter choose   Esc close"
    EMPTY: ClassVar[str] = "Nothing found."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "move(-8)", "Page up", show=False, priority=True),
        Binding("pagedown", "move(8)", "Page down", show=False, priority=True),
        Binding("escape", "close", "Close", show=False),
    ]

    query_input = query_one("#query", Input)
    list_view = query_one("#rows", OptionList)
    detail_view = query_one("#detail", Static)

    def __init__(self, title: str) -> None:
        super().__init__()
        self._panel_title = title
        self.shown: Sequence[Row[Value]] = ()
        self._start_key: str | None = None

    def compose(self) -> ComposeResult:
        """Filter above, list and details side by side, keys below."""
        with Vertical(id="panel") as panel:
            panel.border_title = Content(self._panel_title)
            yield Input(placeholder=self.PLACEHOLDER, id="query", compact=True)
            with Horizontal(id="body"):
                yield OptionList(id="rows", markup=False, compact=True)
                with VerticalScroll(id="detail-pane", can_focus=False):
                    yield Static(id="detail", markup=False)
            yield Static(self.HINT, id="hint", markup=False)

    def on_mount(self) -> None:
        """The filter has the keys; the rows come with the first size."""
        self.query_input.focus()

    # For subclasses

    async def rows(self, query: str) -> Sequence[Row[Value]]:
        """The rows for what was typed."""
        raise NotImplementedError

    async def details(self, row: Row[Value]) -> Content:
        """What is known of the highlighted row."""
        raise NotImplementedError

    def choose(self, row: Row[Value]) -> None:
        """The user chose this row."""
        raise NotImplementedError

    @property
    def row_width(self) -> int:
        """Cells a row may take beside its scroll bar."""
        return max(20, self.list_view.size.width - 2)

    def on_resize(self) -> None:
        """Rows are made for a width; where there is little, the details make way for them."""
        self.set_class(self.size.width < _NARROW, "-narrow")
        self.call_after_refresh(self.reload)

    # Keeping the list

    @property
    def current(self) -> Row[Value] | None:
        """The highlighted row."""
        index = self.list_view.highlighted
        return self.shown[index] if index is not None and index < len(self.shown) else None

    def start_at(self, key: str) -> None:
        """Highlight this row when it is first shown."""
        self._start_key = key

    @work(exclusive=True, group="rows")
    async def reload(self) -> None:
        """Fetch the rows again, keeping the highlight where it was."""
        current = self.current
        key = self._start_key or (current.key if current else None)
        self._start_key = None
        self.shown = await self.rows(self.query_input.value.strip())
        self.list_view.set_options(Option(row.content, disabled=row.disabled) for row in self.shown)
        keys = [row.key for row in self.shown]
        self.list_view.highlighted = keys.index(key) if key in keys else (0 if keys else None)
        if not keys:
            self.detail_view.update(Content.styled(self.EMPTY, MUTED))

    @on(Input.Changed, "#query")
    def _filter(self) -> None:
        self.reload()

    @on(OptionList.OptionHighlighted, "#rows")
    def _highlighted(self) -> None:
        self._show_details()

    @work(exclusive=True, group="details")
    async def _show_details(self) -> None:
        if (row := self.current) is not None:
            self.detail_view.update(await self.details(row))
            self.query_one("#detail-pane").scroll_home(animate=False)

    @on(Input.Submitted, "#query")
    def _submitted(self) -> None:
        if (row := self.current) is not None and not row.disabled:
            self.choose(row)

    @on(OptionList.OptionSelected, "#rows")
    def _clicked(self) -> None:
        self._submitted()

    # Keys

    def action_move(self, step: int) -> None:
        """Move the highlight, stopping at the ends."""
        if self.shown:
            at = self.list_view.highlighted or 0
            self.list_view.highlighted = min(len(self.shown) - 1, max(0, at + step))

    def action_close(self) -> None:
        """Leave without choosing."""
        self.dismiss(None)
