"""The conversation on screen: its session and branch, the turn in progress, and what waits behind it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.tui.entries import entries_of, user_entry
from app.tui.failures import explain
from app.tui.gauges import Gauges
from app.tui.next_turn import NextTurn
from app.tui.open_session import OpenSession
from app.tui.routes.answers import Answer, answers_of
from app.tui.stage import Prompt, Stage
from app.tui.status_line import Status
from app.tui.turn_reader import Ending, TurnReader
from core.errors import InputError, TensorWallError

if TYPE_CHECKING:
    from app.composition import Services
    from app.tui.widgets.transcript import Transcript
    from core.assistant import Turn
    from core.chat import Decision, Event, JsonObjectFormat, JsonSchemaFormat
    from core.conversations import Session, StoredMessage

__all__ = ("Conversation",)


class Conversation:
    """One at a time: asking while an answer arrives queues.

    Attributes:
        queue: prompts to send when the turn is over.
        editing: the question that the next prompt replaces, on a new branch.
        next_turn: what is asked for, and of whom.
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
        self._transcript = transcript
        self._stage = stage
        self._open = OpenSession(lambda: self.services)
        self.next_turn = NextTurn(lambda: self.services, self._open, stage.may_call)
        self._gauges = Gauges()
        self._reader = TurnReader(lambda: self.services, transcript, self._gauges, clock)
        self._unanswered = False

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
        return self._reader.busy

    @property
    def model(self) -> str:
        """What the next turn asks for."""
        return self.next_turn.model

    @property
    def response_format(self) -> JsonObjectFormat | JsonSchemaFormat | None:
        """The JSON that answers have to be; ``None`` for text."""
        return self.next_turn.response_format

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
        figures = self._reader.figures()
        return replace(
            figures,
            model=figures.model or self.next_turn.model,
            simulated=self.services.simulated,
            queued=len(self.queue),
            answers=self.next_turn.form,
            show_sparkline=self.services.settings.interface.sparkline,
            context_window=self.next_turn.context_window,
        )

    # Where answers come from

    def answers(self) -> list[Answer]:
        """Those on screen that are stored, the oldest first."""
        return answers_of(self.branch)

    def decisions(self, answer_id: str) -> Sequence[Decision]:
        """What the router has decided for an answer, where this TensorWall gave it."""
        return self._reader.decisions(answer_id)

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
        return await self._reader.stop()

    def take_back(self) -> Prompt | None:
        """The prompt queued last, taken out of the queue."""
        prompt = self.queue.pop() if self.queue else None
        self._stage.changed()
        return prompt

    async def _answer_queued(self) -> None:
        while self.queue and not self._unanswered:
            prompt = self.queue.popleft()
            await self._answer(prompt, self._open.leaf_id)

    async def show(self, turn: Turn, events: AsyncIterable[Event], prompt: Prompt) -> None:
        """Show a tentative answer as it arrives; prompts that are typed meanwhile wait until it is whole."""
        if self._unanswered:
            self._transcript.remove_after(self._open.leaf_id)
        await self._show_turn(turn, events, prompt)
        await self._answer_queued()

    async def free(self) -> None:
        """Wait until no answer is on its way."""
        await self._reader.free()

    async def _answer(
        self,
        prompt: Prompt | None,
        parent_id: str | None,
        *,
        instead_of: StoredMessage | None = None,
        model: str | None = None,
    ) -> TensorWallError | None:
        """One turn, and what ended it early; ``instead_of`` is the message it makes a sibling to."""
        turn = self.next_turn.turn(prompt, parent_id, model=model)
        return await self._show_turn(turn, self._stage.read_aloud(turn), prompt, instead_of=instead_of)

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
        self.asked_in = turn.session_id
        self._unanswered = False
        self._reader.begin(turn, None if prompt else place)
        self._stage.changed()
        try:
            ending = await self._reader.read(events)
            await self._settle(turn, prompt, ending)
        finally:
            self._reader.settled()
            self._stage.changed()
        if turn.state == "complete" and sum(stored.message.role == "user" for stored in self.branch) <= 1:
            await self._suggest_title()
        return ending.failure

    async def _settle(self, turn: Turn, prompt: Prompt | None, ending: Ending) -> None:
        """After the turn: what went wrong, what is stored, what it cost."""
        if turn.left_out:
            self._transcript.add_notice(
                f"The oldest {turn.left_out} messages did not fit the model's window."
            )
        if ending.failure is not None:
            self._transcript.add_error(*explain(ending.failure))
        if ending.early:
            self._unanswered = not ending.left_anything
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
        self.next_turn.forget_leave()
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

    async def _show(self, session: Session) -> None:
        if session.id != self.session_id:
            self.next_turn.forget_leave()
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
