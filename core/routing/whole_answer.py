"""One answer in one piece through the routes: calls what the itinerary names until somebody has answered."""

from __future__ import annotations

from core.chat import ChatResponse, Finished
from core.errors import BudgetExceeded, CredentialsError, ProviderError
from core.routing.itinerary import Itinerary
from core.routing.known_models import KnownModels
from core.routing.reserve import Standby
from core.routing.resting import Sleep, rest
from core.routing.running_call import CallRecorder
from core.routing.steps import Attempt, CallIn, Wait

__all__ = ("whole_answer",)


async def whole_answer(
    itinerary: Itinerary,
    recorder: CallRecorder,
    models: KnownModels,
    sleep: Sleep,
    standby: Standby | None,
) -> ChatResponse:
    """The answer, with its cost and decision.

    Raises:
        BudgetExceeded: a hard limit leaves no money for any route.
        ProviderError: the request itself is refused.
        AllRoutesFailed: no route answered.
    """
    while True:
        step = itinerary.next_step()
        if isinstance(step, Wait):
            await rest(step, itinerary.decision, recorder.clock, sleep)
        elif isinstance(step, CallIn):
            assert standby is not None
            itinerary.reinforce(await standby.call_in(recorder.request), standby.missing)
        elif response := await _answer(step, itinerary, recorder):
            if standby is not None:
                standby.answered(step.candidate)
            response.cost = models.cost(itinerary.decision.calls[-1])
            response.decision = itinerary.decision
            return response


async def _answer(attempt: Attempt, itinerary: Itinerary, recorder: CallRecorder) -> ChatResponse | None:
    """One call; ``None`` where it failed."""
    candidate = attempt.candidate
    running = recorder.prepare(attempt)
    try:
        with running.held():
            await recorder.admit(running.call, candidate)
    except BudgetExceeded as refusal:
        itinerary.failed(candidate, refusal)
        return None
    running.start()
    try:
        response = await candidate.provider.complete(candidate.request, model=candidate.model)
    except (ProviderError, CredentialsError) as error:
        running.failed(error)
        itinerary.failed(candidate, error)
        return None
    except BaseException as reason:
        running.aborted(reason)
        raise
    running.answer.add_whole(response)
    running.call.usage = response.usage
    if response.limits is not None:
        running.call.limits = candidate.health.limits = response.limits
    running.answered(Finished(response.finish_reason), whole=True)
    return response
