"""What a turn is about to send, once its history, its window and its options are seen to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.chat import ChatRequest, Message
from core.conversations.stored import Session, StoredMessage
from core.errors import TensorWallError

if TYPE_CHECKING:
    from core.tools import Toolbox

__all__ = ("Prepared",)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a turn sends, and what of it is new to the conversation.

    Attributes:
        request: ready to go.
        session: the conversation, stored or (``is_new``) still to be.
        history: the branch before this turn.
        question: the new question, or ``None`` when an old one is answered again.
        answer: the row the answer streams into.
        left_out: oldest messages that the model's window has no room for.
        unstored: why what comes before could not be stored, so that this cannot be now either.
        toolbox: the tools that the request offers, where there are any.
        go_on: the request that goes on with further messages; told whether tools may be called again.
    """

    request: ChatRequest
    session: Session
    is_new: bool
    history: tuple[StoredMessage, ...]
    question: StoredMessage | None
    answer: StoredMessage
    left_out: int = 0
    unstored: TensorWallError | None = None
    toolbox: Toolbox | None = None
    go_on: Callable[[Sequence[Message], bool], Awaitable[ChatRequest]] | None = None
