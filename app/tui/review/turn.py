"""One turn call by call: the time each took on a common axis, and all that is known of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Static

from app.cells import MUTED, one_line
from app.figures import duration, money
from app.tui.review.call_details import call_details, voice_details
from app.tui.review.context import Place, ReviewContext
from app.tui.review.keys import TURN
from app.tui.review.legend import legend
from app.tui.review.spend_words import TotalsLine
from app.tui.review.table import Column, Row, Table, column_widths
from app.tui.review.view import View
from app.tui.review.waterfall import Bar, Phase, call_bar, pieces, span_of, starts, voice_bar
from core.costs.ledger_records import CallRecord
from core.costs.price_rows import PriceRow
from core.errors import InputError
from core.review import Progress, Report, Scope, TurnSpend

__all__ = ("TurnView", "turn_key")

_VOICE = "voice"
_COLUMNS = (
    Column("Call", 9),
    Column("Model", 20),
    Column("Time"),
    Column("Took", 6, right=True),
    Column("Cost", 9, right=True),
    Column("Outcome", 11, from_width=96),
)
_TIME = 2
_MARKS: dict[Phase, tuple[str, str]] = {
    "end of speech": ("╌", MUTED),
    "transcript": ("≈", "$warning"),
    "first word": ("-", "$primary"),
    "first sound": ("=", "$accent"),
    "queue": ("·", MUTED),
    "prompt": ("░", "$primary"),
    "thinking": ("▒", "$accent"),
    "answering": ("█", "$success"),
    "speech": ("▓", "$secondary"),
}
"""Told by shape as well as by colour."""


class TurnView(View):
    """Its calls as a waterfall above, the highlighted call below."""

    BINDINGS: ClassVar[list[BindingType]] = TURN
    takes_scope = False

    table = query_one(Table)

    def __init__(self, context: ReviewContext, session_id: str, key: str, title: str) -> None:
        super().__init__(context, Scope(session_id=session_id))
        self._session_id = session_id
        self._key = key
        self._title = title
        self._turn: TurnSpend | None = None
        self._prices: dict[str, PriceRow | None] = {}

    @property
    def caption(self) -> str:
        """The question, where there is one."""
        turn = self._turn
        asked = (turn.question or turn.feature) if turn else ""
        return f"{self._title} · {asked}" if asked else self._title

    def parts(self) -> Iterable[Widget]:
        """Waterfall, legend, the highlighted call, the sums."""
        yield Table(_COLUMNS)
        yield Static(classes="legend", markup=False)
        yield VerticalScroll(Static(classes="facts", markup=False), classes="facts-pane", can_focus=False)
        yield TotalsLine()

    async def report(self, progress: Progress | None = None) -> Report:  # noqa: ARG002
        """The session's calls, to be written down."""
        return await (await self.context.review()).call_report(self._session_id)

    async def load(self) -> None:
        """The turn as it is now, and the prices its calls were booked with."""
        review = await self.context.review()
        turns = await review.turns(self._session_id)
        found = next((turn for turn in turns if turn_key(turn) == self._key), None)
        if found is None:
            raise InputError("The ledger has no calls of this answer.", hint="It may not have been sent.")
        for price_id in {call.price_id for call in found.calls if call.price_id} - self._prices.keys():
            self._prices[price_id] = await review.price_row(price_id)
        self._turn = found
        self._show()
        self.query_one(TotalsLine).show(found.totals)
        self.post_message(self.Renamed())

    def on_resize(self, _: events.Resize) -> None:
        """Bars for the width there is."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        if self._turn is None:
            return
        calls, receipt = self._turn.calls, self._turn.receipt
        bars = [call_bar(call, start) for call, start in zip(calls, starts(calls, receipt), strict=True)]
        voice = [voice_bar(receipt)] if receipt else []
        span = span_of([*voice, *bars])
        width = column_widths(_COLUMNS, self.table.row_width)[_TIME]
        rows = [_call_row(call, _painted(bar, span, width)) for call, bar in zip(calls, bars, strict=True)]
        if receipt is not None:
            cells = ("voice", "", _painted(voice[0], span, width), duration(voice[0].end), "", "")
            rows.insert(0, Row(_VOICE, cells))
        self.table.show(rows)
        self.table.styles.max_height = len(rows) + 1
        self.query_one(".legend", Static).update(legend(_legend([*voice, *bars], span), self.table.row_width))

    @on(Table.Highlighted)
    def _highlighted(self, event: Table.Highlighted) -> None:
        assert self._turn is not None
        facts = self.query_one(".facts", Static)
        width = self.table.row_width
        if event.row.key == _VOICE and self._turn.receipt is not None:
            facts.update(voice_details(self._turn.receipt, width))
            return
        call = next(call for call in self._turn.calls if call.call_id == event.row.key)
        facts.update(call_details(call, self._prices.get(call.price_id or ""), width))

    def action_scroll_details(self, step: int) -> None:
        """Scroll what is known of the call."""
        self.query_one(".facts-pane").scroll_relative(y=step, animate=False)

    def action_open_in_chat(self) -> None:
        """Show the answer in the chat."""
        if self._turn is not None:
            self.post_message(self.ChatWanted(Place(self._session_id, self._turn.message_id)))


def turn_key(turn: TurnSpend) -> str:
    """What tells a turn from the others of its session."""
    return turn.message_id or turn.calls[0].call_id


def _call_row(call: CallRecord, bar: Content) -> Row:
    took = "running" if call.duration is None else duration(call.duration)
    cost = "" if call.outcome == "running" else _price_of(call)
    tone = "$foreground" if call.outcome == "answered" else "$warning"
    role = call.role if call.feature == "chat" else call.feature
    model = one_line(call.model.rpartition("/")[2])
    if call.outcome != "answered":
        bar = bar.append(Content.styled(f" {call.outcome}", tone))
    return Row(call.call_id, (role, model, bar, took, cost, Content.styled(call.outcome, tone)))


def _price_of(call: CallRecord) -> str:
    return "unknown" if call.cost is None else money(call.cost, estimated=call.estimated)


def _painted(bar: Bar, span: float, width: int) -> Content:
    painted, at = Content(""), 0
    for piece in pieces(bar, span, width):
        mark, tone = _MARKS[piece.phase]
        painted = painted.append(" " * (piece.start - at))
        painted = painted.append(Content.styled(mark * (piece.end - piece.start), tone))
        at = piece.end
    return painted


def _legend(bars: Sequence[Bar], span: float) -> list[Content]:
    present = {phase for bar in bars for phase, _ in bar.phases}
    marks = [
        Content.assemble((mark * 2, tone), (f" {phase}", MUTED))
        for phase, (mark, tone) in _MARKS.items()
        if phase in present
    ]
    return [*marks, Content.styled(f"all of it {duration(span)}", MUTED)]
