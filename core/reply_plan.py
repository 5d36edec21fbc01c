"""What was asked of the assistant, and the rows that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from core.chat import Message
from core.conversations.stored import Session, StoredMessage
from core.conversations.titles import UNTITLED, title_from
from core.reply_options import ReplyOptions

__all__ = ("Place", "ReplyPlan")


class Place(Enum):
    """Where a message goes, other than below a message named by its id."""

    LEAF = "leaf"
    """At the end of the branch on screen."""


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """What was asked of `core.assistant.Assistant.reply`, with the identifiers chosen for it."""

    session_id: str
    is_new: bool
    message: Message | None
    question_id: str | None
    answer_id: str
    parent_id: str | Place | None
    model: str | None
    options: ReplyOptions

    def new_session(self, now: datetime) -> Session:
        """The conversation that it begins."""
        return Session(
            id=self.session_id,
            title=title_from(self.message.text) if self.message else UNTITLED,
            title_source="words",
            system_prompt=self.options.system_prompt,
            model=self.model,
            leaf_id=None,
            created_at=now,
            updated_at=now,
        )

    def rows(
        self, parent_id: str | None, model: str, now: datetime
    ) -> tuple[StoredMessage | None, StoredMessage]:
        """The question, where it is new, and the answer below it."""
        question = None
        if self.message is not None and self.question_id is not None:
            question = StoredMessage(
                id=self.question_id,
                session_id=self.session_id,
                parent_id=parent_id,
                message=self.message,
                state="complete",
                created_at=now,
            )
        answer = StoredMessage(
            id=self.answer_id,
            session_id=self.session_id,
            parent_id=question.id if question else parent_id,
            message=Message(role="assistant", content=""),
            state="streaming",
            created_at=now,
            model=model,
        )
        return question, answer
