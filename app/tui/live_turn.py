"""One answer while it arrives: events go to the transcript and the meter, and nothing waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.call_words import call_in_words, one_line_of, servers_in_words
from app.figures import cut_off, duration, money, output_capped, soft_limit_passed, speed
from app.tool_uses import ToolUses
from app.tui.entries import set_out
from app.tui.fitting import Tone
from core.chat import (
    AnswerContinued,
    AnswerRejected,
    Finished,
    LimitsReported,
    ModelLoading,
    OutputCapped,
    ReasoningDelta,
    RouteChanged,
    RouteChosen,
    SoftLimitPassed,
    TextDelta,
    ToolCallDelta,
    ToolFinished,
    ToolsMissing,
    ToolStarted,
    Waiting,
)
from core.costs.meter import Meter, Reading

if TYPE_CHECKING:
    from app.tui.transcript import AnswerState
    from app.tui.widgets.transcript import Transcript
    from core.assistant import Turn
    from core.catalogue import Catalogue
    from core.chat import Event, RateLimits

__all__ = ("LiveTurn", "footer", "waiting_in_words")


_CONNECTING: tuple[str, Tone] = ("Connecting", "busy")
_ROOM = 50
"""Characters of the status for the names of servers."""


class LiveTurn:
    """Shows one turn; ``take`` is called by the worker that reads it and only appends.

    Args:
        stall_notice: seconds of silence after which that is said.
        awaited_servers: the MCP servers whose tools are waited for by now, before anything is asked.

    Attributes:
        limits: room left at the provider, once it said so.
        provider: who is asked; ``model`` is the provider's own name for it.
        caution: what has to be said of its answers; mostly nothing.
        has_text: whether any of the answer is on screen.
        has_tools: whether the model has called any tool.
    """

    def __init__(
        self,
        turn: Turn,
        transcript: Transcript,
        catalogue: Catalogue,
        *,
        stall_notice: float,
        awaited_servers: Callable[[], Sequence[str]],
        branch: tuple[int, int] | None,
        clock: Callable[[], float],
    ) -> None:
        self.turn = turn
        self.limits: RateLimits | None = None
        self.provider = ""
        self.model = ""
        self.caution = ""
        self.has_text = False
        self.has_tools = False
        self._transcript = transcript
        self._catalogue = catalogue
        self._stall_notice = stall_notice
        self._awaited_servers = awaited_servers
        self._branch = branch
        self._clock = clock
        self._meter = Meter(clock, None)
        self._meter.started()
        self._entry: str | None = None
        self._heard_at = clock()
        self._phase: tuple[str, Tone] = _CONNECTING
        self._broken = 0
        self._waiting = False
        self._awaited: tuple[Waiting, float] | None = None
        """What is waited for, and until when at the latest."""
        self._capped: OutputCapped | None = None
        self._rejected = ""
        self._message = turn.answer_id
        self._tools = ToolUses()

    @property
    def reading(self) -> Reading:
        """Speed, tokens and money so far."""
        return self._meter.reading()

    @property
    def state(self) -> tuple[str, Tone]:
        """What is happening, and a warning once nothing has come for a while."""
        if self._awaited is not None:
            wait, until = self._awaited
            return waiting_in_words(wait, max(0.0, until - self._clock())), "warning"
        silent = self._clock() - self._heard_at
        if self._phase is _CONNECTING and (servers := self._awaited_servers()):
            named = one_line_of(servers_in_words(servers), _ROOM).rstrip("…")
            if silent < self._stall_notice:
                return f"Starting {named}…", "busy"
            return f"Starting {named}… Esc stops", "warning"
        if silent >= self._stall_notice and not self._waiting:
            return f"No token for {silent:.0f} s, Esc stops", "warning"
        return self._phase

    def take(self, event: Event) -> None:
        """Show one event."""
        self._meter.on_event(event)
        self._heard_at = self._clock()
        match event:
            case TextDelta(text=text):
                self._phase = ("Answering", "busy")
                entry = self._begun()
                self.has_text = True
                self._transcript.append_text(entry, text)
            case ReasoningDelta(text=text):
                self._phase = ("Thinking", "busy")
                self._transcript.append_reasoning(self._begun(), text)
            case ToolCallDelta():
                self._phase = ("Calling a tool", "busy")
            case RouteChosen():
                self._route_chosen(event)
            case RouteChanged():
                self._route_changed(event)
            case Waiting(seconds=seconds):
                self._awaited = event, self._heard_at + seconds
            case ModelLoading(label=label):
                self._waiting = True
                self._phase = (f"Loading {label}", "busy")
            case LimitsReported(limits=limits):
                self.limits = limits
            case OutputCapped():
                self._capped = event
                self._transcript.add_notice(output_capped(event))
            case Finished(reason="length"):
                why = cut_off(self._capped) if self._capped else "it reached its longest allowed length"
                self._transcript.add_notice(f"The answer was cut off: {why}.")
            case AnswerRejected(reason=reason):
                self._rejected = reason
                self._phase = ("Asking for better JSON", "busy")
            case ToolsMissing(reason=reason):
                self._transcript.add_notice(reason)
            case ToolStarted():
                self._tool_started(event)
            case ToolFinished():
                self._tool_finished(event)
            case AnswerContinued(message_id=message):
                self._message = message
            case SoftLimitPassed():
                self._transcript.add_notice(soft_limit_passed(event))
            case _:
                pass

    def finish(self, state: AnswerState) -> None:
        """End the answer on screen; safe to call again."""
        self._meter.finished()
        if self._entry is not None:
            told = footer(self.reading) if self.has_text else ""
            self._transcript.finish_answer(self._entry, state, told, branch=self._branch)
            self._entry = None
        for call in self._tools.take_running():
            self._transcript.finish_tool(call.message_id, "stopped")

    def _tool_started(self, event: ToolStarted) -> None:
        """What was said before stays above it; the first answer has a header even where it says nothing."""
        entry = self._begun() if self._message == self.turn.answer_id and not self.has_tools else self._entry
        if entry is not None:
            self._transcript.finish_answer(entry, branch=self._branch)
        self._entry, self.has_text = None, False
        self.has_tools, self._waiting = True, True
        self._tools.take(event)
        self._phase = (f"Running {', '.join(self._tools.running)}", "busy")
        self._transcript.add_tool(
            event.message_id, call_in_words(event.name, event.arguments), set_out(event.arguments)
        )

    def _tool_finished(self, event: ToolFinished) -> None:
        self._tools.take(event)
        self._transcript.finish_tool(
            event.message_id, "failed" if event.failed else "complete", event.result, duration(event.seconds)
        )

    def _begun(self) -> str:
        if self._entry is not None and self._rejected:
            self._set_aside(self._entry, "failed", self._rejected)
        self._rejected = ""
        if self._entry is None:
            self._entry = self._message
            self._transcript.begin_answer(
                self._entry,
                "" if self.has_tools else self.model,
                time="" if self.has_tools else f"{datetime.now().astimezone():%H:%M}",
                json=self.turn.response_format is not None,
            )
        return self._entry

    def _route_chosen(self, event: RouteChosen) -> None:
        self._waiting, self._awaited = False, None
        self._phase = (f"Waiting for {event.provider}", "busy")
        self.provider, self.model, self.caution = event.provider, event.model, event.caution
        begins_anew = not event.continues and not self._rejected  # one that is rejected stays until then
        if self._entry is not None and begins_anew:
            self._begin_anew(self._entry)
        decision = self.turn.decision
        prompt = decision.calls[-1].prompt_tokens_estimate if decision and decision.calls else None
        price = self._catalogue.price(event.provider, event.model, datetime.now(UTC))
        self._meter.reprice(price, prompt_tokens=prompt)

    def _begin_anew(self, entry: str) -> None:
        """Another route begins the answer again; text of the broken one stays above it."""
        if not self.has_text:
            self._transcript.append_reasoning(entry, "\n\n")
            self._transcript.set_header(entry, self.model)
            return
        self._set_aside(entry, "interrupted")

    def _set_aside(self, entry: str, state: AnswerState, told: str = "") -> None:
        self._broken += 1
        aside = f"{entry}-{self._broken}"
        self._transcript.rename(entry, aside)
        self._transcript.finish_answer(aside, state, told)
        self._entry = None
        self.has_text = False

    def _route_changed(self, event: RouteChanged) -> None:
        if (event.from_provider, event.from_model) == (event.to_provider, event.to_model):
            told = f"Asking {event.to_provider} again"
        elif event.from_provider == event.to_provider:
            told = f"{event.from_model} → {event.to_model}"
        else:
            told = f"{event.from_provider} → {event.to_provider}  {event.to_model}"
        self._transcript.add_notice(f"{told}: {event.reason}")


def waiting_in_words(wait: Waiting, left: float) -> str:
    """What is waited for, with the seconds that are left of it."""
    if wait.predicted:
        return f"{wait.label} ready in {left:.1f} s"
    return f"Trying again in {left:.0f} s: {wait.reason}"


def footer(reading: Reading) -> str:
    """The dim line under a finished answer: its first token, speed, tokens and money."""
    parts = []
    if reading.ttft is not None:
        parts.append(f"{duration(reading.ttft)} to first token")
    if reading.average_tokens_per_second is not None:
        parts.append(speed(reading.average_tokens_per_second))
    mark = "~" if reading.estimated else ""
    parts.append(f"{mark}{reading.tokens:,} tokens")
    parts.append(money(reading.cost, estimated=reading.estimated))
    return " · ".join(parts)
