"""The voice loop without a screen: who answers, what is told, and Enter as the talk key."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext, redirect_stderr
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.cli.enter_key import enter_key
from app.cli.failures import report
from app.cli.output import emit_line, note
from app.cli.terminal import is_terminal
from app.cli.voice_lines import as_json, print_line
from app.stderr_guard import guard_stderr
from app.voice_figures import spoken_turns
from app.voice_reply import VoiceReply
from app.voice_services import compose_voice
from core.assistant import ReplyOptions
from core.chat import Message
from core.errors import TensorWallError
from core.locations import find_locations
from core.tools.session_tools import SessionTools
from core.voice.events import Answered, FinalText

if TYPE_CHECKING:
    from app.composition import Services
    from core.settings import VoiceSettings
    from core.voice.events import VoiceEvent
    from core.voice.loop import VoiceLoop

__all__ = ("Wanted", "converse_aloud")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks of ``voice``.

    Attributes:
        latest: continue the session written to last.
        session_id: continue this session; an unambiguous beginning of its id.
    """

    hands_free: bool = False
    events: bool = False
    model: str | None = None
    latest: bool = False
    session_id: str | None = None
    language: str | None = None
    demo: bool = False


class _Conversation:
    """Asks the assistant in one session, and remembers what was said for the words in it."""

    def __init__(self, services: Services, session_id: str | None, model: str | None) -> None:
        self._services = services
        self.session_id = session_id
        self._model = model
        self._tools = SessionTools(services.tools)
        self._said: list[str] = []

    def reply(self, text: str) -> VoiceReply:
        """A ``core.voice.reply.Replier``."""
        turn = self._services.assistant.reply(
            self.session_id,
            Message(role="user", content=text),
            options=ReplyOptions(  # its tools are its own: typed questions are for the chat's
                model=self._model, toolbox=self._tools, spoken=True
            ),
            tentative=True,
        )
        return VoiceReply(turn, self._services.records, self._kept)

    def words(self) -> str:
        """What was said lately."""
        return "\n".join(self._said)

    def take(self, event: VoiceEvent) -> None:
        """Remember what was said, by either side."""
        if isinstance(event, FinalText | Answered):
            self._said = [*self._said[-5:], event.text]

    def _kept(self, reply: VoiceReply) -> None:
        self.session_id = reply.turn.session_id


async def converse_aloud(wanted: Wanted) -> None:
    """Talk and listen until Ctrl-C, or until stdin ends where it is the talk key.

    Raises:
        TensorWallError: voice cannot be had here, or there is nobody to ask.
    """
    log = find_locations().cache_dir / "voice.log"
    with guard_stderr(log) as terminal, redirect_stderr(terminal):  # sound libraries write there
        await _converse(wanted)


async def _converse(wanted: Wanted) -> None:
    from app.cli.services import open_services

    async with open_services(demo=wanted.demo, goes_offline=True) as services:
        by_key = not wanted.hands_free and is_terminal(sys.stdin)
        settings = _settings(services.settings.voice, wanted, by_key=by_key)
        conversation = await _conversation(services, wanted, settings)
        voice = await compose_voice(
            services,
            conversation.reply,
            settings=settings,
            words=conversation.words,
            session=lambda: conversation.session_id,
        )
        if services.simulated:
            note("simulated: these answers come from the demo, not from a model")
        running = asyncio.create_task(voice.loop.run(), name="voice loop")
        try:
            with enter_key(partial(_press, voice.loop), running.cancel) if by_key else nullcontext():
                async for event in voice.loop:
                    conversation.take(event)
                    _tell(event, as_json_lines=wanted.events)
        finally:
            await voice.aclose()
            await asyncio.wait([running])
            await _sum_up(services, conversation.session_id)
        if not running.cancelled():  # by the end of stdin
            running.result()


async def _sum_up(services: Services, session_id: str | None) -> None:
    """Say how quick the turns of the session were, and where it is kept."""
    if session_id is None:
        return
    try:
        figures = await (await services.records()).voice_turns.figures(session_id)
    except TensorWallError as error:
        report(error)
        return
    note(f"session {session_id}: {spoken_turns(figures)}")


async def _conversation(services: Services, wanted: Wanted, settings: VoiceSettings) -> _Conversation:
    from app.cli.one_shot import find_session

    session_id = None
    if wanted.latest or wanted.session_id:
        session_id = (await find_session(services, wanted.session_id)).id
    model = wanted.model or settings.chat_model or services.settings.chat.model
    return _Conversation(services, session_id, model or services.catalogue.voice_model)


def _settings(settings: VoiceSettings, wanted: Wanted, *, by_key: bool) -> VoiceSettings:
    """The user's settings as they make sense here: there is no composer to send from later."""
    changes: dict[str, object] = {"auto_send": "always", "mode": "toggle" if by_key else "hands_free"}
    if settings.speak == "never":
        changes["speak"] = "spoken"
    if wanted.language:
        changes["language"] = wanted.language
    return settings.model_copy(update=changes)


def _press(loop: VoiceLoop) -> None:
    """Enter starts talking, and ends it."""
    match loop.state:
        case "recording":
            loop.talk_ended(held=False)
        case "closing":
            loop.commit_now()
        case _:
            loop.talk_started()


def _tell(event: VoiceEvent, *, as_json_lines: bool) -> None:
    if not as_json_lines:
        print_line(event)
    elif (line := as_json(event)) is not None:
        emit_line(line)
