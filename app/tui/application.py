"""The app: themes, keys, clipboard and window title; screens do the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.screen import Screen
from textual.worker import WorkerCancelled, WorkerFailed

from app.cells import one_line
from app.clipboard import Clipboard
from app.session_summary import session_summary
from app.terminal import Terminal
from app.tui.commands import COMMANDS
from app.tui.failures import explain
from app.tui.key_names import key_names
from app.tui.keyboard import KeyboardReported, KeyReleased
from app.tui.launch import Launcher, first_look
from app.tui.review.keys import bindings_of_the_review
from app.tui.routes.keys import bindings_of_the_routes
from app.tui.screens.chat import ChatScreen
from app.tui.screens.reading import ReadingScreen
from app.tui.themes import DEFAULT_THEME, THEMES
from app.tui.widgets.composer import Composer
from app.tui.widgets.find_bar import FindBar
from app.tui.widgets.transcript import Transcript
from core.errors import TensorWallError

if TYPE_CHECKING:
    from app.composition import Services, Source
    from core.settings import Settings

__all__ = ("TensorWallApp",)

_TITLE_LENGTH = 80
_MODELS_AGE = timedelta(days=1)


class TensorWallApp(App[None]):
    """The terminal interface.

    Args:
        launcher: the slow beginnings, which run after the first paint.
        terminal: facts about what is around the app.
        folder: where ``@`` files are looked for and exports are written.
        demo: start with the simulator, whatever keys there are.
        session: id or beginning of the session to open; ``latest`` for the last one.
        driver_class: speaks with the terminal; by default Textual's own.
    """

    TITLE = "TensorWall"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["application.tcss", "screens/chat.tcss"]
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", "Command palette", id="app.palette", show=False, priority=True),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", show=False, priority=True),
    ]

    def __init__(
        self,
        launcher: Launcher,
        *,
        terminal: Terminal | None = None,
        folder: Path | None = None,
        demo: bool = False,
        session: str | None = None,
        driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class)
        self.launcher = launcher
        self.terminal = terminal or Terminal()
        self.services: Services | None = None
        self.chat = ChatScreen(folder=folder or Path.cwd())
        self.farewell: list[str] = []
        """What the session took, to be told once the screen is gone."""
        self._began = datetime.now(UTC)
        self._demo = demo
        self._session = session
        self._settings: Settings | None = None
        self._keymap_known: dict[str, str] = {}
        self._clipboard_route = Clipboard(self.terminal, self._write)
        for theme in THEMES:
            self.register_theme(theme)
        wanted, self.wants_mouse = first_look(launcher.locations)
        self.theme = wanted if wanted and wanted in self.available_themes else DEFAULT_THEME

    def get_default_screen(self) -> Screen[None]:
        """The chat is there from the first paint."""
        return self.chat

    def on_mount(self) -> None:
        """Paint first, then begin."""
        self._write("\x1b[22;0t")
        self.call_after_refresh(self._start)

    # Beginning

    @work(group="start")
    async def _start(self) -> None:
        settings = await self._load_settings()
        source: Source | None
        if self._demo:
            from app.composition import Source

            source = Source("demo")
        else:
            source = await self._find_source(settings)
        await self._load_remembered()
        if source is None or not await self._open(source):
            await self.choose_source()
        if self._session and self.chat.conversation is not None:
            await self._resume(self._session)

    async def _load_settings(self) -> Settings:
        try:
            settings = await asyncio.to_thread(self.launcher.load_settings)
        except TensorWallError as error:
            from core.settings import Settings as Defaults

            message, hint = explain(error)
            place = str(error).partition(message)[0]
            self.chat.tell(f"{place}{message}", hint or "The defaults are used until it is mended.")
            settings = Defaults()
        self._apply(settings)
        return settings

    async def _find_source(self, settings: Settings) -> Source | None:
        try:
            return await asyncio.to_thread(self.launcher.find_source, settings)
        except TensorWallError as error:
            self.chat.report(error)
            return None

    async def _load_remembered(self) -> None:
        """History and drafts."""
        from app.tui.drafts import Drafts
        from app.tui.prompt_history import PromptHistory

        data = self.launcher.locations.data_dir
        history, drafts = PromptHistory(data / "history.jsonl"), Drafts(data / "drafts.json")
        await asyncio.to_thread(history.load)
        await asyncio.to_thread(drafts.load)
        self.chat.composer.prompt_history = history
        self.chat.remember(drafts)

    async def _open(self, source: Source) -> bool:
        """Use this source of answers; whether that went well."""
        assert self._settings is not None
        try:
            services = await self.launcher.open(source, self._settings)
        except TensorWallError as error:
            self.chat.report(error)
            return False
        before, self.services = self.services, services
        if before is not None:
            if self.chat.conversation is not None:
                self.chat.conversation.start_new()
            await before.aclose()
        await self.chat.connect(services)
        self._refresh_models(services)
        return True

    @work(exclusive=True, group="models")
    async def _refresh_models(self, services: Services) -> None:
        """Once a day, so that new models can be chosen and retired ones are marked."""
        try:
            await services.refresh_models(older_than=_MODELS_AGE)
        except OSError as error:
            self.notify(
                f"The list of models cannot be kept: {error.strerror}.", severity="warning", markup=False
            )

    async def choose_source(self) -> None:
        """Ask where answers come from, until one works or the user keeps what there is."""
        from app.tui.screens.welcome import WelcomeScreen

        while True:
            can_close = self.services is not None
            assert self._settings is not None
            offer = await asyncio.to_thread(self.launcher.look_for_embedded, self._settings)
            source = await self.push_screen_wait(WelcomeScreen(self.launcher, offer, can_close=can_close))
            if source is None or await self._open(source):
                return

    async def _resume(self, session: str) -> None:
        assert self.services is not None
        assert self.chat.conversation is not None
        try:
            conversations = (await self.services.records()).conversations
            if session == "latest":
                latest = await conversations.latest()
                session = latest.id if latest else ""
            if session:
                await self.chat.conversation.open(session)
                self.chat.show_draft()
        except TensorWallError as error:
            self.chat.report(error)

    async def on_unmount(self) -> None:
        """Close what was opened; the answer that streams is kept as stopped."""
        await self.chat.voice.end()
        await self._leave_connections_alone()
        if self.services is not None:
            self.farewell = await self._sum_up(self.services)
            await self.services.aclose()
        self._write("\x1b[23;0t")

    async def _leave_connections_alone(self) -> None:
        """End what would open some after all are closed."""
        for worker in (
            *self.workers.cancel_group(self.chat, "warm"),
            *self.workers.cancel_group(self, "models"),
        ):
            with suppress(WorkerCancelled, WorkerFailed):  # a failure is told by Textual itself
                await worker.wait()

    async def _sum_up(self, services: Services) -> list[str]:
        """What the session took that was asked in last; nothing where nothing was asked."""
        conversation = self.chat.conversation
        if conversation is None or conversation.asked_in is None:
            return []
        try:
            records, budgets = await services.records(), services.settings.budgets
            return await session_summary(records, budgets, conversation.asked_in, self._began)
        except TensorWallError as error:
            return [str(error)]

    # Settings

    def _apply(self, settings: Settings) -> None:
        self._settings = settings
        if settings.interface.theme in self.available_themes:
            self.theme = settings.interface.theme
        self._keymap_known = dict(settings.keymap)
        self.set_keymap(self._keymap_known)
        self.chat.composer.keymap = self._keymap_known
        if unknown := sorted(self._keymap_known.keys() - self._binding_ids()):
            self.notify(
                f"The keymap names no binding: {one_line(', '.join(unknown))}. F1 lists their names.",
                severity="warning",
                markup=False,
            )

    def settings_changed(self, settings: Settings) -> None:
        """Take over what the settings screen saved."""
        from dataclasses import replace

        self._apply(settings)
        if self.services is not None and self.chat.conversation is not None:
            self.services = replace(self.services, settings=settings)
            self.services.assistant.settings = settings.chat
            self.services.assistant.budgets = settings.budgets
            self.services.tools.settings = settings.tools
            self.chat.conversation.services = self.services
        self.chat.apply_settings()
        self.chat.changed()

    async def use_theme(self, name: str) -> None:
        """Put a theme on and remember it."""
        from core.errors import InputError
        from core.settings import save_setting

        if name not in self.available_themes:
            raise InputError(f"There is no theme {name}.", hint="/theme lists them.")
        self.theme = name
        file = self.launcher.locations.settings_file
        self.settings_changed(await asyncio.to_thread(save_setting, file, "interface.theme", name))

    # Help and commands

    async def show_help(self) -> None:
        """Every key and command in force."""
        from app.tui.screens.help import HelpScreen

        await self.push_screen_wait(HelpScreen(self._keymap_known, self._other_bindings()))

    def _other_bindings(self) -> dict[str, list[Binding]]:
        """Bindings beside the command table, by where they work."""
        return {
            "Composer": _own(Composer.BINDINGS),
            "Reading (Alt+↑)": _own(Transcript.BINDINGS),
            "Search": _own(FindBar.BINDINGS),
            "What it cost": bindings_of_the_review(),
            "Routes": bindings_of_the_routes(),
            "Anywhere": [*_own(TensorWallApp.BINDINGS), *_own(ReadingScreen.BINDINGS)],
        }

    def _binding_ids(self) -> set[str]:
        others = (binding.id or "" for group in self._other_bindings().values() for binding in group)
        return {command.id for command in COMMANDS} | set(others)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette lists what the chat screen can do."""
        if screen is not self.chat:
            return
        for command in COMMANDS:
            keys = key_names(self._keymap_known.get(command.id, command.keys))
            slash = f"/{command.slash}" if command.slash else ""
            hint = "   ".join(part for part in (slash, keys) if part)
            yield SystemCommand(command.title, hint, lambda id_=command.id: self.chat.action_command(id_))

    # Keyboard

    async def on_event(self, event: events.Event) -> None:
        """A release goes the way of presses, behind those that still wait to be handled."""
        if isinstance(event, KeyReleased) and not event.is_forwarded:
            (self.focused or self.screen)._forward_event(event)  # noqa: SLF001
        else:
            await super().on_event(event)

    def on_key_released(self, event: KeyReleased) -> None:
        """Whatever had the focus, the key that talks is up."""
        self.chat.voice.keys.talk.release(event.key)

    def on_keyboard_reported(self, event: KeyboardReported) -> None:
        """The terminal tells releases, or does not."""
        self.chat.voice.keys.talk.terminal_tells_releases(event.releases)

    def on_app_blur(self) -> None:
        """A key that is released while another window has the focus is never told."""
        self.chat.voice.keys.talk.let_go()

    # Terminal

    def copy_to_clipboard(self, text: str) -> None:
        """Copying by Textual's own widgets takes our routes, too."""
        self.copy(text, "the selection")

    @work(group="copy", exclusive=True)
    async def copy(self, text: str, what: str) -> None:
        """Copy text and say honestly what became of it."""
        self._clipboard = text
        result = await self._clipboard_route.copy(text, what=what)
        self.notify(
            result.message, severity="information" if result.copied else "error", timeout=4, markup=False
        )

    def watch_title(self, title: str) -> None:
        """Name the terminal's window after the conversation."""
        self._write(f"\x1b]0;{one_line(title)[:_TITLE_LENGTH]}\x07")

    def _write(self, sequence: str) -> None:
        """Send an escape sequence to the terminal; nothing where there is none."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)


def _own(declared: Iterable[BindingType]) -> list[Binding]:
    ids = {command.id for command in COMMANDS}
    return [
        binding
        for binding in declared
        if isinstance(binding, Binding) and binding.id and binding.id not in ids
    ]
