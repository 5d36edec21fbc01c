"""How JSON is asked for, by what the models can, and how a broken answer is handed back."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from core.chat import JsonObjectFormat, JsonSchemaFormat, Message, ResponseFormat
from core.structured.violations import Violation

__all__ = ("asked_of", "repair_messages")


def asked_of(
    wanted: ResponseFormat, capabilities: Collection[str] | None, prompt: str
) -> tuple[ResponseFormat | None, str]:
    """What goes on the wire for a format that is wanted, and the system prompt to go with it.

    A model that takes no schema is put into JSON mode, and reads the schema in its instructions; one
    that has no JSON mode is told what to write. Whoever asks checks the answer in any case.

    Args:
        wanted: what the answer has to be.
        capabilities: as in the catalogue; ``None`` where they are unknown, so that what is wanted is sent.
        prompt: the system prompt without this.
    """
    if isinstance(wanted, JsonSchemaFormat):
        if capabilities is None or "json_schema" in capabilities:
            return wanted, prompt
        schema = json.dumps(wanted.json_schema.schema_, ensure_ascii=False)
        prompt = _with(prompt, f"Answer with JSON alone that fits this JSON schema:\n{schema}")
    elif "json" not in prompt.lower():
        # Without the word JSON mode is refused: https://console.groq.com/docs/structured-outputs
        prompt = _with(prompt, "Answer with one JSON object alone.")
    has_mode = capabilities is None or "json_object" in capabilities
    return (JsonObjectFormat() if has_mode and _is_object(wanted) else None), prompt


def repair_messages(answer: str, violations: Sequence[Violation]) -> list[Message]:
    """What follows a request whose answer broke the rules, to have it mended.

    Args:
        answer: as the model wrote it; may be empty, or cut off.
        violations: what is wrong with it.
    """
    told = "\n".join(f"- {violation}" for violation in violations)
    complaint = f"That is not the JSON I asked for:\n{told}\nAnswer again with the corrected JSON alone."
    broken = [Message(role="assistant", content=answer)] if answer.strip() else []
    return [*broken, Message(role="user", content=complaint)]


def _is_object(wanted: ResponseFormat) -> bool:
    """Whether JSON mode, which knows objects alone, can give what is wanted."""
    return not isinstance(wanted, JsonSchemaFormat) or wanted.json_schema.schema_.get("type") in (
        "object",
        None,
    )


def _with(prompt: str, instruction: str) -> str:
    return f"{prompt}\n\n{instruction}".lstrip()
