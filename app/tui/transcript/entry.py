"""What the transcript shows, as plain data: one entry a message, notice or error."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Literal

__all__ = ("AnswerState", "CodeBlock", "Entry", "EntryId", "EntryKind")

EntryId = str | int
"""Names a message; whatever the storage uses."""

EntryKind = Literal["user", "answer", "tool", "notice", "error"]

AnswerState = Literal["complete", "streaming", "stopped", "failed", "interrupted"]


@dataclass(slots=True)
class Entry:
    """One message, notice or error.

    Attributes:
        kind: who speaks. ``user`` text is shown as typed, ``answer`` text as Markdown, ``notice`` as
            one dim line, ``tool`` as a call (``header``) that unfolds to its arguments (``reasoning``) and
            its result (``text``), ``error`` as a message (``text``) with what to do about it (``footer``).
        id: unique among the entries of a conversation.
        text: the message; raw, it is made safe where it is shown and copied.
        header: who answers, such as ``openai/gpt-oss-120b · Groq``; empty for the default.
        time: when, ready to show, such as ``14:02``.
        footer: a dim line under a finished answer, such as its speed and cost.
        reasoning: the model's reasoning, apart from its answer.
        state: how far an answer is.
        attachments: names of files and images sent with a user's message.
        heard: of an answer that was cut off while it was read aloud, how many characters of its text as
            it arrived were heard; the rest is dimmed. ``None`` for all of it.
        branch: (this branch, of how many), from 1, where the message has siblings.
        json: whether an answer is JSON, to be set out and folded, rather than Markdown.
        left_out: where characters of the text as it arrived are not in ``text``; in order. The document
            fills it.
    """

    kind: EntryKind
    id: EntryId
    text: str = ""
    header: str = ""
    time: str = ""
    footer: str = ""
    reasoning: str = ""
    state: AnswerState = "complete"
    attachments: tuple[str, ...] = ()
    heard: int | None = None
    branch: tuple[int, int] | None = None
    json: bool = False
    left_out: list[int] = field(default_factory=list)

    def place(self, arrived: int) -> int:
        """Where in ``text`` a place in the text as it arrived is."""
        return arrived - bisect_left(self.left_out, arrived)


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """One fenced block of an answer: its language (may be empty) and exactly its text."""

    language: str
    text: str
