"""Checking a whole answer, and one that the provider would not even pass on."""

from __future__ import annotations

from core.chat import ChatResponse, JsonSchemaFormat, ResponseFormat
from core.errors import AllRoutesFailed, OutputInvalid, TensorWallError
from core.structured.violations import Violation, find_violations

__all__ = ("check_answer", "check_refusal", "refused_output", "verdict")

_TOLD = 3
"""Violations that a person is told of at once."""


def check_answer(answer: ChatResponse, wanted: ResponseFormat) -> tuple[Violation, ...]:
    """What is wrong with an answer; nothing where it is no answer yet but calls of tools."""
    if answer.finish_reason in ("tool_calls", "content_filter"):
        return ()
    violations = find_violations(answer.text, wanted)
    if violations and answer.finish_reason == "length":
        return (_at_end(answer.text, "it was cut off at the longest length allowed"),)
    return violations


def check_refusal(text: str, wanted: ResponseFormat, message: str) -> tuple[Violation, ...]:
    """What is wrong with a text that the provider refused; its own message tells why it is not JSON."""
    found = find_violations(text, wanted) if text.strip() else ()
    return found if found and found[0].pointer is not None else (*found, _at_end(text, message))


def refused_output(error: TensorWallError) -> OutputInvalid | None:
    """The provider's refusal of what its model wrote, where that is why there is no answer."""
    causes = error.causes if isinstance(error, AllRoutesFailed) else (error,)
    return next((cause for cause in reversed(causes) if isinstance(cause, OutputInvalid)), None)


def verdict(violations: tuple[Violation, ...], wanted: ResponseFormat) -> str:
    """What is wrong, in a sentence: the first violations, and how many there are besides."""
    what = "does not fit the schema" if isinstance(wanted, JsonSchemaFormat) else "is not one JSON object"
    if violations[0].pointer is None:
        what = "is not valid JSON"
    told = "; ".join(str(violation).rstrip(".") for violation in violations[:_TOLD])
    more = f"; and {len(violations) - _TOLD} more" if len(violations) > _TOLD else ""
    return f"The answer {what}: {told}{more}."


def _at_end(text: str, message: str) -> Violation:
    return Violation(message, text.count("\n") + 1, len(text) - text.rfind("\n"))
