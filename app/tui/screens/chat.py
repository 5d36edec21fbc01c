"""The main screen: transcript, composer, status; it wires them to the conversation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.getters import query_one
from textual.signal import Signal
from textual.widgets import Static, TextArea

from app.tui.commands import Command, bindings, find_command
from app.tui.completions import Completer
from app.tui.drafts import Drafts
from app.tui.estimate_line import EstimateLine
from app.tui.mentions import FileIndex
from app.tui.screens.reading import ReadingScreen
from app.tui.status_line import Status
from app.tui.voice.control import VoiceControl
from app.tui.widgets.completion_popup import CompletionPopup
from app.tui.widgets.composer import Composer
from app.tui.widgets.find_bar import FindBar
from app.tui.widgets.status_strip import StatusStrip
from app.tui.widgets.title_bar import TitleBar
from app.tui.widgets.transcript import Transcript
from app.tui.widgets.voice_bar import VoiceBar
from core.errors import InputError

if TYPE_CHECKING:
    from textual.timer import Timer

    from app.composition import Services
    from app.tui.conversation import Conversation
    from app.tui.stage import Leave
    from core.assistant import Turn
    from core.chat import Event, ToolCall

__all__ = ("ChatScreen",)

_STATUS_SECONDS = 0.1
_DRAFT_SECONDS = 0.5
_WARM_SECONDS = 30.0
_QUIT_SECONDS = 2.0

_EMPTY = """\
Ask anything. The answer streams in as fast as it arrives.

Enter   send            /   commands
Ctrl+J  new line        @   attach a file or image
Ctrl+O  sessions        F2  choose the model
F9      talk            F6  talk hands-free"""


class ChatScreen(ReadingScreen):
    """Works from the first paint; what is sent before the services are there waits for them.

    Its style sheet, ``chat.tcss``, is loaded by the app: Textual loads none for a first screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings()

    title_bar = query_one(TitleBar)
    popup = query_one(CompletionPopup)
    strip = query_one(StatusStrip)
    voice_bar = query_one(VoiceBar)

    def __init__(self, *, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.drafts = Drafts()
        self.voice = VoiceControl(self)
        self.estimate = EstimateLine(self)
        self.settled: Signal[None] = Signal(self, "settled")
        """Published when nothing is being answered and what it cost may have changed."""
        self._waiting: list[str] = []
        self._draft_timer: Timer | None = None
        self._draft = ""
        self._has_news = False
        self._warmed_at = float("-inf")
        self._interrupted_at = float("-inf")

    def compose(self) -> ComposeResult:
        """From top to bottom, as far as it is seen at first."""
        yield TitleBar()
        yield Static(_EMPTY, id="empty", markup=False)
        yield Transcript(id="transcript")
        yield Composer(id="composer")
        yield VoiceBar()
        yield StatusStrip()

    def on_mount(self) -> None:
        """Ready to type at once."""
        self.composer.completer = Completer(FileIndex(self.folder), self._argument_choices)
        self.composer.recall = self._take_back
        self.composer.take_key = self.voice.keys.take
        self.composer.focus()
        self.strip.status = Status(state="Starting", tone="dim")
        self.set_interval(_STATUS_SECONDS, self._tick)
        self.changed()
        self.call_after_refresh(self._mount_hidden)

    async def _mount_hidden(self) -> None:
        """After the first paint: the search, and the suggestions that float above the composer."""
        await self.mount(FindBar(), CompletionPopup(id="completions"), before=self.composer)
        self.composer.popup = self.popup

    # Beginning

    async def connect(self, services: Services) -> None:
        """Talk to these services; the conversation on screen goes on with them."""
        from app.tui.chat_commands import ChatCommands
        from app.tui.conversation import Conversation

        if self.conversation is None:
            self.conversation = Conversation(services, self.transcript, self)
            self.commands = ChatCommands(self, self.conversation)
        else:
            self.conversation.services = services
        self.apply_settings()
        self.changed()
        self.warm()
        waiting, self._waiting = self._waiting, []
        for typed in waiting:
            self.submit(typed)
        self._read_totals()

    def apply_settings(self) -> None:
        """Take over what the settings say about this screen."""
        if self.conversation is None:
            return
        interface = self.conversation.services.settings.interface
        self.transcript.frames_per_second = float(interface.fps)
        self.voice.apply_settings(self.composer.talk_keys)
        self.transcript.show_reasoning = self.conversation.services.settings.chat.show_reasoning

    @work(exclusive=True, group="totals")
    async def _read_totals(self) -> None:
        if self.conversation is not None:
            await self.attempt(self.conversation.read_totals())

    def remember(self, drafts: Drafts) -> None:
        """Show the draft of the session on screen, unless something has been typed already."""
        self.drafts = drafts
        if not self.composer.text:
            self.composer.put(drafts.get(self._session_id))

    # The stage of the conversation

    def changed(self) -> None:
        """Bring title, strip and composer up to date."""
        if not self.is_attached:  # the app ends, and the answer that streamed with it
            return
        conversation = self.conversation
        self.title_bar.text = conversation.title if conversation else ""
        self.title_bar.hint = "F1 help  Ctrl+P commands"
        is_empty = not self._has_news and (conversation is None or conversation.is_empty)
        self.set_class(is_empty, "-empty")
        name = f"TensorWall - {conversation.title}" if conversation else "TensorWall"
        self.app.title = f"{self.voice.sign} {name}".strip()
        if conversation is None:
            return
        self.composer.border_title = self._composer_note(conversation)
        self.estimate.outdated()
        self._tick(force=True)
        if not conversation.busy:
            self.settled.publish(None)

    def give_back(self, typed: str) -> None:
        """Put an unanswered prompt back, above what has been typed since."""
        since = self.composer.prompt
        self.composer.put(f"{typed}\n\n{since}" if since.strip() else typed)

    def tell(self, message: str, hint: str) -> None:
        """Show an error among the messages, to be read in peace."""
        self._has_news = True
        self.transcript.add_error(message, hint)
        self.changed()

    async def may_call(self, call: ToolCall) -> Leave:
        """Ask whether a call with an effect may run; the question goes when the answer is stopped."""
        from app.tui.screens.tool_leave import ToolLeaveScreen

        said: asyncio.Future[Leave | None] = asyncio.get_running_loop().create_future()
        screen = ToolLeaveScreen(call.function.name, call.function.arguments)

        def answered(leave: Leave | None) -> None:
            if not said.done():
                said.set_result(leave)

        await self.app.push_screen(screen, answered)
        try:
            return await said or "no"
        finally:
            if screen.is_current:
                screen.dismiss("no")

    def left(self) -> None:
        """Another session or branch is shown: what is read aloud of the one before is not on screen."""
        self.voice.silence()

    def read_aloud(self, turn: Turn) -> AsyncIterable[Event]:
        """The events of a typed question's answer, which voice may want, too."""
        return self.voice.read_aloud(turn)

    def _composer_note(self, conversation: Conversation) -> str:
        notes = []
        if conversation.editing is not None:
            notes.append("Editing an earlier question, Esc cancels")
        if conversation.queue:
            notes.append(f"{len(conversation.queue)} queued, ↑ takes back")
        if conversation.next_turn.effort is not None:
            notes.append(f"effort {conversation.next_turn.effort}")
        return "  ".join(notes)

    def _tick(self, *, force: bool = False) -> None:
        """Ten times a second while something moves; an unchanged status paints nothing."""
        self.estimate.tick()
        if self.conversation is not None and (force or self.conversation.busy):
            self.strip.status = self.conversation.status()

    # Sending

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        self.submit(event.text)

    def submit(self, typed: str) -> None:
        """Run a slash command or send a prompt; what cannot be sent goes back into the composer."""
        found = self._slash(typed) if typed.startswith("/") else None
        if self.conversation is None and not (found and found[0].id == "app.quit"):
            self._waiting.append(typed)
            self.strip.status = Status(state="Starting, will be sent in a moment", tone="busy")
        elif found:
            self.run_command(*found)
        elif typed.startswith("/") and "/" not in (name := typed.split()[0])[1:]:
            self.give_back(typed)
            self.notify(
                f"There is no command {name}. To send it as text, begin with a space.",
                severity="warning",
                markup=False,
            )
        else:
            self._send(typed)

    def _slash(self, typed: str) -> tuple[Command, str] | None:
        name, _, argument = typed[1:].partition(" ")
        command = find_command(name.strip())
        return (command, argument.strip()) if command else None

    @work(group="turn")
    async def _send(self, typed: str) -> None:
        from app.tui.mentions import attach, mentioned_files
        from app.tui.stage import Prompt

        assert self.conversation is not None
        files: list[tuple[str, Path]] = []
        try:
            content = await asyncio.to_thread(attach, typed, self.folder) if "@" in typed else typed
            if "@" in typed:
                files = await asyncio.to_thread(mentioned_files, typed, self.folder)
        except InputError as error:
            self.give_back(typed)
            self.report(error)
            return
        self.drafts.put(self._session_id, "")
        self.set_class(False, "-empty")
        for name, path in files:
            self.conversation.next_turn.tools.attached.add(name, path)
        await self.conversation.ask(Prompt(typed, content))

    def _take_back(self) -> str | None:
        prompt = self.conversation.take_back() if self.conversation and self.conversation.queue else None
        return prompt.typed if prompt else None

    # Typing

    @on(TextArea.Changed, "#composer")
    def _typed(self) -> None:
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._draft_timer = self.set_timer(_DRAFT_SECONDS, self.save_draft)
        self._draft = self.composer.prompt
        self.estimate.outdated()
        self.voice.typed()
        self.warm()

    def save_draft(self) -> None:
        """Keep what is typed; not while an old question is edited."""
        if self.conversation is None or self.conversation.editing is None:
            self.drafts.put(self._session_id, self.composer.prompt)

    def on_key(self, event: events.Key) -> None:
        """The talk key works wherever the focus is; in the composer it was looked at before."""
        if not self.composer.has_focus and self.voice.keys.press(event):
            event.stop()

    def on_unmount(self) -> None:
        """Keep what was typed in the last half second; the composer is gone by now."""
        if self.conversation is None or self.conversation.editing is None:
            self.drafts.put(self._session_id, self._draft)

    async def open_session(self, session_id: str) -> None:
        """Show a stored session with its draft.

        Raises:
            InputError: there is no such session.
            StorageError: it cannot be read.
        """
        assert self.conversation is not None
        self.save_draft()
        await self.conversation.open(session_id)
        self.show_draft()

    def show_draft(self) -> None:
        """Show the draft of the session now on screen."""
        self.composer.put(self.drafts.get(self._session_id))

    @property
    def _session_id(self) -> str | None:
        return self.conversation.session_id if self.conversation else None

    def warm(self) -> None:
        """Have a connection open by the time the prompt is sent."""
        now = time.time()  # goes on while the machine sleeps, which connections do not survive
        if self.conversation is not None and abs(now - self._warmed_at) > _WARM_SECONDS:
            self._warmed_at = now
            self.run_worker(self.conversation.services.router.warm(), group="warm", exclusive=True)

    @on(Composer.Refused)
    def _refused(self, event: Composer.Refused) -> None:
        self.report(event.error)

    @on(CompletionPopup.Chosen)
    def _completion_chosen(self, event: CompletionPopup.Chosen) -> None:
        self.composer.accept_completion(event.completion)

    def _argument_choices(self, name: str) -> list[str]:
        return self.commands.choices(name) if self.commands else []

    @on(Composer.PageRequested)
    def _page(self, event: Composer.PageRequested) -> None:
        if event.step < 0:
            self.transcript.scroll_page_up(animate=False)
        else:
            self.transcript.scroll_page_down(animate=False)

    @on(Composer.Interrupted)
    def _ctrl_c(self) -> None:
        """Stop; else clear, keeping the text in the history; else quit when pressed twice."""
        now = asyncio.get_running_loop().time()
        if self.voice.keys.escape():
            return
        if self.conversation is not None and self.conversation.busy:
            self.run_worker(self.conversation.stop(), group="stop")
        elif self.composer.text:
            self.composer.take()
        elif now - self._interrupted_at < _QUIT_SECONDS:
            self.app.exit()
        else:
            self._interrupted_at = now
            self.notify("Press Ctrl+C again to quit.", timeout=_QUIT_SECONDS, markup=False)

    # Commands

    def action_command(self, command_id: str) -> None:
        """Run a command by its id; bound to its keys."""
        command = find_command(command_id)
        assert command is not None, command_id
        self.run_command(command)

    def run_command(self, command: Command, argument: str = "") -> None:
        """Run a command; what it cannot do is told in a toast."""
        if command.id == "app.quit":
            self.app.exit()
        elif self.commands is None:
            self.notify("Still starting, try again in a moment.", markup=False)
        else:
            self.run_worker(self.attempt(self.commands.run(command, argument)), group=command.id)
