"""The record of one upstream call, kept while it runs: for the decision, the observers and the health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from secrets import token_hex

from core.chat import (
    CallGate,
    CallObserver,
    CallOutcome,
    ChatRequest,
    Decision,
    Event,
    Finished,
    LimitsReported,
    OutputCapped,
    ReasoningDelta,
    RouteChosen,
    TextDelta,
    ToolCallDelta,
    UpstreamCall,
    UsageReported,
)
from core.errors import CredentialsError, ProviderError, StreamInterrupted
from core.routing.actions import RouteError
from core.routing.candidate import Candidate
from core.routing.limits.settlement import settle
from core.routing.read_prompts import conversation_of
from core.routing.rescue.growing_answer import GrowingAnswer
from core.routing.steps import Attempt

__all__ = ("CallRecorder", "RunningCall")


class CallRecorder:
    """Makes the records of one request's calls and tells the observers of them."""

    def __init__(
        self,
        decision: Decision,
        request: ChatRequest,
        observers: Sequence[CallObserver],
        clock: Callable[[], float],
        gate: CallGate | None = None,
    ) -> None:
        self.decision = decision
        self.observers = observers
        self.gate = gate
        self.clock = clock
        self.request = request

    def prepare(self, attempt: Attempt) -> RunningCall:
        """The record of a call that is about to be sent; nobody is told yet."""
        candidate = attempt.candidate
        call = UpstreamCall(
            call_id=token_hex(16),
            route=self.decision.requested,
            provider=candidate.provider.name,
            model=candidate.model,
            reason=attempt.reason,
            role=attempt.role,
            started_at=datetime.now(UTC),
            prompt_tokens_estimate=_rough_prompt_tokens(candidate.request),
            answers=candidate.provider.profile.answers(candidate.request, candidate.model),
        )
        return RunningCall(call, candidate, self)

    async def admit(self, call: UpstreamCall, candidate: Candidate) -> OutputCapped | None:
        """Set aside what the call may cost; where money is short, the answer is capped and that told.

        A cap that the route's limits have lowered is told of, too.

        Raises:
            BudgetExceeded: a hard limit refuses the call.
            StorageError: or one of its kin: what has been spent cannot be read.
        """
        if self.gate is None:
            return candidate.limited
        asked = candidate.provider.profile.output_cap(candidate.request, candidate.model)
        granted = await self.gate.admit(call, candidate.request, asked)
        if granted is None or granted == asked:
            return candidate.limited
        candidate.request = candidate.request.model_copy(update={"max_completion_tokens": granted})
        return OutputCapped(granted)


class RunningCall:
    """One call from its start to its end: ``answered``, ``failed``, ``beaten`` or ``aborted``."""

    __slots__ = (
        "_clock",
        "_health",
        "_recorder",
        "_reservation",
        "_started",
        "answer",
        "answering",
        "call",
        "candidate",
    )

    def __init__(self, call: UpstreamCall, candidate: Candidate, recorder: CallRecorder) -> None:
        self.call = call
        self.candidate = candidate
        self.answer = GrowingAnswer()
        self.answering = False
        """Whether a piece of the answer has arrived, so that no other route can begin it."""
        self._health = candidate.health
        self._reservation = candidate.reservation
        self._recorder = recorder
        self._clock = recorder.clock
        self._started = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep its room in the limits until it is sent; where that comes to nothing it is given back."""
        try:
            yield
        except BaseException:
            if self._reservation is not None:
                self._health.allowance.release(self._reservation, self._clock())
            raise

    def start(self) -> None:
        """The call is sent now."""
        self._started = self._clock()
        self._recorder.decision.calls.append(self.call)
        self._health.started()
        for observer in self._recorder.observers:
            observer.call_started(self.call)

    def open(self) -> AsyncGenerator[Event]:
        """Its events; nothing is sent before the first of them is asked for."""
        candidate = self.candidate
        return candidate.provider.stream(candidate.request, model=candidate.model)

    def chosen(self, *, continues: bool = False) -> RouteChosen:
        """The event that tells of it."""
        call = self.call
        return RouteChosen(
            call.call_id,
            call.route,
            call.provider,
            call.model,
            call.reason,
            self.candidate.caution,
            continues=continues,
        )

    def take(self, event: Event) -> Finished | None:
        """Take in what arrived; given back is what ends the answer."""
        if type(event) is ReasoningDelta:
            self.answer.reasoning_pieces.append(event.text)
            if self.call.first_token is None:
                self.call.first_token = self._clock() - self._started
        elif type(event) is TextDelta:
            self.answer.text_pieces.append(event.text)
            if not self.answering:
                self.content_began()
        elif type(event) is ToolCallDelta:
            self.answer.add_tool_piece(event)
            if not self.answering:
                self.content_began()
        elif type(event) is Finished:
            return event
        else:
            self.noted(event)
        return None

    def content_began(self) -> None:
        """The first piece of the answer arrived."""
        self.answering = True
        now = self._clock()
        self.call.first_content = now - self._started
        if self.call.first_token is None:
            self.call.first_token = self.call.first_content
        self._health.began(self.call.first_content, spoken=self.candidate.request.spoken)
        if self._reservation is not None and not self._reservation.told:  # its headers told of no limits
            self._health.allowance.reported(self._reservation, self.call.limits, now)

    def noted(self, event: Event) -> None:
        """Keep what the provider reports besides the answer."""
        if isinstance(event, UsageReported):
            self.call.usage = event.usage
        elif isinstance(event, LimitsReported):
            self.call.limits = self._health.limits = event.limits
            if self._reservation is not None:
                self._health.allowance.reported(self._reservation, event.limits, self._clock())

    def answered(self, finished: Finished, *, whole: bool = False) -> None:
        """The answer is complete; ``whole`` where it came in one piece."""
        self.call.finish_reason = finished.reason
        elapsed = self._clock() - self._started
        if whole:
            self._health.whole_answer.observe(elapsed, self._started + elapsed)
        if (usage := self.call.usage) is not None:
            begun = None if whole else self.call.first_token
            self._health.wrote(usage, None if begun is None else elapsed - begun)
            conversation = conversation_of(self.candidate.request)
            self._health.read.add(conversation, usage.prompt_tokens, self._started + elapsed)
        self._health.answered(elapsed)
        self._end("answered", elapsed)

    def failed(self, error: ProviderError | CredentialsError) -> None:
        """The provider could not answer, or not to the end."""
        elapsed = self._clock() - self._started
        self._health.failed(error, elapsed)
        self.call.error = error.message
        self.call.error_type = type(error).__name__
        if isinstance(error, ProviderError):
            self.call.request_id = error.request_id
        self._end("interrupted" if self.answering else "failed", elapsed, error)

    def cut_short(self) -> StreamInterrupted:
        """The error of an answer that just ends."""
        candidate = self.candidate
        return StreamInterrupted(
            f"The answer from {candidate.label} ended before it was complete.",
            provider=candidate.provider.name,
            hint="Ask again.",
        )

    def beaten(self) -> None:
        """Another call began its answer sooner, so that this one was closed.

        The first call was slow, which tells of its route; the hedge was just not needed.
        """
        now = self._clock()
        elapsed = now - self._started
        self._health.cancelled()
        if self.call.role != "hedge":
            self._health.first_content.observe(elapsed, now)
            self._health.beginnings.observe(elapsed, now)
        self._end("cancelled", elapsed)

    def aborted(self, reason: BaseException) -> None:
        """The caller gave up, or something of our own broke; neither is the provider's fault."""
        self._health.cancelled()
        cancelled = isinstance(reason, asyncio.CancelledError | GeneratorExit | KeyboardInterrupt)
        if not cancelled:
            self.call.error = str(reason)
            self.call.error_type = type(reason).__name__
        self._end("cancelled" if cancelled else "failed", self._clock() - self._started)

    def _end(self, outcome: CallOutcome, elapsed: float, error: RouteError | None = None) -> None:
        if self.call.usage is None and outcome != "failed":
            from core.costs.tokens import estimate_prompt_tokens  # rarely needed

            self.call.prompt_tokens_estimate = estimate_prompt_tokens(self.candidate.request)
        self.call.output_characters, self.call.output_chunks = self.answer.size()
        self.call.outcome = outcome
        self.call.duration = elapsed
        self._settle(error)
        for observer in self._recorder.observers:
            observer.call_ended(self.call)

    def _settle(self, error: RouteError | None) -> None:
        if self._reservation is not None:
            settle(self._reservation, self._health.allowance, self.call, error, self._clock())


def _rough_prompt_tokens(request: ChatRequest) -> int:
    """About a token for four characters: for the record of a call that is never ended, as by a crash.

    The careful estimate takes 0.2 ms per thousand tokens, which must not delay the first token; it
    is made when the call is over and the provider has not told what it bills.
    """
    return sum(len(message.text) for message in request.messages) // 4
