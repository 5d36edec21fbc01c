"""The record of one upstream call, kept while it runs: for the decision, the observers and the health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

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
    UpstreamCall,
    UsageReported,
)
from core.errors import CredentialsError, ProviderError
from core.routing.growing_answer import GrowingAnswer
from core.routing.itinerary import Attempt, Candidate

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

    def prepare(self, attempt: Attempt, answer: GrowingAnswer) -> RunningCall:
        """The record of a call that is about to be sent and will fill ``answer``; nobody is told yet."""
        candidate = attempt.candidate
        call = UpstreamCall(
            call_id=uuid4().hex,
            route=self.decision.requested,
            provider=candidate.provider.name,
            model=candidate.model,
            reason=attempt.reason,
            role=attempt.role,
            started_at=datetime.now(UTC),
            prompt_tokens_estimate=_rough_prompt_tokens(self.request),
        )
        return RunningCall(call, attempt, answer, self)

    async def admit(self, call: UpstreamCall, candidate: Candidate) -> OutputCapped | None:
        """Set aside what the call may cost; where money is short, the answer is capped and that told.

        Raises:
            BudgetExceeded: a hard limit refuses the call.
            StorageError: or one of its kin: what has been spent cannot be read.
        """
        if self.gate is None:
            return None
        asked = candidate.provider.profile.output_cap(candidate.request, candidate.model)
        granted = await self.gate.admit(call, candidate.request, asked)
        if granted is None or granted == asked:
            return None
        candidate.request = candidate.request.model_copy(update={"max_completion_tokens": granted})
        return OutputCapped(granted)


class RunningCall:
    """One call from its start to its end, which is exactly one of ``answered``, ``failed``, ``aborted``."""

    __slots__ = ("_answer", "_clock", "_health", "_recorder", "_started", "answering", "call")

    def __init__(
        self, call: UpstreamCall, attempt: Attempt, answer: GrowingAnswer, recorder: CallRecorder
    ) -> None:
        self.call = call
        self.answering = False
        """Whether a piece of the answer has arrived, so that no other route can take over."""
        self._health = attempt.candidate.health
        self._answer = answer
        self._recorder = recorder
        self._clock = recorder.clock
        self._started = 0.0

    def start(self) -> None:
        """The call is sent now."""
        self._started = self._clock()
        self._recorder.decision.calls.append(self.call)
        self._health.started()
        for observer in self._recorder.observers:
            observer.call_started(self.call)

    def reasoning_began(self) -> None:
        """The first piece of reasoning arrived."""
        self.call.first_token = self._clock() - self._started

    def content_began(self) -> None:
        """The first piece of the answer arrived."""
        self.answering = True
        now = self._clock()
        self.call.first_content = now - self._started
        if self.call.first_token is None:
            self.call.first_token = self.call.first_content
        self._health.first_content.observe(self.call.first_content, now)

    def noted(self, event: Event) -> None:
        """Keep what the provider reports besides the answer."""
        if isinstance(event, UsageReported):
            self.call.usage = event.usage
        elif isinstance(event, LimitsReported):
            self.call.limits = self._health.limits = event.limits

    def answered(self, finished: Finished, *, whole: bool = False) -> None:
        """The answer is complete; ``whole`` where it came in one piece."""
        self.call.finish_reason = finished.reason
        elapsed = self._clock() - self._started
        if whole:
            self._health.whole_answer.observe(elapsed, self._started + elapsed)
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
        self._end("interrupted" if self.answering else "failed", elapsed)

    def aborted(self, reason: BaseException) -> None:
        """The caller gave up, or something of our own broke; neither is the provider's fault."""
        self._health.cancelled()
        cancelled = isinstance(reason, asyncio.CancelledError | GeneratorExit | KeyboardInterrupt)
        if not cancelled:
            self.call.error = str(reason)
            self.call.error_type = type(reason).__name__
        self._end("cancelled" if cancelled else "failed", self._clock() - self._started)

    def _end(self, outcome: CallOutcome, elapsed: float) -> None:
        if self.call.usage is None and outcome != "failed":
            from core.costs.tokens import estimate_prompt_tokens  # rarely needed

            self.call.prompt_tokens_estimate = estimate_prompt_tokens(self._recorder.request)
        self.call.output_characters, self.call.output_chunks = self._answer.size()
        self.call.outcome = outcome
        self.call.duration = elapsed
        for observer in self._recorder.observers:
            observer.call_ended(self.call)


def _rough_prompt_tokens(request: ChatRequest) -> int:
    """About a token for four characters: for the record of a call that is never ended, as by a crash.

    The careful estimate takes 0.2 ms per thousand tokens, which must not delay the first token; it
    is made when the call is over and the provider has not told what it bills.
    """
    return sum(len(message.text) for message in request.messages) // 4
