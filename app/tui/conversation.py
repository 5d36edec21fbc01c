"""The conversation on screen: its session and branch, the turn in progress, and what waits behind it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.tui.entries import entries_of, user_entry
from app.tui.failures import explain
from app.tui.garbage import brief_collections
from app.tui.gauges import Gauges
from app.tui.live_turn import LiveTurn
from app.tui.open_session import OpenSession
from app.tui.permission import Permission
from app.tui.routes.answers import Answer, DecisionLog, answers_of
from app.tui.stage import Prompt, Stage
from app.tui.status_line import Status
from core.assistant import ReplyOptions
from core.chat import Message
from core.errors import InputError, TensorWallError
from core.tools.session_tools import SessionTools

if TYPE_CHECKING:
    from app.composition import Services
    from app.tui.transcript import AnswerState
    from app.tui.widgets.transcript import Transcript
    from core.assistant import Turn
    from core.chat import (
        ChatRequest,
        Decision,
        Event,
        JsonObjectFormat,
        JsonSchemaFormat,
        ReasoningEffort,
    )
    from core.conversations import Session, StoredMessage
    from core.tools import ToolSource

__all__ = ("Conversation",)


class Conversation:
    """One at a time: asking while an answer arrives queues.

    Attributes:
        queue: prompts to send when the turn is over.
        editing: the question that the next prompt replaces, on a new branch.
        tools: what the model may call.
        asked_in: the session that the last turn belongs to; ``None`` before the first.
    """

    def __init__(
        self,
        services: Services,
        transcript: Transcript,
        stage: Stage,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.services = services
        self.queue: deque[Prompt] = deque()
        self.editing: StoredMessage | None = None
        self.asked_in: str | None = None
        self.effort: ReasoningEffort | None = None
        self.response_format: JsonObjectFormat | JsonSchemaFormat | None = None
        self.permission = Permission(stage.may_call)
        self.tools = SessionTools(services.tools, self.permission)
        self._transcript = transcript
        self._stage = stage
        self._clock = clock
        self._open = OpenSession(lambda: self.services)
        self._live: LiveTurn | None = None
        self._stopping = False
        self._unanswered = False
        self._gauges = Gauges()
        self._decided = DecisionLog()
        self._free = asyncio.Event()
        self._free.set()

    # What it is

    @property
    def session(self) -> Session | None:
        """What is stored; ``None`` until the first answer began."""
        return self._open.stored

    @property
    def branch(self) -> list[StoredMessage]:
        """The messages on screen, root to leaf, as stored."""
        return self._open.branch

    @property
    def system_prompt(self) -> str | None:
        """The session's own instructions, where they were set since it is on screen."""
        return self._open.system_prompt

    @property
    def busy(self) -> bool:
        """Whether a turn is in progress."""
        return not self._free.is_set()

    @property
    def model(self) -> str:
        """What the next turn asks for."""
        return self.chosen_model or self.services.catalogue.default_model

    @property
    def chosen_model(self) -> str | None:
        """What the user chose, for now, for this session, or for all."""
        stored = self.session.model if self.session else None
        return self._open.model or stored or self.services.settings.chat.model

    @property
    def title(self) -> str:
        """The session's title, or a name for one not yet begun."""
        return self.session.title if self.session else "New session"

    @property
    def session_id(self) -> str | None:
        """The session's id, or ``None`` before it is stored."""
        return self.session.id if self.session else None

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said."""
        return not self._transcript.entries and not self.busy

    def status(self) -> Status:
        """Everything the strip shows, now."""
        figures = self._gauges.during(self._live) if self._live else self._gauges.last
        return replace(
            figures,
            model=figures.model or self.model,
            simulated=self.services.simulated,
            queued=len(self.queue),
            answers=self._answers_are(),
            show_sparkline=self.services.settings.interface.sparkline,
            context_window=self._window(),
        )

    def _answers_are(self) -> str:
        wanted = self.response_format
        if wanted is None:
            return ""
        return "JSON" if wanted.type == "json_object" else f"JSON {wanted.json_schema.name}"

    def _window(self) -> int | None:
        catalogue = self.services.catalogue
        for provider in self.services.providers:
            info = catalogue.find(provider, catalogue.provider_model(self.model, provider))
            if info is not None and info.context_window:
                return info.context_window
        return None

    # Where answers come from

    async def upcoming(self, typed: str) -> ChatRequest:
        """The request that would be sent next, with what is typed; nothing is sent or loaded for it.

        Raises:
            InputError: it cannot be asked.
        """
        message = Message(role="user", content=typed or " ")
        options = self._options(toolbox=self.tools.loaded)
        return await self.services.assistant.preview(
            self.session, self.branch, message, model=self.model, options=options
        )

    def answers(self) -> list[Answer]:
        """Those on screen that are stored, the oldest first."""
        return answers_of(self.branch)

    def decisions(self, answer_id: str) -> Sequence[Decision]:
        """What the router has decided for an answer, where this TensorWall gave it."""
        live = self._live
        if live is not None and live.turn.answer_id == answer_id:
            return live.turn.decisions
        return self._decided.of(answer_id)

    # Asking

    async def ask(self, prompt: Prompt) -> None:
        """Answer a prompt, and then those that were queued meanwhile; returns when all are done."""
        if self.busy:
            self.queue.append(prompt)
            self._stage.changed()
            return
        edited, self.editing = self.editing, None
        parent_id = edited.parent_id if edited else self._open.leaf_id
        if edited is not None or self._unanswered:
            self._transcript.remove_after(parent_id)
        await self._answer(prompt, parent_id, instead_of=edited)
        await self._answer_queued()

    async def regenerate(self, model: str | None = None) -> None:
        """Answer the last question again, beside the answer there is.

        Raises:
            InputError: there is no question, or an answer is on its way.
        """
        if self.busy:
            raise InputError("An answer is on its way.", hint="Esc stops it.")
        question = next((stored for stored in reversed(self.branch) if stored.message.role == "user"), None)
        if question is None:
            raise InputError("There is no answer to replace yet.")
        old = next((stored for stored in self.branch if stored.parent_id == question.id), None)
        self._transcript.remove_after(question.id)
        failure = await self._answer(None, question.id, instead_of=old, model=model)
        if self._unanswered and old is not None:
            await self._go_back_to(old)
            if failure is not None:
                self._transcript.add_error(*explain(failure))
        await self._answer_queued()

    async def _go_back_to(self, answer: StoredMessage) -> None:
        """Show the answer that could not be replaced."""
        try:
            conversations = (await self.services.records()).conversations
            await conversations.switch_to(answer.session_id, answer.id)
            await self._show(await conversations.get(answer.session_id))
        except TensorWallError as error:
            self._stage.report(error)

    async def stop(self) -> bool:
        """Stop the answer now, keeping its text; whether there was one."""
        if self._live is None or self._stopping:
            return False
        self._stopping = True
        self._live.finish("stopped")
        await self._live.turn.aclose()
        return True

    def take_back(self) -> Prompt | None:
        """The prompt queued last, taken out of the queue."""
        prompt = self.queue.pop() if self.queue else None
        self._stage.changed()
        return prompt

    async def _answer_queued(self) -> None:
        while self.queue and not self._unanswered:
            prompt = self.queue.popleft()
            await self._answer(prompt, self._open.leaf_id)

    def tentative_turn(self, prompt: Prompt, *, model: str, effort: ReasoningEffort | None) -> Turn:
        """An answer by this model that may come to nothing: stored and shown only once it is wanted."""
        return self._turn(prompt, self._open.leaf_id, once=model, effort=effort, tentative=True)

    async def show(self, turn: Turn, events: AsyncIterable[Event], prompt: Prompt) -> None:
        """Show such an answer as it arrives; prompts that are typed meanwhile wait until it is whole."""
        if self._unanswered:
            self._transcript.remove_after(self._open.leaf_id)
        await self._show_turn(turn, events, prompt)
        await self._answer_queued()

    async def free(self) -> None:
        """Wait until no answer is on its way."""
        await self._free.wait()

    async def _answer(
        self,
        prompt: Prompt | None,
        parent_id: str | None,
        *,
        instead_of: StoredMessage | None = None,
        model: str | None = None,
    ) -> TensorWallError | None:
        """One turn, and what ended it early; ``instead_of`` is the message it makes a sibling to."""
        turn = self._turn(prompt, parent_id, model=model)
        return await self._show_turn(turn, self._stage.read_aloud(turn), prompt, instead_of=instead_of)

    def _turn(
        self,
        prompt: Prompt | None,
        parent_id: str | None,
        *,
        model: str | None = None,
        once: str | None = None,
        effort: ReasoningEffort | None = None,
        tentative: bool = False,
    ) -> Turn:
        """A turn of the model chosen, or of ``model``, which a new session keeps, or of one ``once``."""
        return self.services.assistant.reply(
            self.session_id,
            Message(role="user", content=prompt.content) if prompt else None,
            parent_id=parent_id,
            model=model or self._open.model,
            options=replace(self._options(once, effort, self.tools), spoken=tentative),
            tentative=tentative,
        )

    def _options(
        self,
        once: str | None = None,
        effort: ReasoningEffort | None = None,
        toolbox: ToolSource | None = None,
    ) -> ReplyOptions:
        return ReplyOptions(
            model=once,
            system_prompt=self.system_prompt,
            reasoning_effort=self.effort or effort,
            response_format=self.response_format,
            toolbox=toolbox,
        )

    async def _show_turn(
        self,
        turn: Turn,
        events: AsyncIterable[Event],
        prompt: Prompt | None,
        *,
        instead_of: StoredMessage | None = None,
    ) -> TensorWallError | None:
        """Show question and answer, and what ended it early."""
        place = (instead_of.sibling_count + 1, instead_of.sibling_count + 1) if instead_of else None
        if prompt is not None and turn.question_id:
            entry = user_entry(prompt.content, prompt.typed)
            self._transcript.add_user(turn.question_id, **entry, branch=place)
        live = self._live = LiveTurn(
            turn,
            self._transcript,
            self.services.catalogue,
            stall_notice=self.services.settings.network.stall_notice,
            awaited_servers=lambda: self.services.tools.awaited_servers,
            branch=None if prompt else place,
            clock=self._clock,
        )
        self.asked_in = turn.session_id
        self._stopping, self._unanswered = False, False
        self._free.clear()
        self._stage.changed()
        try:
            with brief_collections():
                failure = await self._read(live, events)
            await self._settle(live, prompt, failure)
        finally:
            self._live = None
            self._free.set()
            self._stage.changed()
        if turn.state == "complete" and sum(stored.message.role == "user" for stored in self.branch) <= 1:
            await self._suggest_title()
        return failure

    async def _read(self, live: LiveTurn, events: AsyncIterable[Event]) -> TensorWallError | None:
        """Take the turn's events as they come; what ended it early, if anything did."""
        failure: TensorWallError | None = None
        async with live.turn:
            try:
                async for event in events:
                    if not self._stopping:
                        live.take(event)
            except TensorWallError as error:
                failure = error
        self._stopping = self._stopping or live.turn.state == "stopped"
        how: AnswerState = "failed" if failure else "stopped" if self._stopping else "complete"
        live.finish(how)
        self._gauges.ended(live, how)
        self._decided.keep(live.turn)
        self._live = None
        return failure

    async def _settle(self, live: LiveTurn, prompt: Prompt | None, failure: TensorWallError | None) -> None:
        """After the turn: what went wrong, what is stored, what it cost."""
        turn = live.turn
        if turn.left_out:
            self._transcript.add_notice(
                f"The oldest {turn.left_out} messages did not fit the model's window."
            )
        if failure is not None:
            self._transcript.add_error(*explain(failure))
        if failure is not None or self._stopping:
            self._unanswered = not (live.has_text or live.has_tools)
            waiting = [prompt] if prompt is not None and self._unanswered else []
            for unanswered in reversed([*waiting, *self.queue]):
                self._stage.give_back(unanswered.typed)
            self.queue.clear()
        if turn.storage_error is not None:
            self._stage.report(turn.storage_error)
        else:
            await self._reload(turn.session_id)

    async def _reload(self, session_id: str) -> None:
        """Read back what is stored: the branch, and the totals."""
        try:
            await self._open.reload(session_id)
            await self.read_totals()
        except InputError:
            return  # nothing of the turn was stored: it failed before it began
        except TensorWallError as error:
            self._stage.report(error)
        if self._unanswered:
            self._open.forget_unanswered()

    async def read_totals(self) -> None:
        """Money and tokens of this session and of today.

        Raises:
            StorageError: the ledger cannot be read.
        """
        ledger = (await self.services.records()).ledger
        await self._gauges.read_totals(ledger, self.session_id)
        self._stage.changed()

    async def _suggest_title(self) -> None:
        try:
            if await self._open.suggest_title():
                await self.read_totals()
        except TensorWallError as error:
            self._stage.report(error)

    # Sessions and branches

    async def open(self, session_id: str) -> None:
        """Show a stored session.

        Raises:
            InputError: there is no such session.
            StorageError: it cannot be read.
        """
        storage = await self.services.records()
        session = await storage.conversations.get(session_id)
        await self._show(session)

    def start_new(self) -> None:
        """Leave the session; the next prompt begins another."""
        self._stage.left()
        self._open.leave()
        self.editing, self._unanswered = None, False
        self._gauges.reset()
        self._forget_leave()
        self._transcript.clear()
        self._stage.changed()

    async def switch_branch(self, message_id: str | None, step: int) -> bool:
        """Show the sibling before (-1) or after (+1) a message; by default of the last that has any.

        Returns whether there was one.

        Raises:
            StorageError: it cannot be read.
        """
        session = None if self.busy else await self._open.switch_branch(message_id, step)
        if session is None:
            return False
        await self._show(session)
        return True

    def _forget_leave(self) -> None:
        """In another session nothing is attached, and the user is asked again."""
        self.tools.attached.clear()
        self.permission.forget()

    async def _show(self, session: Session) -> None:
        if session.id != self.session_id:
            self._forget_leave()
        await self._open.open(session)
        self._stage.left()
        self.editing, self._unanswered = None, False
        self._gauges.reset()
        self._transcript.load(entries_of(self.branch))
        await self.read_totals()
        self._stage.changed()

    # What the next turn asks for

    async def use_model(self, model: str) -> None:
        """Ask this model from now on, and remember it with the session.

        Raises:
            StorageError: it cannot be remembered.
        """
        self._gauges.forget_route()
        try:
            await self._open.use_model(model)
        finally:  # it is asked, remembered or not
            self._stage.changed()

    async def use_system_prompt(self, prompt: str | None) -> None:
        """Set this session's own instructions; ``None`` for the settings'.

        Raises:
            StorageError: they cannot be remembered.
        """
        await self._open.use_system_prompt(prompt)

    async def rename(self, title: str) -> None:
        """Name the session.

        Raises:
            InputError: there is none yet, or the title is blank.
            StorageError: it cannot be stored.
        """
        await self._open.rename(title)
        self._stage.changed()

    def edit_earlier(self, message_id: str | None = None) -> StoredMessage | None:
        """Choose the question to edit: this one, or the one before the last chosen."""
        questions = [stored for stored in self.branch if stored.message.role == "user"]
        ids = [stored.id for stored in questions]
        if message_id is not None:
            self.editing = questions[ids.index(message_id)] if message_id in ids else None
        elif self.editing is not None and self.editing.id in ids:
            self.editing = questions[max(0, ids.index(self.editing.id) - 1)]
        else:
            self.editing = questions[-1] if questions else None
        self._stage.changed()
        return self.editing
