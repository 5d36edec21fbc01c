"""Going on with an answer that broke off: whether that can be asked for, and how it is. Pure.

The new route is shown the conversation, what has been said, and the last sentence of that, which it is told
to say again and go on from. A model that is led into its own sentence goes on in the same voice, and what it
repeats shows exactly where the two texts join (`core.routing.rescue.overlap`), so that nobody reads or hears
half a sentence twice.
"""

from __future__ import annotations

import re
from typing import Any

from core.chat import ChatRequest, Message
from core.errors import BudgetExceeded, CredentialsError, ProviderError
from core.routing.actions import Action, policy_for
from core.routing.rescue.overlap import SENTENCE_END

__all__ = ("can_be_continued", "continuation", "is_broken_off", "last_sentence")

_INSTRUCTION = """\
Your answer above was cut off while it was sent. It ends with these words:

{tail}

Repeat these words exactly, then go on from there to the end of the answer, in the same language and form. \
Write nothing else: no remark about this, and nothing of what comes before these words."""
_WORD_BEGIN = re.compile(r"\s(?=\S)")
_SHORTEST_TAIL = 10
"""Characters; fewer would not show where they stand."""
_LONGEST_TAIL = 300
_CUT_TAIL = 120
"""Characters that are repeated of a sentence that is longer than ``_LONGEST_TAIL``."""
_LEAST_CAP = 64
"""Tokens that a continuation may have, however little its answer had left."""
_CHARACTERS_PER_TOKEN = 4
_WHOLE_ONLY = ("logprobs", "audio", "modalities", "functions", "prediction")
"""Fields of a relayed request whose answers are more than text."""


def is_broken_off(error: ProviderError | CredentialsError | BudgetExceeded) -> bool:
    """Whether another route may go on after this: not where the request or what was written is at fault."""
    return policy_for(error).action not in (Action.RAISE, Action.REPEAT)


def can_be_continued(request: ChatRequest) -> bool:
    """Whether the answer is plain text, so that a part of it can come from elsewhere.

    What has to be JSON is not: two halves by two models fit only by chance.
    """
    if request.response_format is not None:
        return False
    body = request.relayed
    if body is None:
        return True
    wanted = body.get("response_format") or {"type": "text"}
    plain = isinstance(wanted, dict) and wanted.get("type") == "text"
    return plain and body.get("n") in (None, 1) and not any(body.get(name) for name in _WHOLE_ONLY)


def continuation(request: ChatRequest, said: str, *, prefill: bool) -> ChatRequest:
    """The request that goes on with an answer.

    Args:
        request: what was asked in the first place.
        said: as much of the answer as has been passed on.
        prefill: the model goes on with an assistant's message by itself, and needs no instruction.
    """
    added: list[dict[str, Any]] = [{"role": "assistant", "content": said}]
    if not prefill:
        tail = said[last_sentence(said) :].strip()
        added.append({"role": "user", "content": _INSTRUCTION.format(tail=tail)})
    changed: dict[str, Any] = {"messages": [*request.messages, *(Message(**message) for message in added)]}
    if request.relayed is not None:
        changed["relayed"] = {**request.relayed, "messages": [*request.relayed["messages"], *added]}
    if request.max_completion_tokens is not None:
        left = request.max_completion_tokens - len(said) // _CHARACTERS_PER_TOKEN
        changed["max_completion_tokens"] = max(left, min(_LEAST_CAP, request.max_completion_tokens))
    return request.model_copy(update=changed)


def last_sentence(said: str) -> int:
    """Where the sentence begins that is said again: the unfinished one, or else the last.

    Of a very long one it is the last words. Indentation and blanks around it do not count for its length.
    """
    end = len(said.rstrip())
    begin, latest = 0, end - _SHORTEST_TAIL
    for found in SENTENCE_END.finditer(said, max(0, end - 2 * _LONGEST_TAIL)):
        if found.end() > latest:
            break
        begin = found.end()
    if end - begin <= _LONGEST_TAIL:
        return begin
    cut = end - _CUT_TAIL
    word = _WORD_BEGIN.search(said, cut, latest + 1)
    return word.end() if word else cut
