"""One entry laid out at a width: header, reasoning, body and footer, one under the other."""

from __future__ import annotations

from collections.abc import Collection

from rich.style import Style

from app.call_words import one_line_of
from app.tui.transcript.block_column import MEASURE, BlockColumn, Section, Source
from app.tui.transcript.code_layout import CodeLayout
from app.tui.transcript.entry import AnswerState, CodeBlock, Entry
from app.tui.transcript.heights import Heights
from app.tui.transcript.inline import Emphasis, Inline
from app.tui.transcript.json_column import JsonColumn
from app.tui.transcript.json_layout import JsonLayout
from app.tui.transcript.layout import FlowLayout, Piece, Prefix
from app.tui.transcript.painted import Frame, PaintedRow, paint_row
from app.tui.transcript.splitter import LONGEST_LINE, split_blocks
from core.safe_text import safe_text

__all__ = ("EntryView", "code_blocks", "estimate_height")

MARGIN = 2
_RESULT_IN_LINE = 60
_STATE_NOTES: dict[AnswerState, str] = {
    "stopped": "stopped",
    "failed": "failed",
    "interrupted": "interrupted",
}


class EntryView:
    """The sections of an entry, and their rows.

    Attributes:
        entry: what is shown.
        reasoning_shown: whether the reasoning is unfolded.
        reasoning_header: the section that says whether there is reasoning, where there is.
    """

    def __init__(
        self,
        entry: Entry,
        frame: Frame,
        *,
        gap: int,
        reasoning_shown: bool,
        folded: Collection[int] = (),
    ) -> None:
        self.entry = entry
        self.reasoning_shown = reasoning_shown
        self.reasoning_header: int | None = None
        self._frame = frame
        self._gap = gap
        self._sections: list[Section] = []
        self._body_from = 0  # the first section of the answer itself
        self._label = ""
        self._heights = Heights()
        theme = frame.theme
        self._reasoning = BlockColumn(frame, ("  ", theme.reasoning), theme.reasoning)
        self._body: BlockColumn | JsonColumn = (
            JsonColumn(frame, ("  ", theme.text), folded)
            if entry.json
            else BlockColumn(frame, ("  ", theme.text), theme.text)
        )
        if entry.kind == "answer":
            self._reasoning.feed(entry.reasoning)
            self._body.feed(entry.text)
            if entry.state != "streaming":
                self._reasoning.finish()
                self._body.finish()
        self.sync()

    def feed(self, text: str, reasoning: str) -> None:
        """Add safe text that has arrived; shown after ``sync``."""
        self._reasoning.feed(reasoning)
        if text:
            self._reasoning.finish()
        self._body.feed(text)

    def finish(self) -> None:
        """Nothing more will come."""
        self._reasoning.finish()
        self._body.finish()

    def sync(self) -> None:
        """Bring the sections up to date with what has arrived."""
        entry = self.entry
        if entry.kind != "answer":
            self._replace(0, self._fixed_sections())
            return
        head = self._head()
        reasoning_first = self._reasoning.sync()
        body_first = self._body.sync()
        unfolded = self._reasoning.sections if self.reasoning_shown else []
        sections = [*head, *unfolded, *self._body.sections]
        self._body_from = len(head) + len(unfolded)
        if unfolded and self._body.sections:
            first_of_body = self._body.sections[0]
            sections[len(head) + len(unfolded)] = first_of_body._replace(gap=1)
        if entry.state != "streaming" and (footer := self._footer()):
            sections.append(footer)
        label = _right_label(entry)
        same_label, self._label = label == self._label, label
        first = self._first_changed(head, len(unfolded), reasoning_first, body_first) if same_label else 0
        if first:
            sections[: len(head)] = self._sections[: len(head)]
        self._replace(first, sections)

    def _first_changed(
        self, head: list[Section], unfolded: int, reasoning_first: int, body_first: int
    ) -> int:
        shown = self._sections[: len(head)]
        if [section.layout.text for section in head] != [section.layout.text for section in shown]:
            return 0
        changed = reasoning_first if reasoning_first < unfolded else unfolded + body_first
        return min(len(head) + changed, len(self._sections))

    def _replace(self, first: int, sections: list[Section]) -> None:
        self._sections = sections
        self._heights.cut(first)
        for section in sections[first:]:
            self._heights.append(section.height)

    @property
    def height(self) -> int:
        """Rows of the whole entry."""
        return self._heights.total

    @property
    def sections(self) -> list[Section]:
        """The blocks, top to bottom; do not change."""
        return self._sections

    def source(self, section: int) -> Source | None:
        """Where in the answer's Markdown a section comes from; ``None`` for what is not of the answer."""
        index = section - self._body_from
        is_answer = self.entry.kind == "answer" and 0 <= index < len(self._body.sources)
        return self._body.sources[index] if is_answer else None

    def section_at(self, row: int) -> tuple[int, int]:
        """The section at a row of the entry, and which row of its layout; negative in its gap."""
        index = self._heights.find(row)
        return index, row - self._heights.top(index) - self._sections[index].gap

    def row_of(self, section: int, row: int) -> int:
        """The row of the entry where a row of a section is."""
        return self._heights.top(section) + self._sections[section].gap + row

    def row(self, row: int) -> PaintedRow:
        """One row, drawn."""
        index, inner = self.section_at(row)
        if inner < 0:
            return _blank(self._frame)
        return self._sections[index].layout.row(inner)

    @property
    def codes(self) -> list[CodeLayout]:
        """The code blocks that are shown."""
        return [*(self._reasoning.codes if self.reasoning_shown else ()), *self._body.codes]

    @property
    def code_sections(self) -> list[int]:
        """Which sections are the answer's code blocks."""
        codes = {id(code) for code in self._body.codes}
        return [index for index, section in enumerate(self._sections) if id(section.layout) in codes]

    @property
    def json(self) -> JsonLayout | None:
        """The answer that is JSON, where it is and has begun."""
        return self._body.layout if isinstance(self._body, JsonColumn) and self._body.sections else None

    @property
    def json_section(self) -> int | None:
        """Which section that is."""
        return self._body_from if self.json is not None else None

    def nest_at(self, section: int, row: int) -> int | None:
        """The object or array of the JSON answer that begins on a row of a section, if one does."""
        if self.json is None or section != self.json_section or row < 0:
            return None
        return self.json.nest_at(row)

    # Sections that are not Markdown

    def _fixed_sections(self) -> list[Section]:
        entry, theme = self.entry, self._frame.theme
        if entry.kind == "user":
            return self._user_sections()
        if entry.kind == "notice":
            margin: Piece = ("· ", theme.notice)
            return [Section(self._gap, self._flow(entry.text, theme.notice, margin, ("  ", theme.notice)))]
        if entry.kind == "tool":
            return self._tool_sections()
        bar: Piece = ("▌ ", theme.error_bar)
        sections = [Section(self._gap, self._flow(entry.text, theme.error, bar))]
        if entry.footer:
            sections.append(Section(0, self._flow(entry.footer, theme.notice, bar)))
        return sections

    def _tool_sections(self) -> list[Section]:
        """A call on one line; unfolded, what it was given and what it gave."""
        entry, theme = self.entry, self._frame.theme
        arrow = "▾" if self.reasoning_shown else "▸"
        self.reasoning_header = 0
        style = theme.error if entry.state == "failed" else theme.muted
        note = {"streaming": "…"}.get(entry.state, _STATE_NOTES.get(entry.state, ""))
        result = "" if self.reasoning_shown else one_line_of(entry.text, _RESULT_IN_LINE)
        parts = [entry.header, f"→ {result}" if result else "", note, entry.footer]
        line = "  ".join(part for part in parts if part)
        rest: Piece = ("    ", theme.muted)
        sections = [Section(self._gap, self._flow(f"{arrow} {line}", style, ("  ", style), rest))]
        if self.reasoning_shown:
            for text, told in ((entry.reasoning, theme.muted), (entry.text, theme.text)):
                pieces = _pieces(text) if text else []
                sections += [Section(0, self._flow(piece, told, rest, rest)) for piece in pieces]
        return sections

    def _user_sections(self) -> list[Section]:
        entry, theme = self.entry, self._frame.theme
        bar: Piece = ("▌ ", theme.user_bar)
        muted = theme.user + Style(color=theme.muted.color)
        right = _right_label(entry)
        sections: list[Section] = []
        for index, piece in enumerate(_pieces(entry.text)):
            label: Piece | None = (right, muted) if right and index == 0 else None
            sections.append(
                Section(0 if index else self._gap, self._flow(piece, theme.user, bar, right=label))
            )
        sections += [Section(0, self._flow(f"+ {name}", muted, bar)) for name in entry.attachments]
        return sections

    def _head(self) -> list[Section]:
        entry, theme = self.entry, self._frame.theme
        sections: list[Section] = []
        right = _right_label(entry)
        if entry.header or right:
            label: Piece | None = (right, theme.muted) if right else None
            layout = self._flow(entry.header, theme.header, ("  ", theme.header), right=label, measure=False)
            sections.append(Section(self._gap, layout))
        if entry.reasoning:
            thinking = entry.state == "streaming" and not entry.text
            title = "Thinking" if thinking else "Reasoning"
            arrow = "▾" if self.reasoning_shown else "▸"
            margin: Piece = ("  ", theme.muted)
            layout = self._flow(f"{arrow} {title}", theme.muted, margin)
            self.reasoning_header = len(sections)
            sections.append(Section(0 if sections else self._gap, layout))
        if not sections:
            sections.append(Section(0, self._flow("", theme.muted, ("  ", theme.muted))))
        return sections

    def _footer(self) -> Section | None:
        theme = self._frame.theme
        note = _STATE_NOTES.get(self.entry.state, "")
        text = " · ".join(part for part in (note, self.entry.footer) if part)
        return Section(1, self._flow(text, theme.muted, ("  ", theme.muted))) if text else None

    def _flow(
        self,
        text: str,
        style: Style,
        first: Piece,
        rest: Piece | None = None,
        *,
        right: Piece | None = None,
        measure: bool = True,
    ) -> FlowLayout:
        text = safe_text(text).expandtabs(4)
        inline = Inline(text, [(len(text), Emphasis.NONE)])
        prefix = Prefix((first,), (rest or first,))
        limit = MEASURE - MARGIN if measure else 1 << 16
        layout = FlowLayout(inline, self._frame, style, prefix, right=right, measure=limit)
        layout.searchable = self.entry.kind != "answer"  # there it is header and footer
        return layout


def estimate_height(entry: Entry, width: int) -> int:
    """About how many rows an entry takes, at the cost of looking at its length."""
    columns = max(10, min(width - MARGIN, MEASURE))
    if entry.kind == "tool":
        return 1
    rows = entry.text.count("\n") + len(entry.text) // columns + 2
    return rows + (2 * bool(entry.footer) + bool(entry.header) if entry.kind == "answer" else 0)


def code_blocks(entry: Entry) -> list[CodeBlock]:
    """The fenced code of an answer, exactly as written."""
    if entry.json:
        return []
    blocks = split_blocks(entry.text)
    return [CodeBlock(block.language, block.text) for block in blocks if block.kind == "code"]


def _right_label(entry: Entry) -> str:
    branch = "◂ {}/{} ▸".format(*entry.branch) if entry.branch and entry.branch[1] > 1 else ""
    return safe_text("  ".join(part for part in (branch, entry.time) if part)).replace("\n", " ")


def _pieces(text: str) -> list[str]:
    """A user's text in pieces of a bounded size, cut at line ends, so that a huge paste stays cheap."""
    if len(text) <= 8 * LONGEST_LINE:
        return [text]
    pieces, lines, size = [], [], 0
    for line in text.split("\n"):
        lines.append(line)
        size += len(line)
        if size > LONGEST_LINE:
            pieces.append("\n".join(lines))
            lines, size = [], 0
    return [*pieces, "\n".join(lines)] if lines else pieces


def _blank(frame: Frame) -> PaintedRow:
    return paint_row(frame, (), frame.theme.text)
