"""What the simulated model writes for a request, token by token, before any of it is sent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from app.simulator.answers import answer
from app.simulator.content import shaped
from app.simulator.errors import ApiError, json_validate_failed, tool_use_failed
from app.simulator.json_answers import instance, json_object
from app.simulator.options import Options
from app.simulator.tokens import split_tokens
from app.simulator.tool_calls import MadeCall, answer_to_results, calls_for
from app.simulator.validation import ChatCall

__all__ = ("Generation", "generate")

_EFFORT_TOKENS = {"none": 0, "low": 8, "medium": 32, "high": 96}


@dataclass(frozen=True, slots=True)
class Generation:
    """A finished piece of writing.

    Attributes:
        reasoning: tokens of the reasoning, whether they are shown or not.
        content: tokens of the answer.
        tool_calls: calls with their arguments cut into tokens.
        finish_reason: why it ends.
        error: what comes instead of content where the output would be invalid. A stream tells so in an
            event after the reasoning, another call by its status.
    """

    reasoning: list[str] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    tool_calls: list[tuple[MadeCall, list[str]]] = field(default_factory=list)
    finish_reason: Literal["stop", "length", "tool_calls"] = "stop"
    error: ApiError | None = None

    @property
    def completion_tokens(self) -> int:
        """Everything written, as it is billed: reasoning included."""
        return len(self.reasoning) + len(self.content) + sum(1 + len(pieces) for _, pieces in self.tool_calls)


def generate(call: ChatCall, options: Options) -> Generation:
    """Write the answer; the same request and options give the same one."""
    seed = options.seed if call.seed is None else call.seed
    random = Random(f"{seed} {call.prompt} {len(call.messages)}")
    reasoning = _reasoning(call, options)
    calls = calls_for(call, made=options.tool_calls, random=random)
    cap = call.max_tokens if call.max_tokens is not None else call.model.max_completion_tokens
    if calls:
        return _tool_generation(call, reasoning, calls, cap)
    content = _content(call, options, seed)
    stopped = _stopped(content, call.stop)
    if len(reasoning) + len(stopped) <= cap:
        return Generation(reasoning, stopped)
    kept = reasoning[:cap]
    cut = stopped[: cap - len(kept)]
    if call.wants_json:
        reason = "max completion tokens reached before generating a valid document"
        error = json_validate_failed("".join(cut), reason)
        return Generation(kept, error=error)
    return Generation(kept, cut, finish_reason="length")


def _reasoning(call: ChatCall, options: Options) -> list[str]:
    if call.reasoning_effort == "none":
        return []
    if options.reasoning is not None:
        return split_tokens(options.reasoning)
    wanted = options.reasoning_tokens
    if wanted is None:
        wanted = _EFFORT_TOKENS[call.reasoning_effort]
    return list(itertools.islice(_thoughts(call.prompt), wanted))


def _thoughts(prompt: str) -> Iterator[str]:
    subject = " ".join(prompt.split())[:120]
    yield from split_tokens(
        f"The user writes: “{subject}”. I am a simulator, so this reasoning is prepared. "
    )
    while True:
        yield from split_tokens(
            "What do they want to know? A short, friendly reply fits best. I should say that it is "
            "simulated, keep to a few points and end with a next step. Let me check the tone once more. "
        )


def _content(call: ChatCall, options: Options, seed: int) -> list[str]:
    if isinstance(options.text, list):
        return options.text
    if options.text is not None:
        return split_tokens(options.text)
    if call.schema is not None:
        return split_tokens(json.dumps(instance(call.schema, call.prompt or "simulated"), ensure_ascii=False))
    if call.wants_json:
        return split_tokens(json_object(call.prompt))
    if options.content != "answer":
        return shaped(options.content, options.tokens, seed)
    pieces = split_tokens(
        answer_to_results(call.messages) or answer(call.prompt, seed, instructions=call.instructions)
    )
    if options.tokens is None:
        return pieces
    return list(itertools.islice(itertools.cycle([*pieces, "\n\n"]), options.tokens))


def _stopped(pieces: list[str], stops: list[str]) -> list[str]:
    """The pieces up to the first stop sequence, which is left out."""
    if not stops:
        return pieces
    text = "".join(pieces)
    places = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    if not places:
        return pieces
    room = min(places)
    kept: list[str] = []
    for piece in pieces:
        if room <= 0:
            break
        kept.append(piece[:room])
        room -= len(piece)
    return kept


def _tool_generation(call: ChatCall, reasoning: list[str], calls: list[MadeCall], cap: int) -> Generation:
    unknown = next((made for made in calls if made.name not in call.tool_names), None)
    if unknown is not None:
        error = tool_use_failed(
            f'{{"name": "{unknown.name}", "arguments": {unknown.arguments}}}',
            f"Tool call validation failed: attempted to call tool '{unknown.name}' which was not in "
            "request.tools",
        )
        return Generation(reasoning[:cap], error=error)
    whole = Generation(reasoning, [], [(made, split_tokens(made.arguments)) for made in calls], "tool_calls")
    if whole.completion_tokens <= cap:
        return whole
    error = tool_use_failed(f'{{"name": "{calls[0].name}", "arguments": {calls[0].arguments[: 2 * cap]}')
    return Generation(reasoning[:cap], error=error)
