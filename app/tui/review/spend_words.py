"""Sums in words: what was billed and what is an estimate apart, unknown prices counted."""

from __future__ import annotations

from typing import Literal, get_args

from textual.content import Content
from textual.widgets import Static

from app.cells import MUTED
from app.figures import count, money
from core.costs.ledger_records import Totals
from core.review import Filter, Scope

__all__ = ("TotalsLine", "cost_of", "nothing_in", "number_of")


def cost_of(totals: Totals) -> str:
    """A sum for a column: ``~`` where an estimate is part of it, ``+?`` where calls have no price."""
    if totals.unknown_price_calls and not totals.cost:
        return "unknown"
    unknown = "+?" if totals.unknown_price_calls else ""
    return f"{money(totals.cost, estimated=bool(totals.estimated_cost))}{unknown}"


def number_of(number: int, word: str) -> str:
    """``1 call``, ``12 calls``, ``1.2k calls``."""
    return f"{count(number)} {word}{'' if number == 1 else 's'}"


def nothing_in(scope: Scope) -> str:
    """Why a scope is empty, and what would show more."""
    if scope.filter != Filter():
        return "No call fits the filter. / changes it, A looks at all time."
    if scope.since is not None:
        return "Nothing was asked in this time. A looks at all time."
    return "Nothing has been asked yet: what answers cost will be listed here."


_Words = Literal["all", "short", "fewest"]
_WORDS: tuple[_Words, ...] = get_args(_Words)


class TotalsLine(Static):
    """All of a sum in one line, in shorter words where there is less room."""

    DEFAULT_CSS = "TotalsLine { height: 1; }"

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._totals: Totals | None = None

    def show(self, totals: Totals) -> None:
        """Tell these sums."""
        self._totals = totals
        self._paint()

    def on_resize(self) -> None:
        """Words for the room there is."""
        self._paint()

    def _paint(self) -> None:
        if self._totals is None:
            return
        lines = (_totals_line(self._totals, words) for words in _WORDS)
        fitting = [line for line in lines if line.cell_length <= self.size.width]
        self.update(fitting[0] if fitting else _totals_line(self._totals, "fewest"))


def _totals_line(totals: Totals, words: _Words) -> Content:
    """Billed and estimated apart, then what it was for, then what has no price, which is never left out."""
    short = words != "all"
    cost = [Content.styled(money(totals.billed_cost), "bold"), Content(" billed")]
    if totals.estimated_cost:
        estimate = Content.styled(money(totals.estimated_cost, estimated=True), "bold")
        cost += [Content(" + "), estimate, Content(" est." if short else " estimated")]
    tokens = f"{count(totals.total_tokens)} tok" if short else number_of(totals.total_tokens, "token")
    turns = () if words == "fewest" else (number_of(totals.turns, "turn"),)
    counts = (tokens, *turns, number_of(totals.calls, "call"))
    told = [Content("").join(cost), *(Content.styled(text, MUTED) for text in counts)]
    if totals.unknown_price_calls:
        unpriced = count(totals.unknown_price_calls)
        told.append(Content.styled(f"{unpriced} {'unpriced' if short else 'at unknown prices'}", "$warning"))
    return Content("  ").join(told)
