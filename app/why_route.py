"""Why an answer came from where it did, in words: its calls, what was skipped, and what took long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from app.figures import duration
from core.chat.delay import Delay, Fault, delay_of

if TYPE_CHECKING:
    from core.chat import Decision
    from core.costs.ledger_records import CallRecord

__all__ = (
    "FAULTS",
    "Fact",
    "call_facts",
    "calls_in_words",
    "choice_facts",
    "delay_in_words",
    "fault_in_words",
    "in_short",
)

Fact = tuple[str, str]
"""A name, and what is told; a name that begins with a digit opens a call."""

FAULTS: dict[Fault, str] = {
    "network": "network",
    "queue": "queue",
    "prompt": "prompt",
    "generation": "thinking",
}
"""What the parts of a delay are called for people."""
_ROLES = {
    "fallback": "after a failure elsewhere",
    "hedge": "beside a slow one",
    "rescue": "to go on with an answer that broke off",
    "repair": "to mend the answer",
    "tools": "with the results of tools",
}
"""What goes before a call's reason; that of a retry says by itself that it is one."""


def in_short(calls: Sequence[CallRecord]) -> str:
    """One sentence: who answered, after what, and what took longest until the first word."""
    answered = next((call for call in reversed(calls) if call.outcome == "answered"), None)
    if answered is None:
        last = calls[-1]
        return f"No route answered: {last.provider} {last.outcome}, after {calls_in_words(len(calls))}."
    told = f"{answered.provider} answered, after {calls_in_words(len(calls))}"
    began = answered if answered.role in ("repair", "tools", "rescue") else None
    first = next((call for call in calls if call.first_content is not None), None) if began else answered
    if first is None or first.first_content is None:
        return f"{told}."
    before = max(0.0, (first.started_at - calls[0].started_at).total_seconds())
    delay = _delay(first)
    fault = fault_in_words(delay, first.provider) if delay else ""
    if before > first.first_content:
        fault = "mostly on calls before"
    seconds = before + first.first_content
    return f"{told}: {duration(seconds)} to the first word{f', {fault}' if fault else ''}."


def call_facts(calls: Sequence[CallRecord]) -> list[Fact]:
    """The calls of one answer, in the order they started: each with its reason, its delay and its error."""
    facts: list[Fact] = []
    for number, call in enumerate(calls, 1):
        facts += [
            (f"{number} {call.role}", f"{call.provider} · {call.model} · {_ending(call)}"),
            *_facts(call),
        ]
    return facts


def choice_facts(decisions: Iterable[Decision]) -> list[Fact]:
    """Who was skipped for an answer, and how long nobody was ready.

    Args:
        decisions: what the router has decided for it; none where another TensorWall gave it.
    """
    known = list(decisions)
    if not known:
        return [("Skipped", "known only in the TensorWall that gave the answer, while it runs")]
    facts: list[Fact] = []
    waited = sum(decision.waited for decision in known)
    if waited:
        facts.append(("Waited", f"{duration(waited)} in all, since no route was ready"))
    skipped = dict.fromkeys(route for decision in known for route in decision.skipped)
    facts += [("Skipped", f"{route.provider} · {route.model} · {route.reason}") for route in skipped]
    if not skipped:
        facts.append(("Skipped", "no route"))
    return [*facts, ("Strategy", known[0].strategy.replace("_", " "))]


def delay_in_words(delay: Delay) -> str:
    """The parts of a delay, such as ``network 40 ms, queue 210 ms, prompt 12 ms, thinking 150 ms``."""
    told = [f"{FAULTS[fault]} {duration(seconds)}" for fault, seconds in delay.parts()]
    if delay.network is None:
        told.insert(0, f"network, queue and prompt {duration(delay.untold)}, not told apart")
    return ", ".join(told)


def fault_in_words(delay: Delay, provider: str) -> str:
    """Whose fault it was, such as ``mostly in the queue of groq``; empty where nobody tells."""
    match delay.fault:
        case "network":
            return "mostly on the network"
        case "queue":
            return f"mostly in the queue of {provider}"
        case "prompt":
            return "mostly for reading the prompt"
        case "generation":
            return "mostly for thinking"
        case None:
            return ""


def _facts(call: CallRecord) -> list[Fact]:
    """What is told of one call below its head; what did not happen is left out."""
    reason = "" if call.reason in ("", call.role) else call.reason
    facts = [("Why", ": ".join(part for part in (_ROLES.get(call.role, ""), reason) if part))]
    if delay := _delay(call):
        fault = fault_in_words(delay, call.provider)
        facts.append(("Delay", f"{delay_in_words(delay)}{f': {fault}' if fault else ''}"))
    facts.append(("Error", ": ".join(part for part in (call.error_type, call.error) if part)))
    return [fact for fact in facts if fact[1]]


def _delay(call: CallRecord) -> Delay | None:
    return delay_of(call.first_token, call.first_content, call.queue_time, call.prompt_time)


def _ending(call: CallRecord) -> str:
    if call.outcome == "running":
        return "is running"
    if call.first_content is not None and call.outcome == "answered":
        return f"answered, first word after {duration(call.first_content)}"
    return f"{call.outcome} after {duration(call.duration)}"


def calls_in_words(number: int) -> str:
    """``1 call``, ``12 calls``."""
    return "1 call" if number == 1 else f"{number:,} calls"
