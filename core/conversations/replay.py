"""The history of a conversation as a model may be given it again, cut to what its window holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.chat import Message, TextPart

__all__ = ("Fitted", "as_heard", "fit", "replayable", "without_images")

_STEPS = 4
"""History is cut in steps of a fourth of the window: a prefix that stays the same from turn to turn
keeps hitting the provider's prompt cache (https://console.groq.com/docs/prompt-caching)."""

_MARKS = 16
"""Bytes for the marks around a message, generously."""
_IMAGE = 4_096
"""Tokens of an image, generously (see ``core.costs.tokens``)."""

_FENCE = "```"
_CUT_OFF = "… [the user interrupted here and did not hear more]"
_NO_RESULT = "(no result)"
_IMAGE_LEFT_OUT = "(an image, left out)"


@dataclass(frozen=True, slots=True)
class Fitted:
    """What to send.

    Attributes:
        left_out: how many of the oldest messages did not fit.
    """

    messages: list[Message]
    left_out: int


def replayable(messages: Sequence[Message]) -> list[Message]:
    """The messages without what providers refuse: empty answers, and tool calls without all results.

    A result that is missing since its tool was interrupted is told to be.

    Reasoning is never sent back.
    """
    answered = {message.tool_call_id for message in messages if message.role == "tool"}
    kept: list[Message] = []
    called: set[str] = set()
    for message in messages:
        if message.tool_calls and not all(call.id in answered for call in message.tool_calls):
            message = message.model_copy(update={"tool_calls": None})
        if message.role == "tool" and message.tool_call_id not in called:
            continue
        if message.role == "tool" and not message.text:
            message = message.model_copy(update={"content": _NO_RESULT})
        if message.role == "assistant" and not (message.text.strip() or message.tool_calls):
            continue
        called.update(call.id for call in message.tool_calls or ())
        kept.append(message.model_copy(update={"reasoning": None}) if message.reasoning else message)
    return kept


def as_heard(message: Message, heard: int | None) -> Message:
    """The answer as the user knows it, of which so many characters were heard; ``None``: all of it.

    It ends with an ellipsis and, in brackets, that the user interrupted: a model that were given the
    whole answer would refer to what was never heard, and one that saw it merely end would think that
    it had meant to. A block of code that was cut in two is closed. Of what was not heard nothing is
    sent, so that an answer interrupted before its first word is that remark alone.
    """
    if heard is None or heard >= len(message.text.rstrip()):
        return message
    known = message.text[:heard].rstrip()
    if known.count(_FENCE) % 2:
        known += f"\n{_FENCE}\n"
    return message.model_copy(update={"content": f"{known}{_CUT_OFF}".lstrip()})


def without_images(messages: Sequence[Message]) -> list[Message]:
    """The messages for a model that does not see: a remark stands where an image was."""
    return [_without_images(message) for message in messages]


def _without_images(message: Message) -> Message:
    if not isinstance(message.content, list):
        return message
    texts = (part.text if isinstance(part, TextPart) else _IMAGE_LEFT_OUT for part in message.content)
    return message.model_copy(update={"content": "\n\n".join(texts)})


def fit(history: Sequence[Message], room: int | None, size: Callable[[Message], int]) -> Fitted:
    """Drop the oldest exchanges until the rest takes no more than ``room`` tokens.

    The last question always stays, whole; what is dropped ends before a user's message, so that no
    answer or tool result is left without what it answers.

    Args:
        history: oldest first, without the system prompt.
        room: tokens; ``None`` is no limit.
        size: estimates the tokens of a message. Not asked where the text is short enough to fit
            whatever it is, since no token is shorter than a byte.
    """
    if room is None or _bytes(history) <= room:
        return Fitted(list(history), left_out=0)
    sizes = [size(message) for message in history]
    excess = sum(sizes) - room
    if excess <= 0:
        return Fitted(list(history), left_out=0)
    step = max(1, room // _STEPS)
    to_drop = -(-excess // step) * step  # whole steps, so that many turns are cut at the same place
    start = dropped = 0
    for index, (message, tokens) in enumerate(zip(history, sizes, strict=True)):
        if message.role == "user":
            start = index
            if dropped >= to_drop:
                break
        dropped += tokens
    return Fitted(list(history[start:]), left_out=start)


def _bytes(history: Sequence[Message]) -> int:
    """At least as many as tokens; an image counts by its data, far above its tokens."""
    calls = (call.function for message in history for call in message.tool_calls or ())
    return (
        sum(len(message.text.encode(errors="replace")) + _MARKS for message in history)
        + sum(len(image.image_url.url) + _IMAGE for message in history for image in message.images)
        + sum(len(call.name) + len(call.arguments) + _MARKS for call in calls)
    )
