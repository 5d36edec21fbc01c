"""A session turn by turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Static

from app.cells import MUTED, one_line
from app.figures import count, duration
from app.tui.review.context import Place, ReviewContext
from app.tui.review.keys import TURNS
from app.tui.review.spend_words import TotalsLine, cost_of
from app.tui.review.table import Cell, Column, Row, Table
from app.tui.review.turn import TurnView, turn_key
from app.tui.review.view import View
from app.voice_figures import spoken_turns
from core.review import Progress, Report, Scope, TurnSpend

__all__ = ("TurnsView", "what_happened")

_COLUMNS = (
    Column("Question"),
    Column("Cost", 11, right=True),
    Column("Tokens", 6, right=True),
    Column("Calls", 5, right=True, from_width=92),
    Column("Time", 6, right=True),
    Column("What happened", 18),
    Column("When", 12, right=True, from_width=110),
)
_OUTCOMES = {
    "running": "running",
    "failed": "failed",
    "cancelled": "stopped",
    "interrupted": "broke off",
    "crashed": "crashed",
}


class TurnsView(View):
    """All of a session, whatever the period."""

    BINDINGS: ClassVar[list[BindingType]] = TURNS
    takes_scope = False

    table = query_one(Table)

    def __init__(
        self, context: ReviewContext, session_id: str, title: str = "", message_id: str | None = None
    ) -> None:
        super().__init__(context, Scope(session_id=session_id))
        self._session_id = session_id
        self._title = title
        self._start = message_id
        self._turns: dict[str, TurnSpend] = {}

    @property
    def caption(self) -> str:
        """The session's title."""
        return self._title or f"Session {self._session_id}"

    def parts(self) -> Iterable[Widget]:
        """What is left out, the table and the sums."""
        yield Static(classes="note", markup=False)
        yield Table(_COLUMNS)
        yield Static("No call of this session is in the ledger yet.", classes="empty", markup=False)
        yield Static(classes="detail", markup=False)
        yield Static(classes="spoken", markup=False)
        yield TotalsLine()

    async def report(self, progress: Progress | None = None) -> Report:  # noqa: ARG002
        """The session's calls, to be written down."""
        return await (await self.context.review()).call_report(self._session_id)

    async def load(self) -> None:
        """The turns, and the sums over all of the session's calls."""
        review = await self.context.review()
        turns = await review.turns(self._session_id)
        self._turns = {turn_key(turn): turn for turn in turns}
        self.set_class(not turns, "-empty")
        self.table.show([_row(turn) for turn in turns])
        if self._start is not None:
            self.table.move_to(self._start)
            self._start = None
        totals = await review.totals(self.scope)
        self.query_one(TotalsLine).show(totals)
        self._tell_left_out(totals.calls)
        await self._tell_spoken()

    def _tell_left_out(self, calls: int) -> None:
        """Of very long sessions the latest calls are shown."""
        shown = sum(turn.totals.calls for turn in self._turns.values())
        self.set_class(shown < calls, "-noted")
        told = f"The latest {shown:,} of {calls:,} calls; an export has all, the line below counts all."
        self.query_one(".note", Static).update(told)

    async def _tell_spoken(self) -> None:
        """How quick the spoken turns were, if any was spoken."""
        voice_turns = (await self.context.services.records()).voice_turns
        figures = await voice_turns.figures(self._session_id)
        self.set_class(bool(figures.turns), "-spoken")
        self.query_one(".spoken", Static).update(spoken_turns(figures))

    @property
    def _current(self) -> TurnSpend | None:
        row = self.table.current
        return self._turns.get(row.key) if row else None

    @on(Table.Highlighted)
    def _highlighted(self) -> None:
        if (turn := self._current) is not None:
            when = f"{turn.started_at.astimezone():%a %d %b %Y %H:%M}   "
            self.query_one(".detail", Static).update(Content.assemble((when, MUTED), _asked(turn)))

    @on(Table.Chosen)
    def action_open(self) -> None:
        """Show its calls."""
        if (turn := self._current) is not None:
            self.post_message(
                self.Opened(TurnView(self.context, self._session_id, turn_key(turn), self.caption))
            )

    def action_open_in_chat(self) -> None:
        """Show the answer in the chat."""
        if (turn := self._current) is not None:
            self.post_message(self.ChatWanted(Place(self._session_id, turn.message_id)))


def what_happened(turn: TurnSpend) -> str:
    """What was not as simple as question and answer: ``fallback``, ``2 retries``, ``stopped`` ..."""
    counted = Counter(call.role for call in turn.calls if call.role != "first")
    told = [_times(role, number) for role, number in counted.items()]
    last = turn.calls[-1].outcome
    told += [_OUTCOMES[last]] if last in _OUTCOMES else []
    if turn.receipt is not None:
        told.append("spoken")
    return ", ".join(told)


def _times(role: str, number: int) -> str:
    if number == 1:
        return role
    plural = {"retry": "retries", "tools": "rounds of tools"}.get(role, f"{role}s")
    return f"{number} {plural}"


def _row(turn: TurnSpend) -> Row:
    asked = _asked(turn)
    cells: tuple[Cell, ...] = (
        Content(asked) if turn.question else Content.styled(asked, "italic"),
        cost_of(turn.totals),
        count(turn.totals.total_tokens),
        count(len(turn.calls)),
        duration(turn.duration),
        Content.styled(what_happened(turn), "$warning"),
        Content.styled(f"{turn.started_at.astimezone():%d %b %H:%M}", MUTED),
    )
    return Row(turn_key(turn), cells)


def _asked(turn: TurnSpend) -> str:
    if turn.question:
        return one_line(turn.question)
    if turn.is_imported:
        first = turn.calls[0]
        return one_line(f"({first.reason}: {first.model.rpartition('/')[2]})")
    return "(the question is gone)" if turn.feature == "chat" else one_line(turn.feature)
