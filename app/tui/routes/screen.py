"""The routes: how each stands now, and why an answer came from where it did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Static

from app.cells import MUTED, one_line
from app.figures import duration, money
from app.tui.failures import explain
from app.tui.review.choices import Choice, Choices
from app.tui.review.hints import Hints
from app.tui.review.table import Column, Row, Table
from app.tui.routes.answers import Answer
from app.tui.routes.context import RoutesContext
from app.tui.routes.details import facts_lines, paragraph, route_details
from app.tui.routes.keys import SCREEN
from app.tui.routes.standing import Standing, standings
from app.warmth_words import warmth_in_a_word
from app.why_route import call_facts, choice_facts, in_short
from core.errors import TensorWallError

if TYPE_CHECKING:
    from core.chat import ChatRequest
    from core.costs.ledger_records import CallRecord
    from core.review import RouteRecord

__all__ = ("RoutesScreen",)

Shown = Literal["routes", "why"]

_TICK_SECONDS = 1.0
_VIEWS = (
    Choice("routes", "Routes", "routes.list"),
    Choice("why", "Why this route", "routes.why"),
)
_COLUMNS = (
    Column("", 1, right=True),
    Column("Provider", 9),
    Column("Model"),
    Column("State", 14),
    Column("p50", 6, right=True),
    Column("p95", 6, right=True),
    Column("tok/s", 5, right=True),
    Column("Circuit", 9, from_width=110),
    Column("Connection", 10, from_width=120),
    Column("Errors", 6, right=True, from_width=110),
    Column("Today", 9, right=True),
)


class RoutesScreen(Screen[None]):
    """Shows the routes from the first paint on, and what the ledger knows of them once it answers.

    Args:
        context: what is read.
        about: the answer to begin with, where it is asked why; ``None`` begins with the routes.
    """

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = SCREEN

    views_line = query_one("#views", Choices)
    table = query_one(Table)
    details = query_one("#details", VerticalScroll)

    def __init__(self, context: RoutesContext, about: str | None = None) -> None:
        super().__init__()
        self.context = context
        self._about = about
        self._request: ChatRequest | None = None
        self._records: Sequence[RouteRecord] = ()
        self._standings: list[Standing] = []

    def compose(self) -> ComposeResult:
        """What is looked at above, the routes and the details of one, or the reasons; keys below."""
        with Horizontal(id="views-line"):
            yield Choices(_VIEWS, "routes", id="views")
            yield Static(id="caption", markup=False)
        yield Static(id="problem", markup=False)
        yield Table(_COLUMNS)
        with VerticalScroll(id="details", can_focus=False):
            yield Static(id="facts", markup=False)
        yield Hints()

    def on_mount(self) -> None:
        """Once a second while it is open the router is looked at, and after each turn the ledger."""
        self.set_interval(_TICK_SECONDS, self._tick)
        if self.context.settled is not None:
            self.context.settled.subscribe(self, lambda _: self.action_reread())
        self.action_show("why" if self._about is not None else "routes")

    def on_resize(self) -> None:
        """Bars and lines for the width there is."""
        self.call_after_refresh(self._paint)

    # What is looked at

    @property
    def shown(self) -> Shown:
        """The view on screen."""
        return "why" if self.views_line.active == "why" else "routes"

    def action_show(self, view: Shown) -> None:
        """Look at the routes, or at the reasons for an answer."""
        self.views_line.active = view
        self.set_class(view == "why", "-why")
        self.table.focus() if view == "routes" else self.set_focus(None)
        self.refresh_bindings()
        self.action_reread()

    @on(Choices.Chosen, "#views")
    def _chosen(self, event: Choices.Chosen) -> None:
        self.action_show("why" if event.value == "why" else "routes")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Other answers only where one is looked at."""
        return action != "step" or self.has_class("-why")

    def action_step(self, step: int) -> None:
        """Look at an earlier or a later answer."""
        answers = self.context.answers()
        at = self._place_of(answers)
        if at is not None and 0 <= at + step < len(answers):
            self._about = answers[at + step].message_id
            self.action_reread()

    def action_scroll_details(self, step: int) -> None:
        """Scroll what is told."""
        self.details.scroll_relative(y=step, animate=False)

    def action_back(self) -> None:
        """To the chat."""
        self.dismiss(None)

    @work
    async def action_help(self) -> None:
        """Every key."""
        await self.context.show_help()

    # Reading

    @work(exclusive=True, group="load")
    async def action_reread(self) -> None:
        """Ask router and ledger again; what is shown stays until they answer."""
        try:
            if self.shown == "why":
                await self._read_why()
                return
            self._request = await self.context.upcoming()
            self._paint()
            review = (await self.context.services.records()).review
            self._records = await review.routes(self.context.now())
            self._paint()
        except TensorWallError as error:
            self._tell(error)
        else:
            self.set_class(False, "-problem")

    def _tick(self) -> None:
        if self.shown == "routes" and self._request is not None:
            self._paint()

    def _paint(self) -> None:
        """The routes as they stand now; the router's word costs no time."""
        if self.shown != "routes" or self._request is None:
            return
        router = self.context.services.router
        try:
            routes, skipped = router.preview(self._request, streaming=True)
        except TensorWallError as error:
            self._tell(error)
            return
        health = router.health(self._request.model)
        self._standings = standings(health, self._records, routes, skipped)
        self.query_one("#caption", Static).update(f"Next: {one_line(self._request.model)}")
        self.table.show([_row(standing) for standing in self._standings])
        self.table.styles.height = min(len(self._standings) + 1, max(4, self.size.height // 3))

    @on(Table.Highlighted)
    def _highlighted(self, event: Table.Highlighted) -> None:
        if self.shown != "routes":
            return
        standing = next((each for each in self._standings if each.key == event.row.key), None)
        if standing is not None:
            self.query_one("#facts", Static).update(route_details(standing, self._width))

    # Why this route

    async def _read_why(self) -> None:
        answers = self.context.answers()
        at = self._place_of(answers)
        if at is None:
            self._show_why("", Content.styled("There is no answer yet to ask this of.", MUTED))
            return
        self._about = answers[at].message_id
        ledger = (await self.context.services.records()).ledger
        calls = await ledger.rows(message_id=self._about)
        question = one_line(answers[at].question)
        place = f"answer {at + 1} of {len(answers)}" if len(answers) > 1 else ""
        self._show_why(place, self._reasons(question, calls))

    def _place_of(self, answers: Sequence[Answer]) -> int | None:
        """Where the answer that is looked at stands among them; by default the last."""
        ids = [answer.message_id for answer in answers]
        return ids.index(self._about) if self._about in ids else len(ids) - 1 if ids else None

    def _reasons(self, question: str, calls: Sequence[CallRecord]) -> Content:
        asked = Content.styled(question, "bold $primary").truncate(self._width, ellipsis=True)
        if not calls:
            return Content("\n").join(
                [asked, Content.styled("The ledger has no calls of this answer.", MUTED)]
            )
        lines = [asked, *paragraph(in_short(calls), self._width)]
        for fact in call_facts(calls):
            begins = fact[0][:1].isdecimal()
            told = facts_lines([fact], self._width)
            lines += [Content(""), *(line.stylize("bold") for line in told)] if begins else told
        choice = choice_facts(self.context.decisions(self._about or ""))
        return Content("\n").join([*lines, Content(""), *facts_lines(choice, self._width)])

    def _show_why(self, place: str, told: Content) -> None:
        self.query_one("#caption", Static).update(place)
        self.query_one("#facts", Static).update(told)

    @property
    def _width(self) -> int:
        """Cells of a line of details."""
        return max(20, self.details.scrollable_content_region.width or self.size.width - 2)

    def _tell(self, error: TensorWallError) -> None:
        message, hint = explain(error)
        told = Content.assemble((one_line(message), "bold $error"), f" {one_line(hint)}".rstrip())
        self.query_one("#problem", Static).update(told)
        self.set_class(True, "-problem")


def _row(standing: Standing) -> Row:
    health, record = standing.health, standing.record
    tone = "$success" if standing.is_ready else "$warning"
    place = "" if standing.place is None else str(standing.place)
    return Row(
        standing.key,
        (
            Content.styled(place, "bold" if standing.place == 1 else ""),
            one_line(health.provider),
            Content.styled(one_line(health.model.rpartition("/")[2]), "bold" if standing.place == 1 else ""),
            Content.styled(standing.state, tone),
            duration(record.first_content) if record else "-",
            duration(record.slow_first_content) if record else "-",
            f"{record.tokens_per_second:,.0f}" if record and record.tokens_per_second else "-",
            health.circuit.replace("_", " "),
            warmth_in_a_word(health.warmth),
            f"{record.failed / record.calls:.0%}" if record and record.calls else "-",
            money(record.today.cost, estimated=bool(record.today.estimated_calls)) if record else "-",
        ),
    )
