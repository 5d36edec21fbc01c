"""Streaming one answer through the routes: calls what the itinerary names and passes the events on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Self

from core.chat import (
    ChatResponse,
    Decision,
    Event,
    Finished,
    ReasoningDelta,
    RouteChosen,
    TextDelta,
    ToolCallDelta,
    Waiting,
)
from core.errors import BudgetExceeded, CredentialsError, ProviderError, StreamInterrupted, StreamStalled
from core.routing.growing_answer import GrowingAnswer
from core.routing.itinerary import CallIn, Itinerary, Wait
from core.routing.known_models import KnownModels
from core.routing.reserve import Standby
from core.routing.running_call import CallRecorder, RunningCall

__all__ = ("ChatStream", "Sleep", "rest")

Sleep = Callable[[float], Awaitable[object]]


class ChatStream:
    """The events of one answer; nothing is sent before the first of them is asked for.

    Iterate it in one task. To stop, leave the loop and ``aclose()``, or cancel the task: the upstream
    call is closed at once. It is also a context manager that closes itself.

    Raises, while iterating:
        AllRoutesFailed: every route failed before any of the answer arrived.
        BudgetExceeded: a hard limit leaves no money for any route.
        ProviderError: the request itself is refused, or the answer broke off; ``partial`` has its text.
    """

    def __init__(
        self,
        itinerary: Itinerary,
        recorder: CallRecorder,
        models: KnownModels,
        sleep: Sleep,
        first_content_timeout: float | None,
        standby: Standby | None = None,
    ) -> None:
        self.decision: Decision = itinerary.decision
        self._models = models
        self._answer = GrowingAnswer()
        self._response: ChatResponse | None = None
        # The generator does not refer to this object: with no cycle, a stream that is dropped without
        # aclose() is finalised by the event loop at once.
        self._events = _events(itinerary, recorder, self._answer, sleep, first_content_timeout, standby)

    def __aiter__(self) -> AsyncGenerator[Event]:
        return self._events

    async def __anext__(self) -> Event:
        return await self._events.__anext__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop: close the upstream call, keep what has arrived."""
        await self._events.aclose()

    @property
    def partial(self) -> str:
        """The text of the answer so far, also after a failure."""
        return self._answer.text

    @property
    def response(self) -> ChatResponse | None:
        """The whole answer with its cost; ``None`` until ``Finished`` has been passed on."""
        answer, call = self._answer, self._answer.call
        if self._response is None and call is not None:
            self._response = ChatResponse(
                text=answer.text,
                provider=call.provider,
                model=call.model,
                finish_reason=answer.finish_reason,
                usage=call.usage,
                tool_calls=answer.tool_calls,
                reasoning=answer.reasoning,
                cost=self._models.cost(call),
                decision=self.decision,
            )
        return self._response


async def rest(wait: Wait, decision: Decision, clock: Callable[[], float], sleep: Sleep) -> None:
    """Sleep until a route is ready, and record for how long."""
    began = clock()
    try:
        await sleep(wait.seconds)
    finally:
        decision.waited += clock() - began


async def _events(
    itinerary: Itinerary,
    recorder: CallRecorder,
    answer: GrowingAnswer,
    sleep: Sleep,
    first_content_timeout: float | None,
    standby: Standby | None,
) -> AsyncGenerator[Event]:
    while answer.call is None:
        step = itinerary.next_step()
        if isinstance(step, CallIn):
            assert standby is not None
            itinerary.reinforce(await standby.call_in(recorder.request))
            continue
        if isinstance(step, Wait):
            yield Waiting(step.seconds, step.reason)
            await rest(step, itinerary.decision, recorder.clock, sleep)
            continue
        if step.change is not None:
            yield step.change
        running = recorder.prepare(step, answer)
        call, candidate = running.call, step.candidate
        yield RouteChosen(call.call_id, call.route, call.provider, call.model, call.reason, candidate.caution)
        try:
            capped = await recorder.admit(call, candidate)  # the last wait before the call is sent
        except BudgetExceeded as refusal:
            itinerary.failed(candidate, refusal)
            continue

        upstream = candidate.provider.stream(candidate.request, model=candidate.model)
        if first_content_timeout is not None:
            upstream = _until_content(upstream, running, first_content_timeout, candidate.label)
        if standby is not None:
            upstream = standby.watched(upstream, candidate)
        answer.restart()
        finished: Finished | None = None
        running.start()
        try:
            if capped is not None:
                yield capped
            add_text = answer.text_pieces.append
            async with aclosing(upstream):  # closed before anybody is told how the call ended
                # Runs for every token: comparing types, the likeliest first, costs least.
                async for event in upstream:
                    if type(event) is TextDelta:
                        add_text(event.text)
                        if not running.answering:
                            running.content_began()
                    elif type(event) is ReasoningDelta:
                        answer.reasoning_pieces.append(event.text)
                        if call.first_token is None:
                            running.reasoning_began()
                    elif type(event) is ToolCallDelta:
                        answer.add_tool_piece(event)
                        if not running.answering:
                            running.content_began()
                    elif type(event) is Finished:
                        finished = event
                        continue
                    else:
                        running.noted(event)
                    yield event
            if finished is None:
                raise _cut_short(candidate.provider.name, candidate.label)
        except (ProviderError, CredentialsError) as error:
            running.failed(error)
            if running.answering:
                raise
            itinerary.failed(candidate, error)
        except BaseException as reason:
            running.aborted(reason)
            raise
        else:
            running.answered(finished)
            if standby is not None:
                standby.answered(candidate)
            answer.call, answer.finish_reason = call, finished.reason
            yield finished


async def _until_content(
    upstream: AsyncGenerator[Event], running: RunningCall, seconds: float, label: str
) -> AsyncGenerator[Event]:
    """Give up on a route whose answer has not begun after ``seconds``, reasoning notwithstanding.

    Only the time of reading counts: the consumer may take as long as it likes between two events.
    """
    clock, left = asyncio.get_running_loop().time, seconds
    async with aclosing(upstream):
        while not running.answering:
            began = clock()
            try:
                async with asyncio.timeout(left):
                    event = await anext(upstream)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise StreamStalled(
                    f"{label} did not begin its answer within {seconds:g} seconds.",
                    provider=running.call.provider,
                    hint="Try again, or choose another model.",
                ) from None
            left -= clock() - began
            yield event
        async for event in upstream:
            yield event


def _cut_short(provider: str, label: str) -> StreamInterrupted:
    return StreamInterrupted(
        f"The answer from {label} ended before it was complete.", provider=provider, hint="Ask again."
    )
