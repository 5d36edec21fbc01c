"""The assistant: takes messages of conversations, and gives turns that answer them.

The request leaves first. Storage is opened while the answer is on its way and written by a thread of
its own; what cannot be stored is told (``Turn.storage_error``) and never costs an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.catalogue import Catalogue
from core.chat import ChatRequest, Message
from core.conversations.stored import Session, StoredMessage
from core.conversations.titles import clean_title, title_request
from core.errors import InputError, TensorWallError
from core.identifiers import new_id
from core.model_limits import ModelLimits
from core.offline.models import EMBEDDED
from core.prepared_turn import Prepared
from core.records import LazyRecords
from core.reply_options import ReplyOptions
from core.reply_plan import Place, ReplyPlan
from core.request_builder import RequestBuilder
from core.turn import Turn

if TYPE_CHECKING:
    from core.routing import LLMRouter
    from core.settings import BudgetSettings, ChatSettings

__all__ = ("Assistant", "Place", "ReplyOptions", "Turn")


class Assistant:
    """Answers messages of conversations, through a router.

    Args:
        router: who answers.
        catalogue: models, for their windows.
        settings: the ``chat`` section; may be replaced at any time.
        records: opens conversations and ledger when they are first needed.
        budgets: what may be spent; may be replaced at any time. ``None`` limits nothing.
    """

    def __init__(
        self,
        router: LLMRouter,
        catalogue: Catalogue,
        settings: ChatSettings,
        records: LazyRecords,
        budgets: BudgetSettings | None = None,
    ) -> None:
        self.settings = settings
        self.budgets = budgets
        self._router = router
        self._limits = ModelLimits(router, catalogue)
        self._catalogue = catalogue
        self._records = records
        self._turns: list[Turn] = []  # those that go on, and those that could not be stored

    def reply(
        self,
        session_id: str | None,
        message: Message | None,
        *,
        parent_id: str | Place | None = Place.LEAF,
        model: str | None = None,
        options: ReplyOptions | None = None,
        tentative: bool = False,
    ) -> Turn:
        """A turn that answers ``message``; nothing is sent before it is iterated.

        Args:
            session_id: the conversation; ``None`` begins a new one, and its request does not wait
                for storage.
            message: the question; ``None`` asks for another answer to ``parent_id`` (or to the last
                question), beside the old one.
            parent_id: what the message follows; ``None`` puts it first. To edit a question, pass the
                new one with the old one's ``parent_id``: both stay, as branches.
            model: instead of the session's or the settings' own; a new session keeps it.
            options: what to ask for beyond the settings.
            tentative: store nothing before ``Turn.keep``.
        """
        answer_id = new_id()
        question_id = None
        if message is not None:
            question_id, answer_id = answer_id, new_id()
        plan = ReplyPlan(
            session_id=session_id or new_id(),
            is_new=session_id is None,
            message=message,
            question_id=question_id,
            answer_id=answer_id,
            parent_id=parent_id,
            model=model,
            options=options or ReplyOptions(),
        )
        turn = Turn(
            plan.session_id,
            question_id,
            answer_id,
            lambda: self._prepare(plan),
            self._router,
            self._records,
            self.budgets,
            response_format=plan.options.response_format,
            tentative=tentative,
            irrevocable=plan.options.irrevocable,
        )
        self._turns = [old for old in self._turns if old.state == "streaming" or old.storage_error]
        self._turns.append(turn)
        return turn

    async def preview(
        self,
        session: Session | None,
        branch: Sequence[StoredMessage],
        message: Message,
        *,
        model: str,
        options: ReplyOptions | None = None,
    ) -> ChatRequest:
        """The request that would answer ``message`` now; nothing is sent or stored.

        Args:
            session: the conversation; ``None`` for a new one.
            branch: its messages, from the first to the one that is answered to.
            message: the question.
            model: who is asked.
            options: as for `reply`.

        Raises:
            InputError: an option cannot be used, or the model does not see the question's image.
        """
        plan = ReplyPlan("", session is None, message, None, "", None, model, options or ReplyOptions())
        asked_in = session or plan.new_session(datetime.now(UTC))
        requests = RequestBuilder(self._limits, self.settings)
        toolbox = await requests.toolbox(plan.options, model)
        base, history = requests.draft(plan, asked_in, branch, model, toolbox)
        return (await requests.fitted(base, history))[0]

    async def suggest_title(self, session_id: str) -> str | None:
        """Have a cheap model name a conversation after its first exchange; the new title, or ``None``.

        Does nothing where the settings say ``first_words``, where it is named already, and where no
        model answers: a title is worth no error message. The small model of this machine is not asked: it
        names nothing well. Its cost is booked as feature ``title``.

        Raises:
            StorageError: or one of its kin, when the conversation cannot be read or named.
            InputError: there is no such conversation.
        """
        if self.settings.titles != "model":
            return None
        records = await self._records()
        session = await records.conversations.get(session_id)
        exchange = _first_exchange(await records.conversations.messages(session_id))
        if session.title_source != "words" or exchange is None or exchange[1].provider == EMBEDDED:
            return None
        model = self._title_model(exchange[1])
        request = title_request(model, *(stored.message.text for stored in exchange))
        try:
            response = await self._router.chat(
                request,
                observer=records.ledger.observer(session_id, feature="title"),
                gate=records.ledger.gate(self.budgets, session_id, feature="title"),
            )
        except TensorWallError:
            return None
        title = clean_title(response.text)
        if title is None or not await records.conversations.suggest_title(session_id, title):
            return None
        return title

    async def _prepare(self, plan: ReplyPlan) -> Prepared:
        """Find the history and make the request and the rows to store."""
        now = datetime.now(UTC)
        unstored = await self._unstored(plan.session_id)
        branch: list[StoredMessage] = []
        if plan.is_new:
            session = plan.new_session(now)
        elif unstored is not None and plan.parent_id is Place.LEAF:
            session, branch = unstored.branch
        else:
            session, branch = await self._load(plan)
        if plan.message is None:
            if branch and branch[-1].message.role == "assistant":  # that another answer is wanted for
                while branch and branch[-1].message.role in ("assistant", "tool"):
                    branch.pop()
            if not branch:
                raise InputError("There is no question to answer again.")
        chosen = plan.options.model or plan.model or session.model
        model = chosen or self.settings.model or self._catalogue.default_model
        requests = RequestBuilder(self._limits, self.settings)
        toolbox = await requests.toolbox(plan.options, model)
        base, history = requests.draft(plan, session, branch, model, toolbox)
        request, left_out = await requests.fitted(base, history)

        async def go_on(messages: Sequence[Message], may_call: bool) -> ChatRequest:
            further = base if may_call else base.model_copy(update={"tool_choice": "none"})
            return (await requests.fitted(further, [*history, *messages]))[0]

        question, answer = plan.rows(branch[-1].id if branch else None, model, now)
        return Prepared(
            request,
            session,
            plan.is_new,
            tuple(branch),
            question,
            answer,
            left_out,
            unstored.storage_error if unstored else None,
            toolbox,
            go_on,
        )

    async def _unstored(self, session_id: str) -> Turn | None:
        """The last turn of a conversation that still cannot be stored, after one more try for each.

        A full disk or a damaged database thus stops no conversation: it goes on from memory, and is
        stored when that works again.
        """
        waiting = [turn for turn in self._turns if turn.session_id == session_id and turn.storage_error]
        for turn in waiting:
            if not await turn.store():
                return waiting[-1]
        return None

    async def _load(self, plan: ReplyPlan) -> tuple[Session, list[StoredMessage]]:
        conversations = (await self._records()).conversations
        session = await conversations.get(plan.session_id)
        if plan.parent_id is None:
            return session, []
        leaf = None if isinstance(plan.parent_id, Place) else plan.parent_id
        return session, await conversations.messages(plan.session_id, leaf)

    def _title_model(self, answer: StoredMessage) -> str:
        """The catalogue's cheap model where the answer's provider has it, else what answered."""
        cheap = self._catalogue.title_model
        if answer.provider and self._catalogue.find(answer.provider, cheap):
            return cheap
        return answer.model or cheap


def _first_exchange(branch: Sequence[StoredMessage]) -> list[StoredMessage] | None:
    """The first question and the first text that answers it; ``None`` while there is none."""
    answers = (stored for stored in branch[1:] if stored.message.role == "assistant" and stored.message.text)
    answer = next(answers, None)
    return None if answer is None else [branch[0], answer]
