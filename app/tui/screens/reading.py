"""The half of the chat screen that is read: transcript and search."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.screen import Screen

from app.tui.failures import explain
from app.tui.review.context import Place
from app.tui.routes.answers import answer_of
from app.tui.widgets.composer import Composer
from app.tui.widgets.find_bar import FindBar
from app.tui.widgets.transcript import Transcript
from core.errors import TensorWallError

if TYPE_CHECKING:
    from app.tui.application import TensorWallApp
    from app.tui.chat_commands import ChatCommands
    from app.tui.conversation import Conversation

__all__ = ("ReadingScreen",)


class ReadingScreen(Screen[None]):
    """Carries out what the reader asks of transcript and search; ``ChatScreen`` is the whole.

    Attributes:
        conversation: what is on screen; ``None`` until the services are there.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+up", "read(-1)", "Move through the answers' blocks", id="chat.read", show=False),
        Binding(
            "ctrl+home",
            "scroll_transcript('home')",
            "Go to the beginning",
            id="chat.home",
            show=False,
            priority=True,
        ),
        Binding(
            "ctrl+end", "scroll_transcript('end')", "Go to the end", id="chat.end", show=False, priority=True
        ),
    ]

    transcript = query_one(Transcript)
    find_bar = query_one(FindBar)
    composer = query_one(Composer)

    def __init__(self) -> None:
        super().__init__()
        self.conversation: Conversation | None = None
        self.commands: ChatCommands | None = None

    @property
    def tensorwall(self) -> TensorWallApp:
        """The app, with what it can do that not every app of Textual can."""
        from app.tui.application import TensorWallApp

        assert isinstance(self.app, TensorWallApp)
        return self.app

    def action_command(self, command_id: str) -> None:
        """Run a command by its id."""
        raise NotImplementedError

    def report(self, error: TensorWallError) -> None:
        """A toast with what to do."""
        message, hint = explain(error)
        self.notify(f"{message} {hint}".strip(), severity="error", timeout=12, markup=False)

    async def attempt(self, work: Coroutine[object, object, object]) -> bool:
        """Await something, reporting what goes wrong; whether it went well."""
        try:
            await work
        except TensorWallError as error:
            self.report(error)
            return False
        return True

    # The transcript

    @on(Transcript.CopyRequested)
    def _copy(self, event: Transcript.CopyRequested) -> None:
        self.tensorwall.copy(event.text, f"the {event.what}")

    @on(events.TextSelected)
    def _selected(self) -> None:
        conversation = self.conversation
        if conversation is None or not conversation.services.settings.interface.copy_on_select:
            return
        if text := self.get_selected_text():
            self.app.copy_to_clipboard(text)

    @on(Transcript.EditRequested)
    def _edit(self, event: Transcript.EditRequested) -> None:
        if self.commands is not None:
            self.commands.edit_message(str(event.id))

    @on(Transcript.RegenerateRequested)
    def _regenerate(self) -> None:
        self.action_command("chat.regenerate")

    @on(Transcript.CostRequested)
    def _cost(self, event: Transcript.CostRequested) -> None:
        if self.commands is not None and self.conversation is not None and self.conversation.session_id:
            place = Place(self.conversation.session_id, str(event.id))
            self.run_worker(self.attempt(self.commands.review(place)), group="app.costs")

    @on(Transcript.WhyRequested)
    def _why(self, event: Transcript.WhyRequested) -> None:
        if self.commands is not None and self.conversation is not None:
            answer = answer_of(self.conversation.branch, str(event.id))
            self.run_worker(self.attempt(self.commands.routes(answer)), group="app.routes")

    @on(Transcript.BranchRequested)
    def _branch(self, event: Transcript.BranchRequested) -> None:
        if self.conversation is not None:
            self.run_worker(self.attempt(self.conversation.switch_branch(str(event.id), event.step)))

    @on(Transcript.LinkActivated)
    def _link(self, event: Transcript.LinkActivated) -> None:
        self.app.open_url(event.url)

    @on(Transcript.FindUpdated)
    def _found(self, event: Transcript.FindUpdated) -> None:
        self.find_bar.show_count(event.current, event.total)

    @on(Transcript.Left)
    def _left(self) -> None:
        self.composer.focus()

    def action_read(self, step: int) -> None:
        """Leave the composer for the transcript's block cursor."""
        self.transcript.focus()
        self.transcript.action_move_cursor(step)

    def action_scroll_transcript(self, where: str) -> None:
        """To the beginning, or to the end and follow it."""
        if where == "home":
            self.transcript.scroll_home(animate=False)
        else:
            self.transcript.follow()

    # Finding

    @on(FindBar.Sought)
    def _sought(self, event: FindBar.Sought) -> None:
        self.transcript.find(event.query)
        if not event.query:
            self.find_bar.show_count(0, 0)

    @on(FindBar.Stepped)
    def _stepped(self, event: FindBar.Stepped) -> None:
        if event.step < 0:
            self.transcript.find_previous()
        else:
            self.transcript.find_next()

    @on(FindBar.Closed)
    def _find_closed(self) -> None:
        self.transcript.find("")
        self.composer.focus()
