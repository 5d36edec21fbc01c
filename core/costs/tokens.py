"""Token counts by estimate, for live display and admission; what a provider bills always replaces them.

Rules in place of a vocabulary of megabytes: a text is cut as byte-pair tokenizers cut it before they
merge (https://github.com/openai/tiktoken, ``o200k_base``), and each piece counts by its length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from core.chat import ChatRequest, ImagePart, JsonSchemaFormat, Message

__all__ = ("estimate_prompt_tokens", "estimate_tokens")

_PIECES = re.compile(
    r"(?P<latin>[A-Za-z\u00aa-\u024f]+)"
    r"|(?P<digits>\d{1,3})"
    r"|(?P<han>[\u2e80-\u2fff\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
    r"|(?P<kana>[\u3041-\u30ff\uff66-\uff9d]+)"
    r"|(?P<hangul>[\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff]+)"
    r"|(?P<cyrillic>[\u0370-\u052f]+)"  # and Greek
    r"|(?P<letters>(?:[^\W\d_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u109f])+)"  # and their marks
    r"|(?P<space>[^\S ]\s*| {2,})"  # one blank belongs to the word after it
    r"|(?P<emoji>[\U0001f000-\U0001ffff])"
    r"|(?P<other>[^\w\s\U0001f000-\U0001ffff]+|_+)"
)
# Characters a token, fitted to o200k_base on prose, code, JSON and Markdown in ten languages: the sum
# is within 15 % of the true count for each of them (tests/core/costs/test_tokens.py).
_CHARACTERS_PER_TOKEN = {
    "latin": 9.0,
    "digits": 3.0,
    "han": 1.65,
    "kana": 1.6,
    "hangul": 2.3,
    "cyrillic": 6.0,
    "letters": 3.8,
    "space": 16.0,
    "emoji": 0.5,
    "other": 2.0,
}

_PER_MESSAGE = 4  # the marks around a message and its role
_PER_TOOL = 8
_FIXED = 8  # the mark that opens the answer, and the date and name that templates add
_PER_IMAGE = 2048  # Groq's figure for its vision model (https://console.groq.com/docs/vision)
_PER_SMALL_IMAGE = 85  # detail "low" (https://platform.openai.com/docs/guides/images-vision)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is; 0 for an empty one."""
    tokens = 0
    for piece in _PIECES.finditer(text):
        length = piece.end() - piece.start()
        tokens += -int(-length // _CHARACTERS_PER_TOKEN[piece.lastgroup or "other"])
    return tokens or (1 if text else 0)


def estimate_prompt_tokens(request: ChatRequest) -> int:
    """About how many tokens a request's messages, images, tools and schema are."""
    tokens = _FIXED + sum(_message_tokens(message) for message in request.messages)
    for tool in request.tools or ():
        tokens += _PER_TOOL + estimate_tokens(tool.function.model_dump_json(exclude_none=True))
    if isinstance(request.response_format, JsonSchemaFormat):
        tokens += estimate_tokens(json.dumps(request.response_format.json_schema.schema_))
    return tokens


def _message_tokens(message: Message) -> int:
    tokens = _PER_MESSAGE + estimate_tokens(message.text) + _image_tokens(message.images)
    for call in message.tool_calls or ():
        tokens += _PER_TOOL + estimate_tokens(call.function.name) + estimate_tokens(call.function.arguments)
    return tokens


def _image_tokens(images: Iterable[ImagePart]) -> int:
    return sum(_PER_SMALL_IMAGE if image.image_url.detail == "low" else _PER_IMAGE for image in images)
