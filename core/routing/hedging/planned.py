"""The second call of one request, made where the first is slow to begin and somebody else has room."""

from __future__ import annotations

from core.chat import OutputCapped
from core.errors import BudgetExceeded, CredentialsError, ProviderError, StorageError
from core.routing.candidate import Candidate
from core.routing.hedging.policy import Hedging, is_low
from core.routing.itinerary import Itinerary
from core.routing.running_call import CallRecorder, RunningCall

__all__ = ("PlannedHedge", "planned_hedge")


class PlannedHedge:
    """A hedge of one call.

    Attributes:
        delay: seconds that the first call has.
    """

    def __init__(
        self, first: Candidate, delay: float, hedging: Hedging, itinerary: Itinerary, recorder: CallRecorder
    ) -> None:
        self.delay = delay
        self._first = first
        self._hedging = hedging
        self._itinerary = itinerary
        self._recorder = recorder

    async def start(self) -> tuple[RunningCall, OutputCapped | None] | None:
        """Send it, if there is a route that is ready, has room and is likely to be quicker, and the money."""
        attempt = self._itinerary.rival(self._first, self._accepts)
        if attempt is None:
            return None
        call = self._recorder.prepare(attempt)
        try:
            with call.held():
                capped = await self._recorder.admit(call.call, call.candidate)
        except (BudgetExceeded, StorageError):
            return None  # the first call goes on, and is all that was asked for
        self._hedging.take()
        call.start()
        return call, capped

    def failed(self, call: RunningCall, error: ProviderError | CredentialsError) -> None:
        """One of the two calls failed, and the other goes on."""
        self._itinerary.failed(call.candidate, error)

    def _accepts(self, rival: Candidate) -> bool:
        now = self._recorder.clock()
        fitting = rival.fit(now)
        fits = not fitting.never and not fitting.room.wait and fitting.cap == rival.size().cap
        low = any(is_low(route.health.allowance.levels(now)) for route in (self._first, rival))
        return fits and not low and self._hedging.is_worth_it(self.delay, rival.health.beginnings, now)


def planned_hedge(
    first: Candidate, hedging: Hedging, itinerary: Itinerary, recorder: CallRecorder
) -> PlannedHedge | None:
    """The hedge of a call that is sent now; ``None`` where it is waited for in any case."""
    if len(itinerary.candidates) < 2 or first.reserve:
        return None
    delay = hedging.delay(first.health.beginnings, recorder.clock())
    return None if delay is None else PlannedHedge(first, delay, hedging, itinerary, recorder)
