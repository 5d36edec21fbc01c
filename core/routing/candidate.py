"""One endpoint as one request sees it: what it would be asked, whether it may be, and how it has gone."""

from __future__ import annotations

from dataclasses import dataclass

from core.chat import ChatRequest, OutputCapped, SkippedRoute
from core.costs.tokens import prompt_tokens_bounds
from core.durations import in_words
from core.errors import RateLimited, RequestTooLarge
from core.providers import Provider
from core.routing.health import EndpointHealth
from core.routing.limits.admission import LIMIT_NAMES, CallSize, Fit, fit, is_too_large
from core.routing.limits.allowance import Allowance, Reservation, Room

__all__ = ("Candidate",)

_DOUBT = 30.0
"""Seconds by which a route that has just failed stands behind: about as long as a circuit stays open."""


@dataclass(slots=True)
class Candidate:
    """One endpoint as this request sees it."""

    provider: Provider
    model: str
    health: EndpointHealth
    request: ChatRequest
    reason: str
    """Why it has its rank."""
    skipped: SkippedRoute | None = None
    """Its entry in the decision while it has not been tried."""
    tries: int = 0
    not_before: float = float("-inf")
    because: str = ""
    """The last failure, going on from the provider's name."""
    doubtful: bool = False
    """Whether the last failure was the endpoint's own fault."""
    broken: bool = False
    """Whether an answer from there has broken off."""
    repeated: bool = False
    out: bool = False
    """Not to be tried again for this request."""
    reserve: bool = False
    """Whether it answers only while the network is gone."""
    turn: float = 0
    """The request's place where several wait for a route."""
    reservation: Reservation | None = None
    """What its last call has set aside of the limits."""
    limited: OutputCapped | None = None
    """That the limits leave its last call less output than the user asked for."""
    uncapped: ChatRequest | None = None
    """The request before the limits lowered its output cap."""
    _sized: tuple[ChatRequest, str, bool, CallSize] | None = None
    """The last answer of `size`, and what it was the answer to."""
    _fitted: tuple[Allowance, int, CallSize, Fit] | None = None
    """That of `fit`, where the call fits at once: it does until somebody changes the limits' count."""

    @property
    def label(self) -> str:
        """The provider's name for people."""
        return self.provider.profile.label

    @property
    def caution(self) -> str:
        """What has to be said of its answers; mostly nothing."""
        return self.provider.profile.caution

    @property
    def prefills(self) -> bool:
        """Whether the model goes on with an assistant's message by itself."""
        return self.provider.profile.rule(self.model).prefill

    def size(self) -> CallSize:
        """What the call would ask of the limits; the prompt is not reckoned where there are none."""
        request, model, counts = self.request, self.model, self.health.allowance.counts
        if self._sized is not None:
            sized = self._sized
            if sized[0] is request and sized[1] == model and sized[2] == counts:
                return sized[3]
        size = self._size(counts=counts)
        self._sized = request, model, counts, size
        return size

    def _size(self, *, counts: bool) -> CallSize:
        cap = self.provider.profile.output_cap(self.request, self.model)
        if not counts:
            return CallSize(0, cap=cap)
        least, most = prompt_tokens_bounds(self.request)
        return CallSize(most, most - least, cap, self.provider.profile.answers(self.request, self.model))

    @property
    def never_fits(self) -> bool:
        """Whether it is larger than the limits, so that waiting does not help."""
        return is_too_large(self.size(), self.health.allowance)

    def fit(self, now: float) -> Fit:
        """How the call fits into the limits."""
        allowance = self.health.allowance
        if (known := self._fitted) is not None and known[:3] == (allowance, allowance.changes, self.size()):
            return known[3]  # what others have done since is seen when it is admitted
        allowance.catch_up(now)  # first: the prompt is reckoned only where there are limits
        size = self.size()
        fitting = fit(size, allowance, now, self.turn)
        waits = fitting.never or fitting.room.wait > 0
        self._fitted = None if waits else (allowance, allowance.changes, size, fitting)
        return fitting

    def promising_at(self, now: float) -> float:
        """When a try makes sense; for comparing endpoints of which none is ready."""
        soonest = max(self.not_before, self.health.ready_at, now + self.fit(now).room.wait)
        return soonest + (_DOUBT if self.doubtful else 0.0)

    def admit(self, now: float, missing: float) -> bool:
        """Set aside what the call may use, which is sent now; a cap that does not fit is lowered.

        ``False``, and nothing is set aside, where room is longer than ``missing`` seconds away: another
        process has taken what there was.
        """
        allowance = self.health.allowance
        with allowance.exclusive(now):
            size, fitting = self.size(), self.fit(now)
            if fitting.room.wait > missing:
                return False
            self.reservation = allowance.reserve(fitting.tokens, now, doubt=size.doubt)
        self.limited = self.uncapped = None
        if fitting.cap is not None and fitting.cap != size.cap:
            if self.request.max_completion_tokens is not None or self.request.extra:
                self.limited = OutputCapped(fitting.cap, because="limit")
            self.uncapped = self.request
            self.request = self.request.model_copy(update={"max_completion_tokens": fitting.cap})
        return True

    def forget_cap(self) -> None:
        """The call is over: a further one may ask for all of the output again."""
        if self.uncapped is not None:
            self.request, self.uncapped = self.uncapped, None

    def no_room(self, room: Room) -> RateLimited:
        """The refusal of a call that is not sent, since the provider would refuse it."""
        assert room.kind is not None
        time = in_words(room.wait)
        error = RateLimited(
            f"{self.label} has no room in its {LIMIT_NAMES[room.kind]} for {time}.",
            provider=self.provider.name,
            hint=f"Try again in {time}, or choose another model.",
        )
        error.retry_after = room.wait
        return error

    def too_large(self) -> RequestTooLarge:
        """As `no_room`, where waiting would not help."""
        limit, size = int(self.health.allowance.largest), self.size()
        answers, remedy = "answer", "Shorten the conversation"
        if size.answers > 1:
            answers, remedy = f"{size.answers} answers", "Ask for fewer answers, shorten the conversation"
        error = RequestTooLarge(
            f"The request is larger than {self.label} allows for {self.model}: its prompt is about "
            f"{size.prompt:,} tokens, and the limit for prompt and {answers} is {limit:,}.",
            provider=self.provider.name,
            hint=f"{remedy}, or choose a model with a larger limit.",
        )
        error.limit = limit
        return error
