"""The session list: full-text search with a preview; resume, rename, delete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content

from app.cells import MUTED, column, one_line
from app.figures import count, money
from app.tui.failures import explain
from app.tui.screens.dialogs import AskScreen, ConfirmScreen
from app.tui.screens.picker import PickerScreen, Row
from core.errors import TensorWallError
from core.safe_text import safe_text

if TYPE_CHECKING:
    from core.conversations import Conversations, SearchHit, SessionSummary

__all__ = ("SessionsScreen", "when")

_MOST = 200
_PREVIEWED = 8
_PREVIEW_CHARACTERS = 600


class SessionsScreen(PickerScreen["SessionSummary", str]):
    """Closes with the id of the session to resume."""

    PLACEHOLDER = "Search titles and every message"
    HINT = "Enter resume   F2 rename   Del delete   Esc close"
    EMPTY = "No session holds these words."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2,ctrl+r", "rename", "Rename", show=False, priority=True),
        Binding("delete,ctrl+d", "delete", "Delete", show=False, priority=True),
    ]

    def __init__(self, conversations: Conversations, current: str | None) -> None:
        super().__init__("Sessions")
        self._conversations = conversations
        self._current = current
        self._hits: dict[str, list[SearchHit]] = {}
        self.deleted: set[str] = set()
        """Sessions that were deleted while the list was open."""
        if current:
            self.start_at(current)

    async def rows(self, query: str) -> list[Row[SessionSummary]]:
        """Sessions last written first; while searching, those that hold the words."""
        try:
            summaries = await self._conversations.list(query or None, limit=_MOST)
            hits = await self._conversations.search(query, limit=_MOST) if query else []
        except TensorWallError as error:
            self._report(error)
            return []
        self._hits = {}
        for hit in hits:
            self._hits.setdefault(hit.session_id, []).append(hit)
        return [Row(summary.id, self._row(summary), summary) for summary in summaries]

    def _row(self, summary: SessionSummary) -> Content:
        mark = "▸ " if summary.id == self._current else "  "
        return Content.assemble(
            (mark, "$primary"),
            column(one_line(summary.title), self.row_width - 13),
            (column(when(summary.updated_at), 10, right=True), MUTED),
        )

    async def details(self, row: Row[SessionSummary]) -> Content:
        """What matched, and how the conversation ended."""
        summary = row.value
        parts = [
            Content.styled(one_line(summary.title), "bold $primary"),
            Content.styled(
                f"{count(summary.message_count)} messages   "
                f"{money(summary.cost, estimated=summary.cost_is_partial)}   {one_line(summary.model or '')}",
                MUTED,
            ),
        ]
        for hit in self._hits.get(summary.id, [])[:_PREVIEWED]:
            parts += [Content(""), _matched(hit)]
        try:
            messages = await self._conversations.messages(summary.id)
        except TensorWallError as error:
            return Content("\n").join([*parts, Content.styled(explain(error)[0], "$error")])
        for stored in messages[-_PREVIEWED:]:
            who, tone = ("You", "bold") if stored.message.role == "user" else ("Answer", f"bold {MUTED}")
            text = safe_text(stored.message.text).strip()
            short = text[:_PREVIEW_CHARACTERS] + ("…" if len(text) > _PREVIEW_CHARACTERS else "")
            parts += [Content(""), Content.styled(who, tone), Content(short)]
        return Content("\n").join(parts)

    def choose(self, row: Row[SessionSummary]) -> None:
        """Resume it."""
        self.dismiss(row.key)

    @work
    async def action_rename(self) -> None:
        """Ask for a new title."""
        if (row := self.current) is None:
            return
        title = await self.app.push_screen_wait(AskScreen("Rename this session", row.value.title))
        if title is None or not title.strip():
            return
        try:
            await self._conversations.rename(row.key, title)
        except TensorWallError as error:
            self._report(error)
        self.reload()

    @work
    async def action_delete(self) -> None:
        """Delete after a question."""
        if (row := self.current) is None:
            return
        sure = await self.app.push_screen_wait(
            ConfirmScreen(
                f"Delete “{one_line(row.value.title)}”?",
                "All its messages and branches go for good. What it cost stays in the ledger.",
                confirm="Delete",
            )
        )
        if not sure:
            return
        try:
            await self._conversations.delete(row.key)
        except TensorWallError as error:
            self._report(error)
        else:
            self.deleted.add(row.key)
        self.reload()

    def action_close(self) -> None:
        """Close; where the session on screen was deleted, say so by an empty id."""
        self.dismiss("" if self._current in self.deleted else None)

    def _report(self, error: TensorWallError) -> None:
        message, hint = explain(error)
        self.notify(f"{message} {hint}".strip(), severity="error", markup=False)


def when(moment: datetime, now: datetime | None = None) -> str:
    """A time as one reads it in a list: ``14:02`` today, ``Mon 14:02`` this week, else the date."""
    local = moment.astimezone()
    age = ((now or datetime.now(UTC)).astimezone().date() - local.date()).days
    if age <= 0:
        return f"{local:%H:%M}"
    return f"{local:%a %H:%M}" if age < 7 else f"{local:%Y-%m-%d}"


def _matched(hit: SearchHit) -> Content:
    content, at = Content(""), 0
    for start, end in hit.matches:
        content = content.append(hit.snippet[at:start]).append(
            Content.styled(hit.snippet[start:end], "bold $warning")
        )
        at = end
    return content.append(hit.snippet[at:])
