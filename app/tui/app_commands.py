"""What each command about the whole app does; ``commands.COMMANDS`` says how it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app.tui.commands import COMMANDS

if TYPE_CHECKING:
    from app.tui.conversation import Conversation
    from app.tui.overviews import Overviews
    from app.tui.screens.chat import ChatScreen

__all__ = ("AppCommands",)


class AppCommands:
    """One method a command, as in ``ChatCommands``; to quit, the screen needs none."""

    def __init__(self, screen: ChatScreen, conversation: Conversation, overviews: Overviews) -> None:
        self._screen = screen
        self._conversation = conversation
        self._overviews = overviews
        self.handlers: dict[str, Callable[[str], Awaitable[None]]] = {
            command.id: getattr(self, "_" + command.id.partition(".")[2])
            for command in COMMANDS
            if command.group == "app" and command.id != "app.quit"
        }

    def _say(self, text: str) -> None:
        self._screen.notify(text, markup=False)

    async def _model(self, model: str) -> None:
        if not model:
            from app.tui.screens.models import ModelScreen

            services = self._conversation.services
            names = list(services.providers)
            screen = ModelScreen(services.catalogue, names, self._conversation.model, services.refresh_models)
            chosen = await self._screen.app.push_screen_wait(screen)
            if chosen is None:
                return
            model = chosen
        await self._conversation.use_model(model)
        self._say(f"The next answer comes from {model}.")

    async def _costs(self, _: str) -> None:
        await self._overviews.review()

    async def _routes(self, _: str) -> None:
        await self._overviews.routes()

    async def _theme(self, name: str) -> None:
        if not name:
            from app.tui.screens.themes import ThemeScreen

            chosen = await self._screen.app.push_screen_wait(ThemeScreen(self._screen.tensorwall.theme))
            if chosen is None:
                return
            name = chosen
        await self._screen.tensorwall.use_theme(name)

    async def _settings(self, _: str) -> None:
        from app.tui.screens.settings import SettingsScreen

        app, services = self._screen.tensorwall, self._conversation.services
        screen = SettingsScreen(services.settings, app.launcher.locations.settings_file, app.settings_changed)
        await self._screen.app.push_screen_wait(screen)

    async def _provider(self, _: str) -> None:
        await self._screen.tensorwall.choose_source()

    async def _help(self, _: str) -> None:
        await self._screen.tensorwall.show_help()
