"""Rows in columns that fit the width there is, painted line by line: as quick for 20 000 rows as for ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual

from app.cells import MUTED

__all__ = ("Cell", "Column", "Row", "Table", "column_widths")

Cell = str | Content

_GAP = 2
_AHEAD = 40
"""Rows below the window that should be there before the user comes to them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: what its header says.
        width: in cells; 0 takes what the others leave.
        key: what the table is sorted by when its header is clicked; empty: it cannot be.
        right: align its cells to the right.
        from_width: left out where the table is narrower than this.
    """

    title: str
    width: int = 0
    key: str = ""
    right: bool = False
    from_width: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row, a cell a column; ``key`` tells it from the others, so that the cursor stays with it."""

    key: str
    cells: tuple[Cell, ...]


def column_widths(columns: Sequence[Column], width: int) -> list[int]:
    """The cells of each column; 0 for those that are left out."""
    shown = [column for column in columns if width >= column.from_width]
    fixed = sum(column.width for column in shown) + _GAP * (len(shown) - 1)
    rest = max(1, width - fixed)
    return [(column.width or rest) if width >= column.from_width else 0 for column in columns]


class Table(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows rows under a header that stays, with a cursor on one of them."""

    DEFAULT_CSS = """
    Table {
        height: 1fr;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        overflow-x: hidden;
        & > .table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000000)", "First", show=False),
        Binding("end", "move(1000000000)", "Last", show=False),
    ]
    ALLOW_SELECT = False

    @dataclass
    class Highlighted(Message):
        """The cursor is on this row now."""

        table: Table
        row: Row

    @dataclass
    class Chosen(Message):
        """The row under the cursor was clicked."""

        table: Table
        row: Row

    @dataclass
    class SortAsked(Message):
        """A header was clicked: sort by its key."""

        key: str

    class NearEnd(Message):
        """The last rows are about to be seen: time to add more, if there are more."""

    def __init__(self, columns: Sequence[Column], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.rows: list[Row] = []
        self._cursor = 0
        self._sorted: tuple[str, bool] = ("", False)
        self._told_end = 0

    # Filling

    def show(self, rows: Sequence[Row]) -> None:
        """Replace all rows; the cursor stays on the row with the same key."""
        before = self.current
        self.rows = list(rows)
        keys = [row.key for row in self.rows]
        if before is not None and before.key in keys:
            self._cursor = keys.index(before.key)
        self._told_end = 0
        self._rows_changed()

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows at the end."""
        self.rows.extend(rows)
        self._rows_changed()

    def mark_sorted(self, key: str, *, descending: bool) -> None:
        """Say in the header what the rows are sorted by."""
        self._sorted = (key, descending)
        self.refresh()

    @property
    def row_width(self) -> int:
        """Cells of a row, beside the scroll bar."""
        return self.scrollable_content_region.width

    def _rows_changed(self) -> None:
        self._cursor = min(self._cursor, max(0, len(self.rows) - 1))
        self.virtual_size = Size(self.row_width, len(self.rows) + 1)
        self.refresh()
        if row := self.current:
            self.post_message(self.Highlighted(self, row))
            self._show_cursor()

    # The cursor

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self._cursor] if self.rows else None

    @property
    def cursor(self) -> int:
        """The number of that row, from 0."""
        return self._cursor

    def home(self) -> None:
        """Forget which row it was on: the rows that come begin anew."""
        self.rows, self._cursor = [], 0
        self.scroll_to(y=0, animate=False, force=True)

    def move_to(self, key: str) -> bool:
        """Put the cursor on the row with this key; whether there is one."""
        for index, row in enumerate(self.rows):
            if row.key == key:
                self._go(index)
                return True
        return False

    def action_move(self, step: int) -> None:
        """Move the cursor, stopping at the ends."""
        self._go(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by a window."""
        self._go(self._cursor + step * max(1, self.size.height - 2))

    def _go(self, index: int) -> None:
        if not self.rows:
            return
        self._cursor = min(len(self.rows) - 1, max(0, index))
        self._show_cursor()
        self.refresh()
        self.post_message(self.Highlighted(self, self.rows[self._cursor]))

    def _show_cursor(self) -> None:
        window, top = max(1, self.size.height - 1), self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor >= top + window:
            self.scroll_to(y=self._cursor - window + 1, animate=False, force=True)
        self._ask_for_more()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Have rows ready for where the user scrolls to."""
        super().watch_scroll_y(old_value, new_value)
        self._ask_for_more()

    def _ask_for_more(self) -> None:
        """Once for as many rows as there are."""
        seen = max(self._cursor, self.scroll_offset.y + self.size.height)
        if self.rows and seen + _AHEAD >= len(self.rows) > self._told_end:
            self._told_end = len(self.rows)
            self.post_message(self.NearEnd())

    def on_resize(self) -> None:
        """Columns for the width there is."""
        self.virtual_size = Size(self.row_width, len(self.rows) + 1)
        if self.rows:
            self._show_cursor()

    # Painting

    def render_line(self, y: int) -> Strip:
        """The header, or one row."""
        width = self.row_width
        if y == 0:
            return self._strip(self._header(), width, self.visual_style)
        index = self.scroll_offset.y + y - 1
        if index >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        style = self.visual_style
        if index == self._cursor:
            style += self.get_visual_style("table--cursor")
        return self._strip(self._line(self.rows[index].cells), width, style)

    def _strip(self, content: Content, width: int, style: Style) -> Strip:
        strips = Visual.to_strips(self, content, width, 1, style, pad=True)
        return strips[0] if strips else Strip.blank(width, style.rich_style)

    def _header(self) -> Content:
        cells: list[Cell] = []
        key, descending = self._sorted
        for column in self.columns:
            is_sorted = bool(column.key) and column.key == key
            name = f"{'↓' if descending else '↑'}{column.title}" if is_sorted else column.title
            cells.append(Content.styled(name, "bold $primary" if is_sorted else f"bold {MUTED}"))
        return self._line(cells)

    def _line(self, cells: Sequence[Cell]) -> Content:
        widths = column_widths(self.columns, self.row_width)
        parts = [
            _fitted(cell, width, right=column.right)
            for cell, column, width in zip(cells, self.columns, widths, strict=True)
            if width
        ]
        return Content(" " * _GAP).join(parts)

    # The mouse

    def on_click(self, event: events.Click) -> None:
        """A header sorts, a row takes the cursor, and the row under the cursor is chosen."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            if key := self._key_at(offset.x):
                self.post_message(self.SortAsked(key))
            return
        index = self.scroll_offset.y + offset.y - 1
        if index >= len(self.rows):
            return
        if index == self._cursor:
            self.post_message(self.Chosen(self, self.rows[index]))
        else:
            self._go(index)

    def _key_at(self, x: int) -> str:
        left = 0
        for column, width in zip(self.columns, column_widths(self.columns, self.row_width), strict=True):
            if width and left <= x < left + width:
                return column.key
            left += width + _GAP if width else 0
        return ""


def _fitted(cell: Cell, width: int, *, right: bool) -> Content:
    content = Content(cell) if isinstance(cell, str) else cell
    content = content.truncate(width, ellipsis=True)
    room = width - content.cell_length
    return content.pad_left(room) if right else content.pad_right(room)
