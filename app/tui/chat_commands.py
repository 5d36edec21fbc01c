"""What each command of the chat screen does; ``commands.COMMANDS`` says how it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from app.tui.commands import COMMANDS, Command
from app.tui.editor import edit_in_terminal
from app.tui.mentions import mentioned_files, without_files
from app.tui.review.context import Place, ReviewContext, utc_now
from app.tui.voice.commands import VoiceCommands
from core.chat import JsonObjectFormat, JsonSchemaFormat, ReasoningEffort
from core.errors import InputError

if TYPE_CHECKING:
    from app.tui.application import TensorWallApp
    from app.tui.conversation import Conversation
    from app.tui.screens.chat import ChatScreen
    from core.conversations import StoredMessage

__all__ = ("ChatCommands",)

Handler = Callable[[str], Awaitable[None]]


class ChatCommands:
    """One method a command; each takes what followed the slash command, or an empty text.

    They raise ``TensorWallError`` for what cannot be done; the screen tells it.
    """

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._voice = VoiceCommands(screen)
        self._handlers: dict[str, Handler] = {
            command.id: getattr(self, "_" + command.id.replace(".", "_"))
            for command in COMMANDS
            if command.id != "app.quit" and command.group != "voice"
        }
        self._handlers.update(self._voice.handlers)

    async def run(self, command: Command, argument: str) -> None:
        """Run one command."""
        await self._handlers[command.id](argument)

    def choices(self, slash: str) -> list[str]:
        """The values a slash command completes to."""
        match slash:
            case "model" | "regenerate" | "retry":
                providers = self._conversation.services.providers
                models = self._conversation.services.catalogue.models(kind="chat")
                return [info.id for info in models if info.provider in providers and info.usable]
            case "theme":
                return sorted(self._app.available_themes)
            case "effort":
                return [*get_args(ReasoningEffort), "default"]
            case "export":
                return ["md", "json"]
            case "tools":
                return ["on", "off"]
            case "json":
                return ["on", "off"]
            case _:
                return self._voice.choices(slash)

    @property
    def _app(self) -> TensorWallApp:
        from app.tui.application import TensorWallApp

        app = self._screen.app
        assert isinstance(app, TensorWallApp)
        return app

    @property
    def _conversation(self) -> Conversation:
        assert self._screen.conversation is not None
        return self._screen.conversation

    def _say(self, text: str) -> None:
        self._screen.notify(text, markup=False)

    # chat.*

    async def _chat_stop(self, _: str) -> None:
        """Escape undoes the nearest thing: search, speech, edit, answer."""
        if self._screen.find_bar.is_open:
            self._screen.find_bar.action_close()
        elif self._screen.voice.keys.escape():
            return
        elif self._conversation.editing is not None:
            self._conversation.editing = None
            self._screen.show_draft()
            self._screen.changed()
        elif not await self._conversation.stop():
            self._screen.transcript.follow()
            self._screen.composer.focus()

    async def _chat_regenerate(self, model: str) -> None:
        worker = self._screen.run_worker(
            self._screen.attempt(self._conversation.regenerate(model or None)), group="turn"
        )
        await worker.wait()

    async def _chat_edit(self, _: str) -> None:
        if self._conversation.editing is None:
            self._screen.save_draft()
        self._show_edited(self._conversation.edit_earlier())

    def edit_message(self, message_id: str) -> None:
        """Edit this question."""
        self._screen.save_draft()
        self._show_edited(self._conversation.edit_earlier(message_id))

    def _show_edited(self, stored: StoredMessage | None) -> None:
        if stored is None:
            self._say("There is no question to edit yet.")
            return
        self._screen.composer.put(without_files(stored.message.text))
        self._screen.composer.focus()

    async def _chat_previous_branch(self, _: str) -> None:
        await self._switch(-1)

    async def _chat_next_branch(self, _: str) -> None:
        await self._switch(1)

    async def _switch(self, step: int) -> None:
        if self._conversation.busy:
            raise InputError("An answer is on its way.", hint="Esc stops it.")
        if not await self._conversation.switch_branch(None, step):
            self._say("There is no other version that way.")

    async def _chat_copy_answer(self, _: str) -> None:
        if not self._screen.transcript.copy_answer():
            self._say("There is no answer to copy yet.")

    async def _chat_copy_code(self, letter: str) -> None:
        blocks = self._screen.transcript.code_blocks()
        if not blocks:
            self._say("There is no code block to copy.")
            return
        chosen: int | None = 0
        if letter:
            chosen = int(letter) - 1 if letter.isdecimal() else ord(letter[0].lower()) - ord("a")
        elif len(blocks) > 1:
            from app.tui.screens.code_blocks import CodeBlocksScreen

            chosen = await self._screen.app.push_screen_wait(CodeBlocksScreen(blocks))
        if chosen is None:
            return
        if not 0 <= chosen < len(blocks):
            raise InputError(f"There are {len(blocks)} code blocks, from a on.")
        self._app.copy(blocks[chosen].text, "the code block")

    async def _chat_find(self, query: str) -> None:
        self._screen.find_bar.open(query)

    async def _chat_attach(self, name: str) -> None:
        if not name:
            raise InputError("Name a file to attach: /attach photo.png")
        mention = f'@"{name}"' if " " in name else f"@{name}"
        if not await asyncio.to_thread(mentioned_files, mention, self._screen.folder):
            raise InputError(f"There is no file {name}.", hint="Type @ to pick one from a list.")
        self._screen.composer.put(f"{mention} {self._screen.composer.prompt}")

    async def _chat_editor(self, _: str) -> None:
        if self._conversation.busy:
            raise InputError("An answer is on its way.", hint="Open the editor when it is done.")
        composer = self._screen.composer
        edited = edit_in_terminal(self._app, composer.prompt)
        if edited is not None:
            composer.put(edited)
        composer.focus()

    async def _chat_effort(self, effort: str) -> None:
        allowed = get_args(ReasoningEffort)
        if effort and effort != "default" and effort not in allowed:
            raise InputError(f"Effort is one of {', '.join(allowed)} or default, not {effort}.")
        self._conversation.effort = None if effort in ("", "default") else effort  # type: ignore[assignment]
        self._screen.changed()
        self._say(f"Reasoning effort: {self._conversation.effort or 'the default'}.")

    async def _chat_json(self, argument: str) -> None:
        conversation = self._conversation
        if argument in ("", "on", "off"):
            wanted = argument == "on" or (not argument and conversation.response_format is None)
            conversation.response_format = JsonObjectFormat() if wanted else None
            self._say("Answers are JSON." if wanted else "Answers are text.")
        else:
            name = argument.removeprefix("schema ").strip()
            wanted_format = await asyncio.to_thread(read_schema_file, self._screen.folder / name, name)
            conversation.response_format = wanted_format
            self._say(f"Answers are JSON that fits {name}.")
        self._screen.changed()

    async def _chat_tools(self, argument: str) -> None:
        from app.tui.screens.tools import ToolsScreen

        tools = self._conversation.tools
        if argument in ("on", "off"):
            tools.on = None if argument == "on" else False
            self._say(f"Tools are {argument}.")
        elif argument:
            found = next((each for each in await tools.all_tools() if each.name == argument), None)
            if found is None:
                raise InputError(f"There is no tool {argument}.", hint="/tools lists them.")
            tools.switch(found.name, not tools.is_on(found))
            self._say(f"{found.name} is {'on' if tools.is_on(found) else 'off'}.")
        else:
            await self._screen.app.push_screen_wait(ToolsScreen(tools))

    async def _chat_reasoning(self, _: str) -> None:
        transcript = self._screen.transcript
        transcript.show_reasoning = not transcript.show_reasoning

    # session.*

    async def _session_new(self, _: str) -> None:
        if self._conversation.busy:
            raise InputError("An answer is on its way.", hint="Esc stops it.")
        self._screen.save_draft()
        self._conversation.start_new()
        self._screen.show_draft()

    async def _session_list(self, _: str) -> None:
        from app.tui.screens.sessions import SessionsScreen

        if self._conversation.busy:
            raise InputError("An answer is on its way.", hint="Esc stops it.")
        storage = await self._conversation.services.records()
        screen = SessionsScreen(storage.conversations, self._conversation.session_id)
        chosen = await self._screen.app.push_screen_wait(screen)
        if chosen:
            await self.open_session(chosen)
        elif chosen == "":
            await self._session_new("")

    async def open_session(self, session_id: str) -> None:
        """Show a stored session with its draft."""
        self._screen.save_draft()
        await self._conversation.open(session_id)
        self._screen.show_draft()

    async def _session_system(self, prompt: str) -> None:
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

    async def _session_rename(self, title: str) -> None:
        if not title:
            from app.tui.screens.dialogs import AskScreen

            asked = await self._screen.app.push_screen_wait(
                AskScreen("Rename this session", self._conversation.title)
            )
            if not asked:
                return
            title = asked
        await self._conversation.rename(title)

    async def _session_export(self, argument: str) -> None:
        from app.tui.export import export_session

        if self._conversation.session is None:
            raise InputError("There is nothing to export yet.")
        conversations = (await self._conversation.services.records()).conversations
        path = await export_session(conversations, self._conversation.session, argument, self._screen.folder)
        self._say(f"Exported to {path}.")

    async def _session_cost(self, _: str) -> None:
        if self._conversation.session is None:
            raise InputError("This session has cost nothing yet.", hint="/costs shows all of them.")
        await self.review(Place(self._conversation.session.id))

    async def _app_costs(self, _: str) -> None:
        await self.review()

    async def review(self, start: Place | None = None, now: Callable[[], datetime] = utc_now) -> None:
        """Show what everything cost, beginning with a session or one of its answers."""
        from app.tui.review.screen import ReviewScreen

        context = ReviewContext(
            services=self._conversation.services,
            folder=self._screen.folder,
            show_in_chat=self.open_place,
            show_help=self._app.show_help,
            session_id=self._conversation.session_id,
            settled=self._screen.settled,
            now=now,
        )
        chosen = await self._app.push_screen_wait(ReviewScreen(context, start))
        if chosen is not None and chosen.message_id is not None:
            transcript = self._screen.transcript  # which has a size once it is on screen again
            transcript.call_after_refresh(transcript.show_entry, chosen.message_id)

    async def _app_routes(self, _: str) -> None:
        await self.routes()

    async def _chat_why(self, _: str) -> None:
        answers = self._conversation.answers()
        if not answers:
            raise InputError("There is no answer yet to ask this of.")
        await self.routes(answers[-1].message_id)

    async def routes(self, about: str | None = None, now: Callable[[], datetime] = utc_now) -> None:
        """Show how the routes stand, or why an answer, by its message, came from where it did."""
        from app.tui.routes.context import RoutesContext
        from app.tui.routes.screen import RoutesScreen

        conversation = self._conversation
        context = RoutesContext(
            services=conversation.services,
            upcoming=lambda: conversation.upcoming(self._screen.composer.prompt),
            answers=conversation.answers,
            decisions=conversation.decisions,
            show_help=self._app.show_help,
            settled=self._screen.settled,
            now=now,
        )
        await self._app.push_screen_wait(RoutesScreen(context, about))

    async def open_place(self, place: Place) -> None:
        """Have a session in the chat, with the branch that an answer of it is on.

        Raises:
            InputError: it was deleted, or another session is being answered.
            StorageError: it cannot be read.
        """
        shown = {stored.id for stored in self._conversation.branch}
        if self._conversation.session_id != place.session_id or place.message_id not in {None, *shown}:
            conversations = (await self._conversation.services.records()).conversations
            await conversations.get(place.session_id)
            if self._conversation.busy:
                raise InputError("An answer is on its way.", hint="Open another one when it is done.")
            if place.message_id is not None:
                await conversations.switch_to(place.session_id, place.message_id)
            await self.open_session(place.session_id)

    # app.*

    async def _app_model(self, model: str) -> None:
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

    async def _app_theme(self, name: str) -> None:
        if not name:
            from app.tui.screens.themes import ThemeScreen

            chosen = await self._screen.app.push_screen_wait(ThemeScreen(self._app.theme))
            if chosen is None:
                return
            name = chosen
        await self._app.use_theme(name)

    async def _app_settings(self, _: str) -> None:
        from app.tui.screens.settings import SettingsScreen

        services = self._conversation.services
        screen = SettingsScreen(
            services.settings, self._app.launcher.locations.settings_file, self._app.settings_changed
        )
        await self._screen.app.push_screen_wait(screen)

    async def _app_provider(self, _: str) -> None:
        await self._app.choose_source()

    async def _app_help(self, _: str) -> None:
        await self._app.show_help()


def read_schema_file(path: Path, name: str) -> JsonSchemaFormat:
    """The response format that asks for JSON that fits the schema in a file.

    Raises:
        InputError: it cannot be read or is no schema; names the place.
    """
    from app.attachments import decode_text, read_file
    from core.structured import read_schema

    if name == "schema":
        raise InputError("Name the file of the schema.", hint="/json schema FILE")
    return read_schema(decode_text(name, read_file(path)), name)
