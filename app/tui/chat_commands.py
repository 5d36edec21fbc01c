"""What each command of the chat screen does; ``commands.COMMANDS`` says how it is asked for.

Those of sessions, of voice and of the whole app have rooms of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from app.tui.app_commands import AppCommands
from app.tui.commands import COMMANDS, Command
from app.tui.editor import edit_in_terminal
from app.tui.mentions import mentioned_files, without_files
from app.tui.overviews import Overviews
from app.tui.review.context import Place, utc_now
from app.tui.session_commands import SessionCommands
from app.tui.voice.commands import VoiceCommands
from core.chat import JsonObjectFormat, JsonSchemaFormat, ReasoningEffort
from core.errors import InputError

if TYPE_CHECKING:
    from app.tui.conversation import Conversation
    from app.tui.screens.chat import ChatScreen
    from core.conversations import StoredMessage

__all__ = ("ChatCommands",)


class ChatCommands:
    """One method a command; each takes what followed the slash command, or an empty text.

    They raise ``TensorWallError`` for what cannot be done; the screen tells it.
    """

    def __init__(self, screen: ChatScreen, conversation: Conversation) -> None:
        self._screen = screen
        self._conversation = conversation
        self._overviews = Overviews(screen, conversation)
        self._voice = VoiceCommands(screen)
        self._handlers: dict[str, Callable[[str], Awaitable[None]]] = {
            command.id: getattr(self, "_" + command.id.partition(".")[2])
            for command in COMMANDS
            if command.group == "chat"
        }
        self._handlers |= SessionCommands(screen, conversation, self._overviews).handlers
        self._handlers |= AppCommands(screen, conversation, self._overviews).handlers
        self._handlers |= self._voice.handlers

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
                return sorted(self._screen.app.available_themes)
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

    async def review(self, start: Place | None = None, now: Callable[[], datetime] = utc_now) -> None:
        """Show what everything cost, beginning with a session or one of its answers."""
        await self._overviews.review(start, now)

    async def routes(self, about: str | None = None, now: Callable[[], datetime] = utc_now) -> None:
        """Show how the routes stand, or why an answer, by its message, came from where it did."""
        await self._overviews.routes(about, now)

    def _say(self, text: str) -> None:
        self._screen.notify(text, markup=False)

    async def _stop(self, _: str) -> None:
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

    async def _regenerate(self, model: str) -> None:
        worker = self._screen.run_worker(
            self._screen.attempt(self._conversation.regenerate(model or None)), group="turn"
        )
        await worker.wait()

    async def _edit(self, _: str) -> None:
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

    async def _previous_branch(self, _: str) -> None:
        await self._switch(-1)

    async def _next_branch(self, _: str) -> None:
        await self._switch(1)

    async def _switch(self, step: int) -> None:
        if self._conversation.busy:
            raise InputError("An answer is on its way.", hint="Esc stops it.")
        if not await self._conversation.switch_branch(None, step):
            self._say("There is no other version that way.")

    async def _copy_answer(self, _: str) -> None:
        if not self._screen.transcript.copy_answer():
            self._say("There is no answer to copy yet.")

    async def _copy_code(self, letter: str) -> None:
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
        self._screen.tensorwall.copy(blocks[chosen].text, "the code block")

    async def _find(self, query: str) -> None:
        self._screen.find_bar.open(query)

    async def _attach(self, name: str) -> None:
        if not name:
            raise InputError("Name a file to attach: /attach photo.png")
        mention = f'@"{name}"' if " " in name else f"@{name}"
        if not await asyncio.to_thread(mentioned_files, mention, self._screen.folder):
            raise InputError(f"There is no file {name}.", hint="Type @ to pick one from a list.")
        self._screen.composer.put(f"{mention} {self._screen.composer.prompt}")

    async def _editor(self, _: str) -> None:
        if self._conversation.busy:
            raise InputError("An answer is on its way.", hint="Open the editor when it is done.")
        composer = self._screen.composer
        edited = edit_in_terminal(self._screen.tensorwall, composer.prompt)
        if edited is not None:
            composer.put(edited)
        composer.focus()

    async def _effort(self, effort: str) -> None:
        allowed = get_args(ReasoningEffort)
        if effort and effort != "default" and effort not in allowed:
            raise InputError(f"Effort is one of {', '.join(allowed)} or default, not {effort}.")
        asked = self._conversation.next_turn
        asked.effort = None if effort in ("", "default") else effort  # type: ignore[assignment]
        self._screen.changed()
        self._say(f"Reasoning effort: {asked.effort or 'the default'}.")

    async def _json(self, argument: str) -> None:
        asked = self._conversation.next_turn
        if argument in ("", "on", "off"):
            wanted = argument == "on" or (not argument and asked.response_format is None)
            asked.response_format = JsonObjectFormat() if wanted else None
            self._say("Answers are JSON." if wanted else "Answers are text.")
        else:
            name = argument.removeprefix("schema ").strip()
            asked.response_format = await asyncio.to_thread(
                read_schema_file, self._screen.folder / name, name
            )
            self._say(f"Answers are JSON that fits {name}.")
        self._screen.changed()

    async def _tools(self, argument: str) -> None:
        from app.tui.screens.tools import ToolsScreen

        tools = self._conversation.next_turn.tools
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

    async def _reasoning(self, _: str) -> None:
        transcript = self._screen.transcript
        transcript.show_reasoning = not transcript.show_reasoning

    async def _why(self, _: str) -> None:
        answers = self._conversation.answers()
        if not answers:
            raise InputError("There is no answer yet to ask this of.")
        await self._overviews.routes(answers[-1].message_id)


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
