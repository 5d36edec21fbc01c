"""Streaming one answer through the routes: calls what the itinerary names and passes the events on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Self

from core.chat import (
    ChatRequest,
    ChatResponse,
    Decision,
    Event,
    Finished,
    Irrevocable,
    TextDelta,
    Waiting,
)
from core.errors import BudgetExceeded, CredentialsError, ProviderError
from core.routing.hedging.first_content import FirstContent
from core.routing.hedging.planned import planned_hedge
from core.routing.hedging.policy import Hedging
from core.routing.itinerary import Itinerary
from core.routing.known_models import KnownModels
from core.routing.rescue.continuation import can_be_continued, is_broken_off
from core.routing.rescue.splice import spliced
from core.routing.rescue.streamed_answer import StreamedAnswer
from core.routing.reserve import Standby
from core.routing.resting import Sleep, rest
from core.routing.running_call import CallRecorder
from core.routing.steps import CallIn, Wait

__all__ = ("ChatStream",)


class ChatStream:
    """The events of one answer; nothing is sent before the first of them is asked for.

    Iterate it in one task. To stop, leave the loop and ``aclose()``, or cancel the task: the upstream
    call is closed at once. It is also a context manager that closes itself.

    Raises, while iterating:
        AllRoutesFailed: every route failed before any of the answer arrived that has to stand.
        BudgetExceeded: a hard limit leaves no money for any route.
        ProviderError: the request itself is refused, or the answer broke off and no other route could go
            on with it; ``partial`` has its text.
    """

    def __init__(
        self,
        itinerary: Itinerary,
        recorder: CallRecorder,
        models: KnownModels,
        sleep: Sleep,
        standby: Standby | None,
        hedging: Hedging,
        irrevocable: Irrevocable,
    ) -> None:
        self.decision: Decision = itinerary.decision
        self._models = models
        self._answer = StreamedAnswer()
        self._response: ChatResponse | None = None
        # The generator does not refer to this object: with no cycle, a stream that is dropped without
        # aclose() is finalised by the event loop at once.
        self._events = _events(itinerary, recorder, self._answer, sleep, standby, hedging, irrevocable)

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
        if self._response is None:
            self._response = self._answer.response(self._models, self.decision)
        return self._response


async def _events(
    itinerary: Itinerary,
    recorder: CallRecorder,
    answer: StreamedAnswer,
    sleep: Sleep,
    standby: Standby | None,
    hedging: Hedging,
    irrevocable: Irrevocable,
) -> AsyncGenerator[Event]:
    hedging.asked()
    while answer.finish_reason is None:
        step = itinerary.next_step()
        if isinstance(step, CallIn):
            assert standby is not None
            itinerary.reinforce(await standby.call_in(recorder.request), standby.missing)
            continue
        if isinstance(step, Wait):
            yield Waiting(step.seconds, step.reason, predicted=step.predicted, label=step.label)
            await rest(step, itinerary.decision, recorder.clock, sleep)
            continue
        if step.change is not None:
            yield step.change
        running, candidate = recorder.prepare(step), step.candidate
        try:
            with running.held():
                yield running.chosen(continues=answer.begun)
                capped = await recorder.admit(running.call, candidate)  # the last wait before it is sent
        except BudgetExceeded as refusal:
            itinerary.failed(candidate, refusal)
            continue

        upstream = running.open()
        if standby is not None:
            upstream = standby.watched(upstream, candidate)
        if answer.begun:
            upstream = spliced(upstream, answer.text, running)
        hedge = None if answer.begun else planned_hedge(candidate, hedging, itinerary, recorder)
        opening = FirstContent(running, upstream, hedge)
        answer.read_from(running)
        finished: Finished | None = None
        running.start()
        try:
            if capped is not None:
                yield capped
            async with aclosing(opening):  # closed before anybody is told how the call ended
                if opening.is_needed:
                    while (event := await opening.next()) is not None:
                        if opening.call is not running:
                            running = opening.call
                            answer.read_from(running)
                        yield event
                    finished = opening.finished
                add_text = running.answer.text_pieces.append
                # Runs for every token: comparing types, the likeliest first, costs least.
                async for event in opening.upstream:
                    if type(event) is TextDelta:
                        add_text(event.text)
                        if not running.answering:
                            running.content_began()
                    elif (end := running.take(event)) is not None:
                        finished = end
                        continue
                    yield event
            if finished is None:
                raise running.cut_short()
        except (ProviderError, CredentialsError) as error:
            running = opening.call
            running.failed(error)
            if not running.answering:
                itinerary.failed(running.candidate, error)
            elif _may_go_on(recorder.request, answer, error):
                itinerary.broke_off(running.candidate, error, answer.text)
            elif answer.can_be_taken_back(irrevocable) and itinerary.may_begin_anew(error):
                answer.take_back()
                itinerary.begin_anew(running.candidate, error)
            else:
                raise
        except BaseException as reason:
            opening.call.aborted(reason)
            raise
        else:
            running.answered(finished)
            if standby is not None:
                standby.answered(running.candidate)
            answer.finish_reason = finished.reason
            yield finished


def _may_go_on(request: ChatRequest, answer: StreamedAnswer, error: ProviderError | CredentialsError) -> bool:
    """Whether another route may go on with what has been passed on."""
    return not answer.calls_tools and can_be_continued(request) and is_broken_off(error)
