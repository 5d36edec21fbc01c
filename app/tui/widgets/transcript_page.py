"""The conversation as a page on screen: painted, scrolled, followed and selected.

It paints itself (``render_lines``) from strips that keep their escape sequences between frames, and moves
its own scroll position without a layout of the screen, so that a frame costs the rows on screen however long
the conversation is. Both lean on Textual 8.2's internals, which
``tests/app/tui/widgets/test_transcript.py`` guards.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.cache import LRUCache
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from app.tui.transcript.code_layout import CodeLayout
from app.tui.transcript.document import Document, DocumentRow
from app.tui.transcript.highlight import Token, highlight_code
from app.tui.transcript.painted import Frame, restyle
from app.tui.transcript.selection import selected_span, selected_text, tag_row
from app.tui.transcript.styles import COMPONENT_CLASSES, STYLE_SHEET, theme_of
from app.tui.transcript.theme import Theme

__all__ = ("TranscriptPage",)

_KEPT_HIGHLIGHTS = 64
_RIGHT_MARGIN = 1

_Code = tuple[tuple[str, ...], str]
"""Lines of code and their language."""


class TranscriptPage(ScrollView, can_focus=True):
    """Shows a document and keeps the reader's place in it.

    Its styles are component classes, ``transcript--<name>`` for each field of
    ``app.tui.transcript.theme.Theme``. It takes no padding and no border: give those to what it stands in.
    """

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENT_CLASSES)
    DEFAULT_CSS = STYLE_SHEET

    following: var[bool] = var(True, init=False)
    """Whether the view keeps to the newest line."""

    frames_per_second: var[float] = var(30.0, init=False)
    """How often arriving text is laid out and painted; what comes first is painted at once."""

    @dataclass
    class FollowChanged(Message, namespace="transcript"):
        """The view began or ceased to follow the newest line."""

        following: bool

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._document = Document(Frame(80, Theme.plain()))
        self._restyled = False
        self._frames: Timer | None = None
        self._new_lines = 0
        self._pill: range = range(0)
        self._highlighting = False
        self._highlighted: LRUCache[_Code, list[list[Token]]] = LRUCache(_KEPT_HIGHLIGHTS)

    # Frames: text that arrives is laid out and painted together, at most so often

    def _text_arrived(self) -> None:
        """Paint at once when nothing was painted lately, else with the next frame."""
        if self._frames is None and self.is_attached:
            self._frames = self.set_interval(1 / self.frames_per_second, self._frame)
            self._frame()

    def on_mount(self) -> None:
        """Show what was appended before there was a screen."""
        self._text_arrived()

    def _frame(self) -> None:
        if self._document.drain():
            self._rows_changed()
        elif self._frames is not None:
            self._frames.stop()
            self._frames = None

    def _rows_changed(self) -> None:
        """The page grew, shrank or changed."""
        if not self.following:
            self._new_lines = max(0, self._new_lines + self._document.height - self.virtual_size.height)
        self._place()
        self.refresh()

    # The reader's place

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self._place()
        self.refresh()

    def watch_following(self, following: bool) -> None:
        """Say so, and begin to count what the reader has not seen."""
        self._new_lines = 0
        self.post_message(self.FollowChanged(following))

    def show_rows(self, first: int, end: int) -> None:
        """Scroll so that these rows are seen, or the first of them where there are too many."""
        top, rows = self.scroll_offset.y, self.size.height
        if top <= first and end <= top + rows:
            return
        above = max(1, (rows - (end - first)) // 3)
        self.scroll_to(y=max(0, first - above), animate=False)

    def _place(self) -> None:
        """Lay out what is on screen and put the view where the reader is."""
        document, rows = self._document, self.size.height
        if not rows:
            return
        if self.following:
            top = max(0, document.height - rows)
            while document.settle(top, rows) or top != max(0, document.height - rows):
                top = max(0, document.height - rows)
        else:
            top = self.scroll_offset.y
            top = max(0, min(top + document.settle(top, rows), document.height - rows))
        self._resize_page()
        if top != self.scroll_offset.y:
            self.set_scroll(None, top)
            self.set_reactive(Widget.scroll_target_y, float(top))
            self.vertical_scrollbar.position = top
        self._highlight_visible()

    def _resize_page(self) -> None:
        """Set the virtual size without the layout of the screen that the reactive would cause."""
        size = Size(self.size.width, self._document.height)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The reader (never ``_place``) scrolled."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.following = round(new_value) >= self.max_scroll_y
            self._place()
            self.refresh()

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: object) -> None:
        """Scroll at once: an animation would fight with rows whose height is only then known."""
        del options
        self._scroll_to(x, y, animate=False)

    def action_scroll_end(self) -> None:
        """Go to the end and follow it."""
        self.follow()

    def on_resize(self) -> None:
        """Wrap anew for the width and keep what is read in its place."""
        self._reframe(self._document.frame.theme)

    def notify_style_update(self) -> None:
        """The theme may have changed; looked at when next painting."""
        super().notify_style_update()
        self._restyled = True

    def _restyle(self) -> None:
        self._restyled = False
        self._reframe(theme_of(self))

    def _reframe(self, theme: Theme) -> None:
        """Lay out for this theme and the size of the widget, if either is new."""
        columns = self.scrollable_content_region.width
        width = max(1, columns - _RIGHT_MARGIN)
        frame = Frame(width, theme, self.size.width - width)
        if not columns or frame == self._document.frame:
            self._place()
        else:
            self._lay_out(frame)

    def _lay_out(self, frame: Frame) -> None:
        document = self._document
        reading = None if self.following else document.position_at(self.scroll_offset.y)
        document.set_frame(frame)
        if reading is not None:
            self.set_scroll(None, document.row_of(reading))
        self._place()
        self.refresh()

    # Painting

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows on screen as strips; called by the compositor for what has to be painted."""
        if self._restyled:
            self._restyle()
        rows = [self._overlaid(y) for y in crop.line_range]
        for line_filter in self.get_line_filters():
            background = self.background_colors[1]
            rows = [strip.apply_filter(line_filter, background) for strip in rows]
        if crop.column_span != (0, self.size.width):
            rows = [strip.crop(*crop.column_span) for strip in rows]
        return rows

    def render_line(self, y: int) -> Strip:
        """One row with the offsets by which Textual finds the text under the mouse; never painted."""
        row = self._document.row(self.scroll_offset.y + y)
        return tag_row(row) if row else Strip.blank(self.size.width)

    def _overlaid(self, y: int) -> Strip:
        theme = self._document.frame.theme
        row = self._document.row(self.scroll_offset.y + y)
        if row is None:
            strip = Strip.blank(self.size.width, theme.text)
        else:
            strip = self.overlay(row, row.painted.strip)
            if (selection := self.text_selection) and (span := selected_span(selection, row)):
                strip = restyle(strip, *span, theme.selection)
        if y == self.size.height - 1:
            strip = self._with_pill(strip)
        return strip

    def overlay(self, row: DocumentRow, strip: Strip) -> Strip:
        """What is painted over a row, such as search matches; for subclasses."""
        del row
        return strip

    def _with_pill(self, strip: Strip) -> Strip:
        if self.following or not self._new_lines:
            self._pill = range(0)
            return strip
        text = f" ↓ {self._new_lines:,} new line{'s' * (self._new_lines != 1)} "
        left = max(0, (self.size.width - len(text)) // 2)
        self._pill = range(left, left + len(text))
        pill = Strip([Segment(text, self._document.frame.theme.pill)], len(text))
        return Strip.join([strip.crop(0, left), pill, strip.crop(left + len(text), self.size.width)])

    def row_under(self, event: events.MouseEvent) -> DocumentRow | None:
        """The row that the mouse is on."""
        return self._document.row(self.scroll_offset.y + int(event.y))

    def offset_under(self, event: events.MouseEvent) -> Offset | None:
        """The position in the text that the mouse is on, as selections count it."""
        return self.screen.get_widget_and_offset_at(event.screen_x, event.screen_y)[1]

    def over_pill(self, event: events.MouseEvent) -> bool:
        """Whether the mouse is on the pill that counts new lines."""
        return int(event.y) == self.size.height - 1 and int(event.x) in self._pill

    # Selection, in positions of the text

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, as it is to be copied."""
        return selected_text(self._document, selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint the selection."""
        del selection
        self.refresh()

    # Highlighting, in a thread

    def _highlight_visible(self) -> None:
        if not self._highlighting and (job := self._next_job()):
            self._highlighting = True
            self.run_worker(self._highlight(*job), group="highlight", exit_on_error=False)

    def _next_job(self) -> tuple[CodeLayout, _Code] | None:
        for layout in self._document.visible_codes(self.scroll_offset.y, self.size.height):
            if job := layout.take_highlight_job():
                code = (tuple(job[0]), job[1])
                if (tokens := self._highlighted.get(code)) is None:
                    return layout, code
                layout.highlight(tokens)  # laid out anew for another width or theme
        return None

    async def _highlight(self, layout: CodeLayout, code: _Code) -> None:
        try:
            tokens = await asyncio.to_thread(highlight_code, *code)
            self._highlighted[code] = tokens
            layout.highlight(tokens)
            self.refresh()
        finally:
            self._highlighting = False
        self._highlight_visible()
