"""A simple tokenizer: pieces of about four characters that join to the text exactly.

Not any model's own vocabulary, so its counts are plausible rather than true; the simulator bills by
them consistently, which is what a client can test against.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ("IMAGE_TOKENS", "prompt_pieces", "split_tokens")

IMAGE_TOKENS = 2_048
"""What an image counts as (https://console.groq.com/docs/vision)."""

_PIECE = re.compile(
    r"[ ]?[A-Za-z\u00aa-\u2e7f]{1,8}"  # up to eight letters (or general symbols), with the space before
    r"|\d{1,3}"
    r"|[ ]?[!-/:-@\[-`{-~]{1,3}"  # ASCII punctuation
    r"|[ \t]*\n+"
    r"|[ \t]{1,16}"
    r"|.",  # one ideograph, syllable, emoji or control character
    re.DOTALL,
)


def split_tokens(text: str) -> list[str]:
    """The pieces of a text, in order; joined they are the text."""
    return _PIECE.findall(text)


def prompt_pieces(messages: Iterable[Mapping[str, Any]], tools: list[Any] | None) -> list[str]:
    """A prompt as the model reads it: role marks, texts, images (each ``IMAGE_TOKENS`` pieces), tools."""
    pieces: list[str] = []
    if tools:
        pieces += split_tokens(json.dumps(tools, sort_keys=True))
    for message in messages:
        pieces += ("<|start|>", str(message.get("role")), "<|message|>")
        content = message.get("content")
        parts: list[dict[str, Any]] = (
            [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        )
        for part in parts:
            if part.get("type") == "image_url":
                pieces += [part["image_url"]["url"]] * IMAGE_TOKENS
            else:
                pieces += split_tokens(part.get("text", ""))
        for call in message.get("tool_calls") or []:
            pieces += split_tokens(json.dumps(call["function"]))
        pieces.append("<|end|>")
    pieces.append("<|assistant|>")
    return pieces
