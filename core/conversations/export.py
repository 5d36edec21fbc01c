"""A conversation as a document: Markdown to read, JSON to keep; these run on the storage worker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from core.conversations.sessions import require_session
from core.conversations.stored import Session, StoredMessage
from core.conversations.tree import all_messages, branch
from core.costs.ledger import calls_of
from core.costs.ledger_records import CallRecord
from core.costs.money import all_digits

__all__ = ("JSON_FORMAT", "JSON_VERSION", "export_json", "export_markdown")

JSON_FORMAT = "tensorwall.conversation"
JSON_VERSION = 1
_SPEAKERS = {"user": "You", "system": "System", "developer": "Developer", "tool": "Tool"}
_UNHEARD = "> Heard up to here; what follows was interrupted while it was read aloud."
_ENDINGS = {
    "stopped": "Stopped here.",
    "interrupted": "Interrupted here: TensorWall ended while the answer was arriving.",
    "streaming": "Still being written.",
}


def export_json(connection: Connection, session_id: str) -> str:
    """Every branch and every call, with nothing left out.

    The object has ``format`` and ``version`` (raised when a reader of the old one would misread it),
    ``session``, ``messages`` (parents before children; ``parent_id`` makes them a tree) and ``calls``
    (the ledger). Times are ISO 8601 in UTC; money is US dollars as decimal text.
    """
    session = require_session(connection, session_id)
    document = {
        "format": JSON_FORMAT,
        "version": JSON_VERSION,
        "session": asdict(session),
        "messages": [_message(stored) for stored in all_messages(connection, session_id)],
        "calls": [asdict(call) for call in calls_of(connection, session_id)],
    }
    return json.dumps(document, indent=2, default=_plain) + "\n"


def export_markdown(connection: Connection, session_id: str) -> str:
    """The branch on screen, under front matter with its dates, models, tokens and cost.

    The cost is that of the whole conversation, other branches included.
    """
    session = require_session(connection, session_id)
    messages = branch(connection, session_id, None)
    parts = [_front_matter(session, messages, calls_of(connection, session_id)), f"# {session.title}"]
    parts += [_section(stored) for stored in messages]
    return "\n\n".join(parts) + "\n"


def _message(stored: StoredMessage) -> dict[str, Any]:
    record = asdict(stored)
    record["message"] = {"content": None, **stored.message.model_dump(mode="json", exclude_none=True)}
    return record


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return all_digits(value)
    raise TypeError(f"{type(value).__name__} has no place in an export")


def _front_matter(session: Session, messages: Sequence[StoredMessage], booked: Sequence[CallRecord]) -> str:
    models = dict.fromkeys(
        f"{stored.provider}/{stored.model}" if stored.provider else stored.model
        for stored in messages
        if stored.message.role == "assistant" and stored.model
    )
    over = [call for call in booked if call.outcome != "running"]
    cost = sum((call.cost for call in over if call.cost is not None), Decimal(0))
    lines = {
        "title": session.title,
        "session": session.id,
        "created": session.created_at.isoformat(timespec="seconds"),
        "updated": session.updated_at.isoformat(timespec="seconds"),
        "models": list(models),
        "messages": len(messages),
        "prompt_tokens": sum(call.prompt_tokens for call in over),
        "completion_tokens": sum(call.completion_tokens for call in over),
        "cost_usd": all_digits(cost),
        "cost_estimated": any(call.estimated for call in over),
        "calls_without_price": sum(call.cost is None for call in over),
    }
    # JSON values are YAML values (https://yaml.org/spec/1.2.2/), so nothing in a title can break out
    body = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in lines.items())
    return f"---\n{body}\n---"


def _section(stored: StoredMessage) -> str:
    message = stored.message
    speaker = _SPEAKERS.get(message.role) or stored.model or "Assistant"
    parts = [f"## {speaker} · {stored.created_at.isoformat(sep=' ', timespec='minutes')}"]
    if message.reasoning:
        parts.append(f"<details><summary>Reasoning</summary>\n\n{message.reasoning}\n\n</details>")
    if message.text:
        parts += _heard_and_not(message.text, stored.heard)
    parts += [f"*(image: {_image(part.image_url.url)})*" for part in message.images]
    parts += [_tool_call(call.function.name, call.function.arguments) for call in message.tool_calls or ()]
    if stored.state == "failed":
        parts.append(f"> Failed: {stored.error or stored.error_type or 'unknown'}")
    elif stored.state in _ENDINGS:
        parts.append(f"> {_ENDINGS[stored.state]}")
    return "\n\n".join(parts)


def _heard_and_not(text: str, heard: int | None) -> list[str]:
    """The text, with a line where one ceased to listen to it."""
    parts = [text] if heard is None else [text[:heard].rstrip(), _UNHEARD, text[heard:].lstrip("\n")]
    return [part for part in parts if part]


def _image(url: str) -> str:
    if not url.startswith("data:"):
        return f"<{url}>"
    header, _, payload = url.partition(",")
    return f"{header.removeprefix('data:').removesuffix(';base64')}, {len(payload) * 3 // 4:,} bytes"


def _tool_call(name: str, arguments: str) -> str:
    return f"Called `{name}`:\n\n```json\n{arguments}\n```"
