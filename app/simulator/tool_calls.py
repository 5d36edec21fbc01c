"""When the simulated model calls a tool, with which arguments, and what it makes of the result."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from app.simulator.json_answers import instance
from app.simulator.messages import text_of
from app.simulator.options import ToolCallOption
from app.simulator.validation import ChatCall

__all__ = ("MadeCall", "answer_to_results", "calls_for")

_TOO_COMMON = frozenset(
    {"the", "get", "set", "list", "find", "make", "from", "with", "and", "for", "run", "tool"}
)


@dataclass(frozen=True, slots=True)
class MadeCall:
    """One tool call; ``arguments`` is JSON text."""

    id: str
    name: str
    arguments: str

    def wire(self) -> dict[str, Any]:
        """As it stands in a message."""
        return {
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        }


def calls_for(
    call: ChatCall, *, made: list[ToolCallOption] | list[list[ToolCallOption]] | None, random: Random
) -> list[MadeCall]:
    """The tool calls to answer with; none where the answer is text.

    With ``auto`` a tool is called when the prompt names it or shares a telling word with its name
    (``get_weather`` and "weather"). Several places in a prompt are several calls of one tool, where
    parallel calls are allowed. A conversation that ends with tool results gets text.

    Args:
        call: the request.
        made: calls set from outside, taken as they are; a list of lists has those of one round each, and
            after the last of them comes text. Calls that the request rules out are not made.
        random: where ids come from.
    """
    if made is not None and not (call.tools and call.tool_choice == "none"):
        texts = [
            (c.name, c.arguments if isinstance(c.arguments, str) else json.dumps(c.arguments))
            for c in _of_round(made, call.messages)
        ]
        return [MadeCall(_id(random), name, text) for name, text in texts]
    if call.tool_choice == "none" or not call.tools or call.messages[-1]["role"] == "tool":
        return []
    functions = [tool["function"] for tool in call.tools]
    if call.tool_choice.startswith("function:"):
        chosen = [f for f in functions if f["name"] == call.tool_choice.removeprefix("function:")]
    else:
        chosen = [function for function in functions if _suggested(function["name"], call.prompt)]
        if not chosen and call.tool_choice == "required":
            chosen = functions[:1]
    calls = [
        MadeCall(_id(random), function["name"], json.dumps(arguments))
        for function in chosen
        for arguments in _arguments(function.get("parameters", {}), call.prompt)
    ]
    return calls if call.parallel_tool_calls else calls[:1]


def answer_to_results(messages: list[dict[str, Any]]) -> str | None:
    """A text about the tool results a conversation ends with; ``None`` where it ends otherwise."""
    names: dict[str, str] = {}
    for message in messages:
        for made in message.get("tool_calls") or ():
            names[made["id"]] = made["function"]["name"]
    results = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.append(f"- `{names.get(message['tool_call_id'], 'tool')}`: {text_of(message)}\n")
    if not results:
        return None
    return f"Here is what the tools returned (simulated answer):\n\n{''.join(reversed(results))}"


def _of_round(
    made: list[ToolCallOption] | list[list[ToolCallOption]], messages: list[dict[str, Any]]
) -> list[ToolCallOption]:
    """The calls for this place in a chain: so many rounds there were since the user last spoke."""
    rounds = [part for part in made if isinstance(part, list)]
    if not rounds:
        return [part for part in made if not isinstance(part, list)]
    asked = max((place for place, message in enumerate(messages) if message["role"] == "user"), default=0)
    past = sum(bool(message.get("tool_calls")) for message in messages[asked:])
    return rounds[past] if past < len(rounds) else []


def _id(random: Random) -> str:
    return f"fc_{uuid.UUID(int=random.getrandbits(128), version=4)}"


def _suggested(name: str, prompt: str) -> bool:
    asked = prompt.casefold()
    if name.casefold() in asked:
        return True
    telling = {word for word in re.split(r"[^a-z]+", name.casefold()) if len(word) > 2} - _TOO_COMMON
    return bool(telling & set(re.findall(r"[a-z]+", asked)))


def _arguments(parameters: Mapping[str, Any], prompt: str) -> list[dict[str, Any]]:
    """Arguments of one call, or of several where the prompt names several places or things."""
    subjects = _subjects(prompt)
    values = [_filled(parameters, subject, prompt) for subject in subjects]
    return [value for index, value in enumerate(values) if value not in values[:index]]


def _subjects(prompt: str) -> list[str]:
    quoted = re.findall(r'["“]([^"”]+)["”]', prompt)
    if quoted:
        return quoted
    names = re.findall(r"(?<![.?!]\s)(?<!^)\b[A-Z][\w-]*(?: [A-Z][\w-]*)*", prompt)
    return [name for name in names if name != "I"] or [" ".join(prompt.split()) or "simulated"]


def _filled(parameters: Mapping[str, Any], subject: str, prompt: str) -> dict[str, Any]:
    """An instance of the schema whose free strings are the subject and whose numbers are the prompt's."""
    made = instance({**parameters, "type": "object"}, subject)
    assert isinstance(made, dict)
    properties: Mapping[str, Any] = parameters.get("properties", {})
    numbers = [int(text) for text in re.findall(r"(?<![\w.])\d{1,9}(?!\w|\.\d)", prompt)]
    for name, schema in properties.items():
        if isinstance(schema, Mapping) and "anyOf" in schema and "default" in schema:
            del made[name]  # models leave out what need not be said
            continue
        plain = isinstance(schema, Mapping) and not (
            schema.keys() - {"type", "description", "title", "default"}
        )
        if plain and schema.get("type") == "string":
            made[name] = _arithmetic(prompt) or subject if name == "expression" else subject
        elif plain and schema.get("type") in {"integer", "number"} and numbers:
            made[name] = numbers.pop(0)
    return made


def _arithmetic(prompt: str) -> str:
    """The longest run of a prompt that reads as arithmetic."""
    runs = re.findall(r"[\d(][\d\s.()+*/%-]*[\d)]", prompt)
    return max(runs, key=len, default="")
