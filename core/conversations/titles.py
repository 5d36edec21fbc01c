"""Titles of sessions: the first words at once, a model's few words later."""

from __future__ import annotations

import re

from core.chat import ChatRequest, Message
from core.safe_text import safe_text

__all__ = ("UNTITLED", "clean_title", "title_from", "title_request")

UNTITLED = "New conversation"
_LIMIT = 60
_FENCE = re.compile(r"```.*?(```|\Z)", re.DOTALL)
_MARKUP = re.compile(r"^[\s#>*`~_-]+|[`*_~]+", re.MULTILINE)
_INSTRUCTION = (
    "Write a title of 3 to 6 words for the conversation that starts like this, "
    "in its own language. Answer with the title alone: no quotes, no full stop."
)
_EXCERPT = 1_500


def title_from(text: str) -> str:
    """The first words of a question, on one line of at most 60 characters, cut between words."""
    prose = _FENCE.sub(" ", text)
    words = _MARKUP.sub(" ", safe_text(prose if prose.strip() else text)).split()
    title = " ".join(words)
    if len(title) <= _LIMIT:
        return title or UNTITLED
    head, _, _ = title[:_LIMIT].rpartition(" ")
    return f"{head or title[: _LIMIT - 1]}…"


def title_request(model: str, question: str, answer: str) -> ChatRequest:
    """A cheap request for a title, from the beginnings of the question and its answer."""
    start = f"User: {question[:_EXCERPT]}\n\nAssistant: {answer[:_EXCERPT]}"
    return ChatRequest(
        model=model,
        messages=[Message(role="system", content=_INSTRUCTION), Message(role="user", content=start)],
        max_completion_tokens=256,  # room for a reasoning model's thoughts
        reasoning_effort="low",
    )


def clean_title(text: str) -> str | None:
    """A model's answer as a title, or ``None`` when there is nothing to use in it."""
    lines = [line for line in safe_text(text).splitlines() if line.strip()]
    if not lines:
        return None
    title = title_from(lines[0].strip().strip("\"'“”«»").removeprefix("Title:").rstrip(". "))
    return None if title == UNTITLED else title
