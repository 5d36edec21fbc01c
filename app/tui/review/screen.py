"""The review of what was spent: one view at a time, with a period and a filter that all of them share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, get_args

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Input, Static

from app.cells import MUTED, one_line
from app.tui.failures import explain
from app.tui.review.budgets import BudgetsView
from app.tui.review.choices import Choice, Choices
from app.tui.review.context import Place, ReviewContext
from app.tui.review.export import write_export
from app.tui.review.groups import GroupsView
from app.tui.review.hints import Hints
from app.tui.review.keys import SCREEN
from app.tui.review.questions import Question, QuestionsView
from app.tui.review.sessions import SessionsView
from app.tui.review.turn import TurnView
from app.tui.review.turns import TurnsView
from app.tui.review.view import View
from app.tui.screens.dialogs import AskScreen
from core.costs.periods import PeriodName, period
from core.errors import InputError, TensorWallError
from core.review import Filter, Scope, form_of, parse_filter

if TYPE_CHECKING:
    from textual.timer import Timer

__all__ = ("ReviewScreen",)

_REFRESH_SECONDS = 1.0
_VIEWS = (
    Choice("sessions", "Sessions", "review.sessions"),
    Choice("groups", "Groups", "review.groups"),
    Choice("charts", "Charts", "review.charts"),
    Choice("questions", "Questions", "review.questions"),
    Choice("budgets", "Budgets", "review.budgets"),
)
_PERIODS = (
    Choice("today", "Today", "review.today"),
    Choice("week", "Week", "review.week"),
    Choice("month", "Month", "review.month"),
    Choice("all", "All", "review.all"),
)


class ReviewScreen(Screen["Place | None"]):
    """Paints at once and fills when the ledger answers; closes with what the chat is to show.

    Args:
        context: what is read.
        start: the session, or the answer in it, to begin with.
    """

    CSS_PATH = "screen.tcss"
    AUTO_FOCUS = ""  # the first view takes it: what is typed until then would be a filter
    BINDINGS: ClassVar[list[BindingType]] = SCREEN

    views_line = query_one("#views", Choices)
    periods = query_one("#periods", Choices)
    filter_input = query_one("#filter", Input)
    body = query_one("#body", Container)

    def __init__(self, context: ReviewContext, start: Place | None = None) -> None:
        super().__init__()
        self.context = context
        self._start = start
        self._period: PeriodName = "month"
        self._filter = Filter()
        self._views: dict[str, View] = {}
        self._closer: list[View] = []
        self._refresh_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Views and period above, the view, its keys below."""
        with Horizontal(id="views-line"):
            yield Choices(_VIEWS, "sessions", id="views")
            yield Static("What it cost", id="title", markup=False)
        with Horizontal(id="scope-line"):
            yield Choices(_PERIODS, self._period, id="periods")
            yield Static(id="filter-shown", markup=False)
            yield Static(id="caption", markup=False)
        yield Input(placeholder="words  model:…  provider:…  outcome:…", id="filter", compact=True)
        yield Static(id="filter-problem", markup=False)
        yield Static(id="exporting", markup=False)
        yield Container(id="body")
        yield Hints()

    async def on_mount(self) -> None:
        """The first view; what a turn costs while it is open is shown, too."""
        if self.context.settled is not None:
            self.context.settled.subscribe(self, lambda _: self._spent())
        await self.action_view("sessions")
        if self._start is not None:
            await self._begin_at(self._start)

    async def _begin_at(self, place: Place) -> None:
        try:
            conversations = (await self.context.services.records()).conversations
            title = one_line((await conversations.get(place.session_id)).title)
        except TensorWallError:
            title = ""  # the view itself tells what it cannot read
        await self._look_closer(TurnsView(self.context, place.session_id, title, place.message_id))
        if place.message_id is not None:
            await self._look_closer(TurnView(self.context, place.session_id, place.message_id, title))

    # What is looked at

    @property
    def view(self) -> View:
        """The view on screen."""
        return self._closer[-1] if self._closer else self._views[self.views_line.active]

    @property
    def scope(self) -> Scope:
        """Period and filter."""
        stretch = period(self._period, self.context.now())
        return Scope(stretch.since, stretch.until, filter=self._filter)

    async def action_view(self, name: str) -> None:
        """Show one of the views, leaving what was looked at more closely."""
        while self._closer:
            await self._closer.pop().remove()
        for view in self._views.values():
            view.display = False
        self.views_line.active = name
        if name not in self._views:
            self._views[name] = self._make(name)
            await self.body.mount(self._views[name])
        self._show(self._views[name])

    def _make(self, name: str) -> View:
        match name:
            case "groups":
                return GroupsView(self.context, self.scope)
            case "charts":
                from app.tui.review.charts import ChartsView  # plotext takes 0.1 s to import

                return ChartsView(self.context, self.scope)
            case "questions":
                return QuestionsView(self.context, self.scope)
            case "budgets":
                return BudgetsView(self.context)
            case _:
                return SessionsView(self.context, self.scope)

    async def action_question(self, question: Question) -> None:
        """Answer a question; what another model would have cost, of the session that is looked at."""
        about = self.view.session if question == "model" else None
        await self.action_view("questions")
        view = self.view
        assert isinstance(view, QuestionsView)
        view.ask(question, about)

    async def _look_closer(self, view: View) -> None:
        self.view.display = False
        self._closer.append(view)
        await self.body.mount(view)
        self._show(view)

    def _show(self, view: View) -> None:
        view.display = True
        self._tell_where()
        if view.takes_scope:
            view.scope = self.scope
        view.reload()  # again, too: calls may have ended and sessions been deleted since
        view.focus_content()
        self.refresh_bindings()

    def _tell_where(self) -> None:
        self.set_class(bool(self._closer), "-detail")
        self.set_class(not self.view.takes_scope, "-fixed")
        self.query_one("#caption", Static).update(Content(one_line(self.view.caption)))

    @on(View.Opened)
    async def _opened(self, event: View.Opened) -> None:
        await self._look_closer(event.view)

    @on(View.Renamed)
    def _renamed(self) -> None:
        self._tell_where()

    @on(Choices.Chosen, "#views")
    async def _view_chosen(self, event: Choices.Chosen) -> None:
        await self.action_view(event.value)

    async def action_back(self) -> None:
        """Undo the nearest thing: an export under way, the filter's line, the closer look, the review."""
        if self.has_class("-exporting"):
            self._stop_export()
        elif self.has_class("-filtering"):
            self.filter_input.value = ""
            self._close_filter()
        elif self._closer:
            await self._closer.pop().remove()
            self._show(self.view)
        else:
            self.dismiss(None)

    # Period and filter

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Period and filter only where they matter, the export where there are rows."""
        if not self._views:
            return True
        match action:
            case "period" | "filter":
                return self.view.takes_scope
            case "export":
                return self.view.is_exported
            case _:
                return True

    def action_period(self, name: PeriodName) -> None:
        """Look at another period."""
        self._period = self.periods.active = name
        self.view.look_at(self.scope)

    @on(Choices.Chosen, "#periods")
    def _period_chosen(self, event: Choices.Chosen) -> None:
        self.action_period(next(name for name in get_args(PeriodName) if name == event.value))

    def action_filter(self) -> None:
        """Type what calls must be like."""
        self.set_class(True, "-filtering")
        self.filter_input.focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        try:
            self._filter = parse_filter(event.value)
        except InputError as error:
            self.query_one("#filter-problem", Static).update(one_line(f"{error.message} {error.hint}"))
            self.set_class(True, "-unread")
            return
        self.set_class(False, "-unread")
        told = f"Filter: {one_line(event.value)}" if event.value.strip() else ""
        self.query_one("#filter-shown", Static).update(told)
        self.view.look_at(self.scope)

    @on(Input.Submitted, "#filter")
    def _filter_submitted(self) -> None:
        """What cannot be read is told as long as it stands there."""
        if not self.has_class("-unread"):
            self._close_filter()

    def _close_filter(self) -> None:
        self.set_class(False, "-filtering")
        self.view.focus_content()

    @on(GroupsView.FilterWanted)
    async def _filter_wanted(self, event: GroupsView.FilterWanted) -> None:
        """Narrow the filter to the group; one that cannot be read gives way."""
        await self.action_view("sessions")
        typed = "" if self.has_class("-unread") else self.filter_input.value.strip()
        if event.text not in typed:
            # First, so that a quotation mark left open does not take it in.
            self.filter_input.value = f"{event.text} {typed}".strip()

    # Writing down

    @work(exclusive=True, group="export")
    async def action_export(self) -> None:
        """Ask for a file, and write what is looked at to it."""
        name = await self.app.push_screen_wait(
            AskScreen(
                "Export what is looked at",
                f"costs-{self.context.now().astimezone():%Y-%m-%d}.csv",
                help_text=f"A new file in {self.context.folder}; .csv, .json or .md says what it will be.",
                check=lambda typed: form_of(Path(typed.strip())),
            )
        )
        if name is None:
            return
        path = self.context.folder / name.strip()
        self.set_class(True, "-exporting")
        self._tell_export(f"to {path}")
        try:
            rows = await write_export(self.view, path, self._tell_export)
        except TensorWallError as error:
            self._report(error)
        else:
            self.notify(f"{rows} rows written to {path}.", markup=False)
        finally:
            self.set_class(False, "-exporting")

    def _tell_export(self, how_far: str) -> None:
        told = Content.assemble("Exporting, ", ("Esc stops", MUTED), f": {one_line(how_far)} …")
        self.query_one("#exporting", Static).update(told)

    def _stop_export(self) -> None:
        self.workers.cancel_group(self, "export")
        self.notify("The export was stopped; there is no file.")

    # Keeping up

    def action_refresh_view(self) -> None:
        """Ask the ledger again."""
        self.view.reload()

    def _spent(self) -> None:
        """Something was booked: look again, at most once a second."""
        if self._refresh_timer is None:
            self._refresh_timer = self.set_timer(_REFRESH_SECONDS, self._refresh_spent)

    def _refresh_spent(self) -> None:
        self._refresh_timer = None
        self.view.reload()

    # Elsewhere

    @on(View.ChatWanted)
    def _chat_wanted(self, event: View.ChatWanted) -> None:
        self._show_in_chat(event.place)

    @work(exclusive=True, group="chat")
    async def _show_in_chat(self, place: Place) -> None:
        try:
            await self._refuse_imported(place.session_id)
            await self.context.show_in_chat(place)
        except TensorWallError as error:
            self._report(error)
        else:
            self.dismiss(place)

    async def _refuse_imported(self, session_id: str) -> None:
        """What was imported is what calls cost, not what was said.

        Raises:
            InputError: the session was imported.
        """
        review = await self.context.review()
        found = (await review.sessions(Scope(session_id=session_id), limit=1)).sessions
        if found and (source := found[0].source):
            raise InputError(
                f"This session was imported from {one_line(source)} without its messages.",
                hint="Enter shows what it cost, turn by turn.",
            )

    @work
    async def action_help(self) -> None:
        """Every key."""
        await self.context.show_help()

    def _report(self, error: TensorWallError) -> None:
        message, hint = explain(error)
        self.notify(f"{message} {hint}".strip(), severity="error", timeout=12, markup=False)
