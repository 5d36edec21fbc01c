"""What each command about sessions does; ``commands.COMMANDS`` says how it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app.tui.commands import COMMANDS
from app.tui.review.context import Place
from core.errors import InputError

if TYPE_CHECKING:
    from app.tui.conversation import Conversation
    from app.tui.overviews import Overviews
    from app.tui.screens.chat import ChatScreen

__all__ = ("SessionCommands",)


class SessionCommands:
    """One method a command, as in ``ChatCommands``."""

    def __init__(self, screen: ChatScreen, conversation: Conversation, overviews: Overviews) -> None:
        self._screen = screen
        self._conversation = conversation
        self._overviews = overviews
        self.handlers: dict[str, Callable[[str], Awaitable[None]]] = {
            command.id: getattr(self, "_" + command.id.partition(".")[2])
            for command in COMMANDS
            if command.group == "session"
        }

    def _say(self, text: str) -> None:
        self._screen.notify(text, markup=False)

    async def _new(self, _: str) -> None:
        if self._conversation.busy:
            raise InputError("An answer is on its way.", hint="Esc stops it.")
        self._screen.save_draft()
        self._conversation.start_new()
        self._screen.show_draft()

    async def _list(self, _: str) -> None:
        from app.tui.screens.sessions import SessionsScreen

        if self._conversation.busy:
            raise InputError("An answer is on its way.", hint="Esc stops it.")
        storage = await self._conversation.services.records()
        screen = SessionsScreen(storage.conversations, self._conversation.session_id)
        chosen = await self._screen.app.push_screen_wait(screen)
        if chosen:
            await self._screen.open_session(chosen)
        elif chosen == "":
            await self._new("")

    async def _system(self, prompt: str) -> None:
        if not prompt:
            from app.tui.screens.dialogs import AskScreen

            session = self._conversation.session
            now = self._conversation.system_prompt or (session.system_prompt if session else None) or ""
            typed = await self._screen.app.push_screen_wait(
                AskScreen(
                    "System prompt of this session", now, help_text="Blank uses the one in the settings."
                )
            )
            if typed is None:
                return
            prompt = typed or "default"
        await self._conversation.use_system_prompt(None if prompt == "default" else prompt)
        self._say("The next answer follows the new system prompt.")

    async def _rename(self, title: str) -> None:
        if not title:
            from app.tui.screens.dialogs import AskScreen

            asked = await self._screen.app.push_screen_wait(
                AskScreen("Rename this session", self._conversation.title)
            )
            if not asked:
                return
            title = asked
        await self._conversation.rename(title)

    async def _export(self, argument: str) -> None:
        from app.tui.export import export_session

        if self._conversation.session is None:
            raise InputError("There is nothing to export yet.")
        conversations = (await self._conversation.services.records()).conversations
        path = await export_session(conversations, self._conversation.session, argument, self._screen.folder)
        self._say(f"Exported to {path}.")

    async def _cost(self, _: str) -> None:
        if self._conversation.session is None:
            raise InputError("This session has cost nothing yet.", hint="/costs shows all of them.")
        await self._overviews.review(Place(self._conversation.session.id))
