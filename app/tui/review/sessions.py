"""Sessions by what they cost, as many as there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Static

from app.cells import MUTED, one_line
from app.figures import count, duration, sparkline
from app.tui.review.context import Place, ReviewContext
from app.tui.review.keys import SESSIONS
from app.tui.review.spend_words import TotalsLine, cost_of, nothing_in, number_of
from app.tui.review.table import Cell, Column, Row, Table
from app.tui.review.turns import TurnsView
from app.tui.review.view import View
from app.tui.screens.sessions import when
from core.errors import TensorWallError
from core.review import Scope, SessionOrder, SessionPage, SessionSpend

__all__ = ("SessionsView", "session_title")

_FIRST = 40
"""Rows that are asked for at first: more than a window, so that it opens at once."""
_PAGE = 100
_LATENCIES = 7
_APART = 3
"""Cells between the highlighted session's title and what is told of it."""
_COLUMNS = (
    Column("Session"),
    Column("Cost", 11, "cost", right=True),
    Column("Tokens", 6, "tokens", right=True),
    Column("Turns", 5, "turns", right=True),
    Column("Models", 24, from_width=112),
    Column("Span", 6, "duration", right=True, from_width=92),
    Column("Tok/s", 5, "speed", right=True),
    Column("Latency", _LATENCIES),
    Column("Last used", 10, "last_used", right=True),
)
_ORDERS: tuple[SessionOrder, ...] = ("last_used", "cost", "tokens", "turns", "duration", "speed")


class SessionsView(View):
    """Sorted over all of them; more are fetched as the cursor comes near the last."""

    BINDINGS: ClassVar[list[BindingType]] = SESSIONS

    table = query_one(Table)

    def __init__(self, context: ReviewContext, scope: Scope) -> None:
        super().__init__(context, scope)
        self._sessions: dict[str, SessionSpend] = {}
        self._count = 0
        self._order: SessionOrder = "last_used"
        self._descending = True

    def parts(self) -> Iterable[Widget]:
        """The table, what it leaves out of the highlighted session, and the sums."""
        yield Table(_COLUMNS)
        yield Static(classes="empty", markup=False)
        yield Static(classes="detail", markup=False)
        yield TotalsLine()

    async def load(self) -> None:
        """The rows down to the cursor, and the sums."""
        wanted = max(_FIRST, self.table.cursor + _FIRST)
        page = await self._page(limit=wanted, offset=0)
        self._sessions = {session.id: session for session in page.sessions}
        self._count = page.count
        self.table.mark_sorted(self._order, descending=self._descending)
        self.table.columns = (replace(_COLUMNS[0], title=number_of(page.count, "session")), *_COLUMNS[1:])
        self.set_class(not page.count, "-empty")
        self.query_one(".empty", Static).update(nothing_in(self.scope))
        self.table.show([self._row(session) for session in page.sessions])
        self.query_one(TotalsLine).show(await (await self.context.review()).totals(self.scope))

    async def _page(self, *, limit: int, offset: int) -> SessionPage:
        review = await self.context.review()
        return await review.sessions(
            self.scope, order=self._order, descending=self._descending, limit=limit, offset=offset
        )

    @on(Table.NearEnd)
    def _near_end(self) -> None:
        if len(self._sessions) < self._count:
            self._load_more()

    @work(exclusive=True, group="more")
    async def _load_more(self) -> None:
        scope, order = self.scope, (self._order, self._descending)
        try:
            page = await self._page(limit=_PAGE, offset=len(self._sessions))
        except TensorWallError as error:
            self.tell(error)
            return
        if (scope, order) == (self.scope, (self._order, self._descending)):
            fresh = [session for session in page.sessions if session.id not in self._sessions]
            self._sessions |= {session.id: session for session in fresh}
            self.table.add([self._row(session) for session in fresh])

    def _row(self, session: SessionSpend) -> Row:
        cells: tuple[Cell, ...] = (
            session_title(session),
            cost_of(session.totals),
            count(session.totals.total_tokens),
            count(session.totals.turns),
            Content.styled(_models(session), MUTED),
            _span(session),
            "-" if session.median_speed is None else count(round(session.median_speed)),
            Content.styled(sparkline(session.latencies, _LATENCIES), "$secondary"),
            Content.styled(_last_used(session, self.context.now()), MUTED),
        )
        return Row(session.id, cells)

    # The highlighted session

    @property
    def session(self) -> SessionSpend | None:
        """The highlighted one."""
        row = self.table.current
        return self._sessions.get(row.key) if row else None

    @on(Table.Highlighted)
    def _highlighted(self) -> None:
        session = self.session
        if session is None:
            return
        told = [
            _span(session),
            number_of(session.totals.calls, "call"),
            _models(session),
        ]
        if session.source:
            told.insert(0, f"imported from {one_line(session.source)}")
        elif session.is_deleted:
            told.insert(0, "deleted; what it cost stays")
        facts = Content.styled(" · ".join(told), MUTED)
        detail = self.query_one(".detail", Static)
        room = max(detail.size.width - facts.cell_length - _APART, detail.size.width // 3)
        title = session_title(session).truncate(room, ellipsis=True)
        detail.update(Content(" " * _APART).join([title, facts]))

    @on(Table.Chosen)
    def action_open(self) -> None:
        """Show its turns."""
        if (session := self.session) is not None:
            self.post_message(self.Opened(TurnsView(self.context, session.id, session_title(session).plain)))

    def action_open_in_chat(self) -> None:
        """Show it in the chat."""
        if (session := self.session) is not None:
            self.post_message(self.ChatWanted(Place(session.id)))

    # Sorting

    def action_sort(self, step: int) -> None:
        """Sort by the column before or after."""
        self._sort(_ORDERS[(_ORDERS.index(self._order) + step) % len(_ORDERS)])

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._descending = not self._descending
        self._sorted()

    @on(Table.SortAsked)
    def _sort_asked(self, event: Table.SortAsked) -> None:
        if event.key == self._order:
            self.action_reverse()
            return
        self._sort(next(order for order in _ORDERS if order == event.key))

    def _sort(self, order: SessionOrder) -> None:
        self._order, self._descending = order, True
        self._sorted()

    def _sorted(self) -> None:
        self.table.mark_sorted(self._order, descending=self._descending)
        self.table.home()
        self.reload()


def session_title(session: SessionSpend) -> Content:
    """Its title, or what there is in its place."""
    if not session.id:
        return Content.styled("(outside of sessions)", "italic")
    if session.is_deleted:
        return Content.styled(f"(deleted) {session.id}", "italic")
    if session.source:
        return Content.assemble(
            (f"{one_line(session.source)}: ", "$secondary"), one_line(session.title or "")
        )
    return Content(one_line(session.title or ""))


def _models(session: SessionSpend) -> str:
    return ", ".join(one_line(model.rpartition("/")[2]) for model in session.models)


def _span(session: SessionSpend) -> str:
    """Within one quarter of an hour it is not known, where times are known to the quarter alone."""
    seconds = session.duration.total_seconds()
    return duration(None if session.is_rounded and not seconds else seconds)


def _last_used(session: SessionSpend, now: datetime) -> str:
    """``~`` before a time of day that is known to the quarter of an hour alone."""
    told = when(session.last_at, now)
    return f"~{told}" if session.is_rounded and ":" in told else told
