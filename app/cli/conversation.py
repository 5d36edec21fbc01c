"""A conversation line by line: for screen readers, dumb terminals and slow connections.

No cursor movement, no redrawing: what is typed and what is answered scroll by as plain lines.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.cli.failures import report
from app.cli.line_input import LineInput
from app.cli.one_shot import Asked, find_session, print_answer, start_turn, stats_line, tools_of
from app.cli.output import note
from core.errors import TensorWallError

if TYPE_CHECKING:
    from app.composition import Services
    from core.chat.messages import Message
    from core.conversations import Session

__all__ = ("converse",)

_HELP = """\
/help          this list
/new           start a new session
/model [NAME]  say which model answers, or ask another one
/quit          end; so does Ctrl-D
A backslash at the end of a line continues on the next. Ctrl-C stops an answer and keeps what has arrived."""


def converse(asked: Asked) -> int:
    """Converse until the user ends it; the exit status."""
    from core.locations import find_locations

    lines = LineInput(find_locations().data_dir / "line_history")
    # Between the runs nothing runs: while the user types, Ctrl-C and the terminal belong to the prompt.
    with asyncio.Runner() as runner, contextlib.closing(lines):
        conversation = runner.run(_Conversation.open(asked))
        try:
            conversation.greet()
            while (text := lines.read()) is not None:
                try:
                    if not text.startswith("/"):
                        runner.run(conversation.ask(text))
                    elif runner.run(conversation.command(text)):
                        break
                except KeyboardInterrupt:
                    continue  # the answer was stopped and said so
                except TensorWallError as error:
                    report(error)
        finally:
            runner.run(conversation.aclose())
    return 0


class _Conversation:
    """The state between two prompts."""

    def __init__(
        self, services: Services, exits: AsyncExitStack, asked: Asked, session: Session | None
    ) -> None:
        self._services = services
        self._exits = exits
        self._asked = asked
        self._tools = tools_of(services, asked)
        self._session = session
        """The one that is continued; ``None`` where a new one begins."""
        self._began = datetime.now(UTC)

    @classmethod
    async def open(cls, asked: Asked) -> _Conversation:
        from app.cli.services import open_services

        async with AsyncExitStack() as exits:
            services = await exits.enter_async_context(
                open_services(demo=asked.demo, offline=asked.offline, goes_offline=True)
            )
            session = None
            if asked.latest or asked.session_id:
                session = await find_session(services, asked.session_id)
                asked = replace(asked, latest=False, session_id=session.id)
            return cls(services, exits.pop_all(), asked, session)
        raise AssertionError("an exit stack swallows nothing")

    async def aclose(self) -> None:
        try:
            await self._sum_up()
        finally:
            await self._exits.aclose()

    def greet(self) -> None:
        if self._services.simulated:
            note("simulated: these answers come from the demo, not from a model")
        note(f"{self._model}. /help lists the commands, Ctrl-D ends.")

    async def ask(self, text: str) -> None:
        from core.chat.messages import Message

        message: Message = Message(role="user", content=text)
        turn = await start_turn(self._services, message, self._asked, self._tools)
        self._asked = replace(self._asked, session_id=turn.session_id)
        warming = asyncio.create_task(self._services.router.warm())  # while the turn is prepared
        try:
            answer = await print_answer(self._services, turn)
        finally:
            warming.cancel()
            await asyncio.wait((warming,))
        if answer.error:
            report(answer.error)
            note("Your question is kept: the up arrow brings it back.")
        elif self._asked.stats:
            note(stats_line(turn, answer))

    async def command(self, line: str) -> bool:
        """Do what a slash command says; whether the conversation is over."""
        name, _, argument = line.strip().partition(" ")
        match name:
            case "/quit" | "/exit":
                return True
            case "/help":
                for row in _HELP.splitlines():
                    note(row)
            case "/new":
                await self._sum_up()
                self._asked = replace(self._asked, session_id=None)
                self._session = None
                note("A new session.")
            case "/model":
                if argument.strip():
                    self._asked = replace(self._asked, model=argument.strip())
                note(f"{self._model} answers.")
            case _:
                note(
                    f"There is no command {name}; /help lists them. To send it as it is, begin with a space."
                )
        return False

    async def _sum_up(self) -> None:
        """What the session took that ends here, where anything was asked in it."""
        if self._asked.session_id is None:
            return
        from app.session_summary import session_summary

        services = self._services
        try:
            records = await services.records()
            budgets = services.settings.budgets
            lines = await session_summary(records, budgets, self._asked.session_id, self._began)
        except TensorWallError as error:
            report(error)
            return
        for line in lines:
            note(line)

    @property
    def _model(self) -> str:
        """Who will be asked, as the assistant chooses it."""
        services = self._services
        session_model = self._session.model if self._session else None
        return (
            self._asked.model
            or session_model
            or services.settings.chat.model
            or services.catalogue.default_model
        )
