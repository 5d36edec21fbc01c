"""The questions people ask of their spend, each answered in words first and then in rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Static

from app.cells import MUTED, one_line
from app.figures import count, forecast_sum, money, price
from app.tui.review.choices import Choice, Choices
from app.tui.review.context import ReviewContext
from app.tui.review.groups import share_bar
from app.tui.review.keys import QUESTIONS
from app.tui.review.spend_words import cost_of, number_of
from app.tui.review.table import Column, Row, Table
from app.tui.review.turns import TurnsView
from app.tui.review.view import View
from core.costs.periods import period
from core.review import DetourKind, Forecast, Progress, Report, Scope

if TYPE_CHECKING:
    from core.catalogue import ModelInfo
    from core.costs.budgets import Standing
    from core.review import SessionSpend

__all__ = ("Question", "QuestionsView")

Question = Literal["caching", "detours", "model", "dearest", "month"]

_CHOICES = (
    Choice("caching", "Caching", "review.caching"),
    Choice("detours", "Detours", "review.detours"),
    Choice("model", "Another model", "review.model"),
    Choice("dearest", "Dearest", "review.dearest"),
    Choice("month", "On track", "review.on_track"),
)
_DEAREST = 50
_DETOURS: dict[DetourKind, str] = {
    "retry": "once more to the same place",
    "fallback": "another place after a failure",
    "hedge": "a second place beside a slow one",
    "rescue": "an answer that broke off, gone on with",
    "speculation": "asked early and thrown away",
    "stopped": "stopped by you",
    "broken": "broke off or crashed",
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """Words, and the rows that show where they come from."""

    words: tuple[Content, ...]
    columns: tuple[Column, ...] = (Column(""),)
    rows: tuple[Row, ...] = ()


class QuestionsView(View):
    """One question at a time, about the period and filter or (another model) the session one comes from."""

    BINDINGS: ClassVar[list[BindingType]] = QUESTIONS

    questions = query_one(Choices)
    table = query_one(Table)

    def __init__(self, context: ReviewContext, scope: Scope, question: Question = "caching") -> None:
        super().__init__(context, scope)
        self._first = question
        self._about: SessionSpend | None = None
        self._dearest: dict[str, SessionSpend] = {}

    def parts(self) -> Iterable[Widget]:
        """The questions, the answer, its rows."""
        yield Choices(_CHOICES, self._first)
        yield Static(classes="answer", markup=False)
        yield Table(())

    @property
    def question(self) -> Question:
        """The one that is answered."""
        return next(name for name in get_args(Question) if name == self.questions.active)

    def ask(self, question: Question, about: SessionSpend | None = None) -> None:
        """Answer another question."""
        self._about = about
        self.questions.active = question
        self.table.home()
        self.reload()

    async def load(self) -> None:
        """Ask the ledger, and say it."""
        question = self.question
        match question:
            case "caching":
                answer = await self._caching()
            case "detours":
                answer = await self._detours()
            case "model":
                answer = await self._another_model()
            case "dearest":
                answer = await self._the_dearest()
            case "month":
                answer = await self._month()
        if question != self.question:
            return
        self.query_one(".answer", Static).update(Content("\n").join(answer.words))
        self.table.columns = answer.columns
        self.table.display = bool(answer.rows)
        self.table.show(answer.rows)

    async def report(self, progress: Progress | None = None) -> Report:
        """The sums that the answer rests on, to be written down."""
        review = await self.context.review()
        match self.question:
            case "caching":
                return await review.group_report(["model"], self.scope)
            case "detours":
                return await review.group_report(["role", "outcome"], self.scope)
            case "model":
                return await review.group_report(["model"], self._repriced_scope)
            case "dearest":
                return await review.session_report(self.scope, order="cost", progress=progress)
            case "month":
                since = period("month", self.context.now()).since
                return await review.group_report(["day"], Scope(since=since))

    # The answers

    async def _caching(self) -> _Answer:
        review = await self.context.review()
        totals = await review.totals(self.scope)
        if not totals.cached_tokens:
            return _said("Caching saved nothing: no prompt was found in a provider's cache.")
        share = totals.cached_tokens / totals.prompt_tokens
        words = (
            Content.styled(f"Caching saved {money(totals.cache_saving)}.", "bold"),
            Content(
                f"{count(totals.cached_tokens)} of {count(totals.prompt_tokens)} prompt tokens ({share:.0%}) "
                f"came from caches. Without them it would have been "
                f"{money(totals.cost + totals.cache_saving)}, not {money(totals.cost)}."
            ),
        )
        groups = await review.groups(("model",), self.scope)
        saving = sorted(
            (part for part in groups if part.totals.cached_tokens), key=lambda part: -part.totals.cache_saving
        )
        rows = tuple(
            Row(
                str(part.keys[0]),
                (
                    one_line(str(part.keys[0])),
                    count(part.totals.cached_tokens),
                    f"{part.totals.cached_tokens / max(1, part.totals.prompt_tokens):.0%}",
                    money(part.totals.cache_saving),
                ),
            )
            for part in saving
        )
        columns = (Column("Model"), *_numbers(("Cached tokens", 13), ("Of prompts", 10), ("Saved", 11)))
        return _Answer(words, columns, rows)

    async def _detours(self) -> _Answer:
        review = await self.context.review()
        totals, found = await review.totals(self.scope), await review.detours(self.scope)
        if not found:
            return _said("No detours: every call went straight from question to answer.")
        cost = sum((detour.cost for detour in found), Decimal(0))
        calls = sum(detour.calls for detour in found)
        estimated = any(detour.estimated_cost for detour in found)
        words = (
            Content.styled(f"Detours cost {money(cost, estimated=estimated)}.", "bold"),
            Content(f"{number_of(calls, 'call')} of {count(totals.calls)}, out of {cost_of(totals)} in all."),
        )
        rows = tuple(
            Row(
                detour.kind,
                (
                    detour.kind.capitalize(),
                    Content.styled(_DETOURS[detour.kind], MUTED),
                    count(detour.calls),
                    money(detour.cost, estimated=bool(detour.estimated_cost)),
                ),
            )
            for detour in sorted(found, key=lambda detour: -detour.cost)
        )
        columns = (Column("Detour", 11), Column("What it is"), *_numbers(("Calls", 6), ("Cost", 11)))
        return _Answer(words, columns, rows)

    async def _another_model(self) -> _Answer:
        """Every model whose price is known, the cheapest first."""
        review = await self.context.review()
        scope = self._repriced_scope
        catalogue, now = self.context.services.catalogue, self.context.now()
        found = []
        for info in _asked(catalogue.models(kind="chat")):
            known = catalogue.price(info.provider, info.id, now)
            if known is not None and (known.input or known.output):
                found.append((info, await review.repriced(known, scope)))
        about = self._about
        subject = "These calls" if about is None else f"“{one_line(about.title or about.id)}”"
        if not found or not found[0][1].calls:
            return _said(f"{subject}: there is nothing to price again.")
        actual = found[0][1]
        calls = number_of(actual.calls, "call")
        dollars = partial(money, estimated=bool(actual.estimated_calls))
        told = [Content.styled(f"{subject} cost {dollars(actual.actual)} in {calls}.", "bold")]
        notes = ["Priced again from the tokens that were recorded, at today's prices."]
        if actual.estimated_calls:
            estimates = number_of(actual.estimated_calls, "call")
            notes.append(f"The tokens of {estimates} are estimates, and so is every sum here.")
        without = {"at unknown prices": actual.unknown_price_calls, "without tokens": actual.left_out}
        left_out = [f"{number_of(calls, 'call')} {why}" for why, calls in without.items() if calls]
        if left_out:
            notes.append(f"Left out: {', '.join(left_out)}.")
        told.append(Content(" ".join(notes)))
        rows = tuple(
            Row(
                f"{info.provider}/{info.id}",
                (
                    one_line(info.id),
                    Content.styled(info.provider, MUTED),
                    f"{price(priced.price.input)} / {price(priced.price.output)}",
                    dollars(priced.instead),
                    _difference(priced.instead, priced.actual),
                ),
            )
            for info, priced in sorted(found, key=lambda pair: pair[1].instead)
        )
        columns = (
            Column("On"),
            Column("Provider", 9, from_width=70),
            *_numbers(("$/M in / out", 13), ("Would cost", 11), ("Change", 8)),
        )
        return _Answer(tuple(told), columns, rows)

    @property
    def _repriced_scope(self) -> Scope:
        return self.scope if self._about is None else replace(self.scope, session_id=self._about.id)

    async def _the_dearest(self) -> _Answer:
        review = await self.context.review()
        totals = await review.totals(self.scope)
        page = await review.sessions(self.scope, order="cost", limit=_DEAREST)
        if not page.count:
            return _said("There is no session to compare.")
        self._dearest = {session.id: session for session in page.sessions}
        first = page.sessions[0]
        share = first.totals.cost / totals.cost if totals.cost else Decimal(0)
        words = (
            Content.styled(f"The dearest session cost {cost_of(first.totals)}, {share:.0%} of all.", "bold"),
            Content(f"{number_of(page.count, 'session')} cost {cost_of(totals)}. Enter shows the turns."),
        )
        rows = tuple(
            Row(
                session.id,
                (
                    one_line(session.title or session.id or "(outside of sessions)"),
                    count(session.totals.turns),
                    cost_of(session.totals),
                    Content.styled(share_bar(session.totals.cost, totals.cost, 12), "$primary"),
                ),
            )
            for session in page.sessions
        )
        columns = (Column("Session"), *_numbers(("Turns", 6), ("Cost", 11)), Column("Share", 18))
        return _Answer(words, columns, rows)

    async def _month(self) -> _Answer:
        records = await self.context.services.records()
        now = self.context.now()
        heading = await records.review.month_forecast(now)
        standings = await records.ledger.standings(self.context.services.assistant.budgets, now=now)
        month = next((standing for standing in standings if standing.budget.scope == "month"), None)
        month_of = partial(forecast_sum, heading)
        rows = (
            Row("spent", ("Spent so far this month", month_of("spent"))),
            Row("a_day", ("A day, over the last four weeks", month_of("a_day"))),
            Row("left", ("Days left after today", str(heading.days_left))),
            Row("projected", ("At the end of the month, if it goes on so", month_of("projected"))),
            Row("by_now", ("Last month by this day", month_of("last_month_by_now"))),
            Row("last", ("Last month in all", month_of("last_month"))),
        )
        words = (Content.styled(_on_track(heading, month), "bold"), Content(_compared(heading)))
        return _Answer(words, (Column("Where the month stands", 44), Column("", 12, right=True)), rows)

    # Choosing

    @property
    def session(self) -> SessionSpend | None:
        """The dearest session that is highlighted."""
        row = self.table.current
        return self._dearest.get(row.key) if row and self.question == "dearest" else None

    def action_choose(self, step: int) -> None:
        """The next question."""
        name = self.questions.neighbour(step)
        self.ask(next(known for known in get_args(Question) if known == name))

    def action_ask(self, question: Question) -> None:
        """A question by its key."""
        self.ask(question)

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        event.stop()
        self.ask(next(known for known in get_args(Question) if known == event.value))

    @on(Table.Chosen)
    def action_open(self) -> None:
        """Show the turns of a session."""
        if (session := self.session) is not None:
            self.post_message(self.Opened(TurnsView(self.context, session.id, session.title or session.id)))


def _said(words: str) -> _Answer:
    return _Answer((Content.styled(words, "bold"),))


def _numbers(*columns: tuple[str, int]) -> tuple[Column, ...]:
    return tuple(Column(title, width, right=True) for title, width in columns)


def _asked(infos: Sequence[ModelInfo]) -> list[ModelInfo]:
    return [info for info in infos if info.usable and info.listed]


def _difference(instead: Decimal, actual: Decimal) -> str:
    if not actual:
        return "-"
    change = instead / actual - 1
    return f"{change:+.0%}" if abs(change) < 10 else f"{instead / actual:.0f} x"


def _on_track(heading: Forecast, month: Standing | None) -> str:
    """Against the month's limit where there is one, else against last month."""
    ends = f"The month is heading for {forecast_sum(heading, 'projected')}"
    limit = (month.budget.hard or month.budget.soft) if month else None
    if limit is None:
        return f"{ends}. No limit is set for it."
    if heading.projected <= limit:
        return f"On track: {ends[0].lower()}{ends[1:]}, within its limit of {money(limit)}."
    if heading.spent >= limit:
        return f"The month's limit of {money(limit)} is used up."
    days = int((limit - heading.spent) / heading.a_day) if heading.a_day else heading.days_left
    return f"Not on track: {ends[0].lower()}{ends[1:]}; its limit of {money(limit)} lasts {days} more days."


def _compared(heading: Forecast) -> str:
    if not heading.last_month_by_now:
        return "There was no spend last month by this day to compare with."
    change = heading.spent / heading.last_month_by_now - 1
    word = "more" if change >= 0 else "less"
    return f"{abs(change):.0%} {word} than last month by this day."
