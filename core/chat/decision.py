"""The record of how an answer came about: each upstream call, why it was made and how it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from core.chat.events import FinishReason
from core.chat.request import ChatRequest
from core.chat.usage import RateLimits, Usage

__all__ = (
    "CallGate",
    "CallObserver",
    "CallOutcome",
    "CallRole",
    "Decision",
    "Irrevocable",
    "SkippedRoute",
    "UpstreamCall",
)

CallOutcome = Literal["running", "answered", "failed", "cancelled", "interrupted"]

CallRole = Literal["first", "retry", "fallback", "hedge", "rescue", "repair", "tools"]
"""Why a call was made: the ``first`` for an answer; once more to the same place; to another place after a
failure; beside a slow one; to go on with an answer that broke off; to have one mended that is not what was
asked for; or to go on with the results of tools."""

Irrevocable = Literal["all", "text", "nothing"]
"""What of an answer cannot be taken back once it has been passed on: ``all`` of it, as where a client has it;
its ``text``, as where that is printed and pieces of tool calls are not; or ``nothing``, where whoever reads
the stream drops at each ``RouteChosen`` that does not continue what came before."""


@dataclass(slots=True)
class UpstreamCall:
    """One call to a provider; filled in as it goes, final once ``outcome`` is not ``running``.

    Times are seconds since the call was started, on a monotonic clock; ``started_at`` is UTC.
    ``interrupted`` means that the stream broke after content had arrived.
    """

    call_id: str
    route: str
    provider: str
    model: str
    reason: str
    started_at: datetime
    role: CallRole = "first"
    outcome: CallOutcome = "running"
    first_token: float | None = None
    """To the first delta of any kind, reasoning included."""
    first_content: float | None = None
    """To the first piece of the answer or of a tool call."""
    duration: float | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    """What the provider billed; ``None`` where it never said."""
    limits: RateLimits | None = None
    prompt_tokens_estimate: int = 0
    answers: int = 1
    """How many it gives: more than one only where a client asks for several."""
    output_characters: int = 0
    """Reasoning, text and tool arguments that arrived; for estimating where usage is missing."""
    output_chunks: int = 0
    error: str | None = None
    error_type: str | None = None
    """The class name in ``core.errors``."""
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class SkippedRoute:
    """A route that was not tried, and why."""

    provider: str
    model: str
    reason: str


@dataclass(slots=True)
class Decision:
    """Why this answer came from where it did: its calls, in the order in which they were made."""

    requested: str
    strategy: str
    calls: list[UpstreamCall] = field(default_factory=list)
    skipped: list[SkippedRoute] = field(default_factory=list)
    waited: float = 0.0
    """Seconds slept because no route was ready."""

    @property
    def answering(self) -> UpstreamCall | None:
        """The call that gives the answer, or the end of it; ``None`` before any was made.

        Of two calls side by side it is the earlier one, until the later one has won.
        """
        at_work = (call for call in self.calls if call.outcome in ("running", "answered"))
        return next(at_work, self.calls[-1] if self.calls else None)


class CallObserver(Protocol):
    """Told of every upstream call, synchronously; must return at once and never raise."""

    def call_started(self, call: UpstreamCall) -> None:
        """The call is about to be sent."""

    def call_ended(self, call: UpstreamCall) -> None:
        """The call is over, in whatever way; its record is final."""


class CallGate(Protocol):
    """Asked before every upstream call whether there is money for it."""

    async def admit(self, call: UpstreamCall, request: ChatRequest, output_cap: int | None) -> int | None:
        """Set aside the most that a call may cost; observers are told of it only after that.

        Args:
            call: about to be sent.
            request: what it will ask.
            output_cap: tokens its answer may have at most; ``None`` where it names no cap.

        Returns:
            The cap to send: the same, or a lower one where money is short.

        Raises:
            BudgetExceeded: a hard limit refuses the call.
            StorageError: or one of its kin: what has been spent cannot be read.
        """
