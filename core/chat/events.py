"""What happens while an answer streams; the hot path, so plain frozen dataclasses.

A stream is: ``RouteChosen``, then for each failed try ``RouteChanged`` (or ``Waiting``) and a new
``RouteChosen``; deltas; ``LimitsReported`` and ``UsageReported`` where the provider says so; and
``Finished`` last. An answer that breaks off may be gone on with by another call: a ``RouteChanged``, a
``RouteChosen`` that ``continues``, and further deltas. One that calls tools or has to be JSON begins anew
where what has come of it can be taken back: a ``RouteChanged``, a ``RouteChosen`` that does not continue,
and all deltas from the first on. A stream that fails raises one of ``core.errors`` instead of ``Finished``.
After it a turn of the assistant may tell ``SoftLimitPassed``. The answer to a relayed request has a
``Relayed`` before the events that were read from it, but for the rest of one that broke off.
``AnswerRejected`` comes before the whole stream of a better answer.

Where the assistant runs tools, each stream whose answer calls some is followed by a ``ToolStarted`` and a
``ToolFinished`` for each call, as they come, then by ``AnswerContinued`` and the whole stream of what the
model makes of the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.chat.usage import RateLimits, Usage

__all__ = (
    "AnswerContinued",
    "AnswerRejected",
    "Event",
    "FinishReason",
    "Finished",
    "LimitsReported",
    "ModelLoading",
    "OutputCapped",
    "ReasoningDelta",
    "Relayed",
    "RouteChanged",
    "RouteChosen",
    "SoftLimitPassed",
    "TextDelta",
    "ToolCallDelta",
    "ToolFinished",
    "ToolStarted",
    "ToolsMissing",
    "UsageReported",
    "Waiting",
)

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True, slots=True)
class RouteChosen:
    """A call is about to be sent.

    Attributes:
        call_id: identifies the upstream call in the decision record and the ledger.
        route: the name the request asked for.
        provider: who is called.
        model: the provider's own id of the model.
        reason: why this route, one phrase.
        caution: what has to be said of its answers, such as ``small model, may be wrong``.
        continues: the answer goes on where the last call broke off; otherwise it begins anew, and what has
            come of it before counts no more.
    """

    call_id: str
    route: str
    provider: str
    model: str
    reason: str
    caution: str = ""
    continues: bool = False


@dataclass(frozen=True, slots=True)
class RouteChanged:
    """The router moved on; one dim line for the user."""

    from_provider: str
    from_model: str
    to_provider: str
    to_model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """No route is ready; the next try comes after ``seconds``.

    Attributes:
        seconds: at most; it may come sooner.
        reason: a phrase.
        predicted: nothing is broken: the limits of the route are known to have no room before.
        label: the provider that is waited for, by its name for people.
    """

    seconds: float
    reason: str
    predicted: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """A model of this machine is read into memory before it can answer.

    Attributes:
        label: the model's name for people.
    """

    label: str


@dataclass(frozen=True, slots=True)
class OutputCapped:
    """There is room for so many tokens of output at most, fewer than were asked for.

    Attributes:
        because: what is short: money in a ``budget``, or a rate ``limit`` of the provider.
    """

    tokens: int
    because: Literal["budget", "limit"] = "budget"


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning; never part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of the tool call at ``index``; ``arguments`` pieces join to JSON text."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Relayed:
    """One piece of a streamed answer as the provider wrote it: the JSON text of a chunk."""

    data: str


@dataclass(frozen=True, slots=True)
class LimitsReported:
    """The provider's limits after this call."""

    limits: RateLimits


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The tokens the provider bills for this call."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole, or ended by the cap (``length``)."""

    reason: FinishReason


@dataclass(frozen=True, slots=True)
class AnswerRejected:
    """The answer is not the JSON that was asked for, and is asked for once more, in place of this one."""

    reason: str


@dataclass(frozen=True, slots=True)
class ToolsMissing:
    """Tools that could not be loaded; the answer goes on without them.

    Attributes:
        reason: which and why, a sentence.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The model calls a tool; where the user has to be asked, it waits for that first.

    Attributes:
        call_id: the model's own name for the call.
        message_id: the stored message that its result becomes.
        name: of the tool.
        arguments: JSON text, as the model wrote it.
    """

    call_id: str
    message_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool has ended.

    Attributes:
        call_id: as in its ``ToolStarted``.
        message_id: as in its ``ToolStarted``.
        result: what the model is told.
        seconds: it took, without the time in which the user was asked.
        failed: it did not do what was asked; ``result`` says why.
    """

    call_id: str
    message_id: str
    result: str
    seconds: float
    failed: bool


@dataclass(frozen=True, slots=True)
class AnswerContinued:
    """The model goes on with the results of its tools; what follows belongs to another message."""

    message_id: str


@dataclass(frozen=True, slots=True)
class SoftLimitPassed:
    """More has been spent than a budget's soft limit; told once for each period of it.

    Attributes:
        scope: whose limit: ``session``, ``day``, ``week`` or ``month``.
        limit: US dollars.
        spent: US dollars, in this period so far.
    """

    scope: str
    limit: Decimal
    spent: Decimal


Event = (
    RouteChosen
    | RouteChanged
    | Waiting
    | ModelLoading
    | OutputCapped
    | ReasoningDelta
    | TextDelta
    | ToolCallDelta
    | Relayed
    | LimitsReported
    | UsageReported
    | Finished
    | AnswerRejected
    | ToolsMissing
    | ToolStarted
    | ToolFinished
    | AnswerContinued
    | SoftLimitPassed
)
