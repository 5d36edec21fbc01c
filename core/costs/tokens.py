"""Token counts by estimate, for live display and admission; what a provider bills always replaces them.

Rules in place of a vocabulary of megabytes: a text is cut as byte-pair tokenizers cut it before they
merge (https://github.com/openai/tiktoken, ``o200k_base``), and long pieces are cut again by length.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable

from core.chat import ChatRequest, JsonSchemaFormat, Message
from core.costs.relayed_prompt import RelayedPrompt, read_prompt

__all__ = (
    "at_most",
    "estimate_message_tokens",
    "estimate_prompt_tokens",
    "estimate_tokens",
    "prompt_tokens_at_most",
    "prompt_tokens_bounds",
    "tokens_of_length",
)

# Each match is one token. The lengths are fitted to o200k_base on prose, code, JSON and Markdown in ten
# languages: every sum is within 15 % of the true count (tests/core/costs/test_tokens.py).
_COMMON = (
    r"[A-Za-z]{1,9}"
    r"|\d{1,3}"
    r"|[^\S ]\s{0,15}| {2,16}"  # a single blank belongs to the word after it
    r"|[^\w\s]{1,2}|_{1,2}"
)
_HAN = r"\u2e80-\u2fff\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = r"\u3041-\u30ff\uff66-\uff9d"
_EMOJI = r"\U0001f000-\U0001ffff"
_ASCII_TOKENS = re.compile(_COMMON)
_TOKENS = re.compile(
    rf"(?![{_HAN}{_KANA}{_EMOJI}])(?:"
    r"[A-Za-z\u00aa-\u024f]{1,9}"
    r"|[\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff]{1,2}"  # Hangul
    r"|[\u0370-\u052f]{1,6}"  # Greek and Cyrillic
    r"|(?:[^\W\d_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u109f]){1,4}"  # letters and their marks
    rf"|{_COMMON})"
)
_EAST_ASIAN = re.compile(f"[{_HAN}{_KANA}]")
_EAST_ASIAN_PER_TOKEN = 1.5
_EMOJIS = re.compile(f"[{_EMOJI}]")
_TOKENS_PER_EMOJI = 2

_CHARACTERS_PER_TOKEN = 4
"""The usual rule of thumb for English (https://platform.openai.com/tokenizer)."""

_PER_MESSAGE = 4  # the marks around a message and its role
_PER_TOOL = 8
_DOUBT = 1.25
"""The estimate is within 15 % of the truth; chat templates add a little."""
_MOST_KNOWN = 4096
"""Texts whose counts are kept, by hash and length: the texts themselves may be large, and private."""
_known: dict[tuple[int, int], int] = {}

_FIXED = 8  # the mark that opens the answer, and the date and name that templates add
_PER_IMAGE = 2048  # Groq's figure for its vision model (https://console.groq.com/docs/vision)
_PER_SMALL_IMAGE = 85  # detail "low" (https://platform.openai.com/docs/guides/images-vision)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is; 0 for an empty one. Takes well below 1 µs a token."""
    if text.isascii():
        tokens = len(_ASCII_TOKENS.findall(text))
    else:
        tokens = len(_TOKENS.findall(text))
        tokens += math.ceil(len(_EAST_ASIAN.findall(text)) / _EAST_ASIAN_PER_TOKEN)
        tokens += _TOKENS_PER_EMOJI * len(_EMOJIS.findall(text))
    return tokens or (1 if text else 0)


def tokens_of_length(characters: int) -> int:
    """About how many tokens a text of that length is, for where the text itself is gone; rounded up."""
    return -(-characters // _CHARACTERS_PER_TOKEN)


def estimate_prompt_tokens(request: ChatRequest) -> int:
    """About how many tokens a request's messages, images, tools and schema are.

    Of a relayed request all that it says counts, what nobody here knows by its length.
    Takes 0.2 ms per thousand tokens, and next to nothing for messages it has seen before.
    """
    if request.relayed is None:
        return _tokens_asked(request)
    prompt = read_prompt(request.relayed)
    return _tokens_read(prompt) + tokens_of_length(prompt.unread)


def prompt_tokens_at_most(request: ChatRequest) -> int:
    """The most tokens that a request's prompt may turn out to be: what budgets and limits set aside."""
    return at_most(estimate_prompt_tokens(request))


def prompt_tokens_bounds(request: ChatRequest) -> tuple[int, int]:
    """The fewest and the most tokens that a request's prompt may turn out to be.

    Of what nobody here knows there may be none.
    """
    if request.relayed is None:
        known, unread = _tokens_asked(request), 0
    else:
        prompt = read_prompt(request.relayed)
        known, unread = _tokens_read(prompt), prompt.unread
    return int(known / _DOUBT), at_most(known + tokens_of_length(unread))


def at_most(estimate: int) -> int:
    """The most tokens that an estimated prompt may turn out to be."""
    return int(estimate * _DOUBT) + 1


def _tokens_asked(request: ChatRequest) -> int:
    tokens = _FIXED + sum(estimate_message_tokens(message) for message in request.messages)
    for tool in request.tools or ():
        tokens += _PER_TOOL + _known_tokens(tool.function.model_dump_json(exclude_none=True))
    if isinstance(request.response_format, JsonSchemaFormat):
        tokens += _known_tokens(json.dumps(request.response_format.json_schema.schema_))
    return tokens


def _tokens_read(prompt: RelayedPrompt) -> int:
    """As `_tokens_asked`, of what a client's body was found to say."""
    return (
        _FIXED
        + _PER_MESSAGE * prompt.messages
        + _PER_TOOL * prompt.tools
        + sum(map(_known_tokens, prompt.texts))
        + sum(map(_known_tokens, prompt.definitions))
        + _image_tokens(prompt.details)
    )


def estimate_message_tokens(message: Message) -> int:
    """About how many tokens one message adds to a prompt; as quick as `estimate_prompt_tokens`."""
    tokens = (
        _PER_MESSAGE
        + _known_tokens(message.text)
        + _image_tokens(image.image_url.detail for image in message.images)
    )
    for call in message.tool_calls or ():
        tokens += _PER_TOOL + estimate_tokens(call.function.name) + estimate_tokens(call.function.arguments)
    return tokens


def _known_tokens(text: str) -> int:
    """As `estimate_tokens`, reckoned once a text: a conversation's are asked for with every turn."""
    key = (hash(text), len(text))
    tokens = _known.get(key)
    if tokens is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        tokens = _known[key] = estimate_tokens(text)
    return tokens


def _image_tokens(details: Iterable[object]) -> int:
    return sum(_PER_SMALL_IMAGE if detail == "low" else _PER_IMAGE for detail in details)
