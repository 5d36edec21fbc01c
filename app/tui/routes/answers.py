"""The answers on screen as the routes know them, and what was decided for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.assistant import Turn
    from core.chat import Decision
    from core.conversations import StoredMessage

__all__ = ("Answer", "DecisionLog", "answer_of", "answers_of")

_MOST = 500
"""Answers of which it is remembered why they came from where they did."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the conversation, by the message that its calls are booked to, and its question."""

    message_id: str
    question: str


def answers_of(branch: Iterable[StoredMessage]) -> list[Answer]:
    """Those of a branch, the oldest first; of one in several messages the first of them."""
    found: list[Answer] = []
    question: str | None = None
    for stored in branch:
        if stored.message.role == "user":
            question = stored.message.text
        elif stored.message.role == "assistant" and question is not None:
            found.append(Answer(stored.id, question))
            question = None
    return found


def answer_of(branch: Sequence[StoredMessage], message_id: str) -> str:
    """The message that the calls of an answer are booked to, which may have gone on in this one."""
    firsts = {answer.message_id for answer in answers_of(branch)}
    first = message_id
    for stored in branch:
        first = stored.id if stored.id in firsts else first
        if stored.id == message_id:
            return first
    return message_id


class DecisionLog:
    """What the router decided for the turns of this TensorWall, the latest of them."""

    def __init__(self) -> None:
        self._decisions: dict[str, Sequence[Decision]] = {}

    def keep(self, turn: Turn) -> None:
        """Remember what was decided for a turn that is over."""
        self._decisions[turn.answer_id] = turn.decisions
        while len(self._decisions) > _MOST:
            del self._decisions[next(iter(self._decisions))]

    def of(self, answer_id: str) -> Sequence[Decision]:
        """What was decided for an answer; nothing where another TensorWall gave it."""
        return self._decisions.get(answer_id, ())
