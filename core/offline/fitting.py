"""A request as a small model can take it: text alone, and no more than its window holds."""

from __future__ import annotations

from core.chat import ChatRequest, Message
from core.conversations.replay import fit, without_images

__all__ = ("LONGEST_ANSWER", "fitted")

_ANSWER_SHARE = 4
"""A fourth of the window is kept for the answer."""
LONGEST_ANSWER = 512
"""Tokens; a small model that has not come to its end by then never does."""
_MARKS = 8
"""Tokens for the marks around a message."""
_INSTRUCTIONS = ("system", "developer")


def fitted(request: ChatRequest, window: int, system_prompt: str = "") -> ChatRequest:
    """The request as the model can take it: text alone, without the oldest messages that do not fit.

    Args:
        request: as it would be sent to a large model.
        window: tokens that prompt and answer may take together.
        system_prompt: what a request without instructions begins with.
    """
    messages = without_images(request.messages)
    opening = next((i for i, message in enumerate(messages) if message.role not in _INSTRUCTIONS), 0)
    instructions, history = messages[:opening], messages[opening:]
    if system_prompt and not instructions:
        instructions = [Message(role="system", content=system_prompt)]
    answer = min(window // _ANSWER_SHARE, request.max_completion_tokens or LONGEST_ANSWER)
    room = window - answer - sum(_most_tokens(message) for message in instructions)
    kept = fit(history, max(0, room), _most_tokens).messages
    return request.model_copy(
        update={
            "messages": [*instructions, *kept],
            "max_completion_tokens": answer,
            "tools": None,
            "tool_choice": None,
            "parallel_tool_calls": None,
        }
    )


def _most_tokens(message: Message) -> int:
    """More tokens than the text is likely to be: small models split words, and other scripts, finely.

    Their vocabularies were seen to take 0.25 tokens for a byte of English, 0.45 of code and 0.65 of Chinese.
    """
    text = message.text
    tokens = len(text) // 2 if text.isascii() else len(text.encode(errors="replace")) * 2 // 3
    return tokens + _MARKS
