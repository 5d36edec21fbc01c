"""What is known about one endpoint: does it answer, how soon, and when is it ready again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.chat import RateLimits, Usage
from core.durations import in_words
from core.errors import (
    ConnectionFailed,
    CredentialsError,
    RateLimited,
    ServerFailed,
    StreamInterrupted,
    StreamStalled,
)
from core.routing.actions import RouteError, policy_for
from core.routing.breaker import BreakerPolicy, CircuitBreaker
from core.routing.latency import DecayingMean
from core.routing.limits.allowance import Allowance, PublishedPlan
from core.routing.limits.shared import SharedLevels
from core.routing.read_prompts import ReadPrompts
from core.routing.recent_times import RecentTimes
from core.routing.retry import RetryBudget, sane_retry_after

__all__ = ("EndpointHealth",)

_COST_OF_FAILURE = 5.0
"""Seconds a failure counts at least as latency, so that a fast failure does not make a route look fast."""
_SENTENCE = 25
"""Tokens of a first sentence: with it reading, or speaking, can begin."""
_TELLING = 16
"""Tokens; fewer say nothing of a speed."""
_SHARE_OF_LOAD = 0.1
"""By how much each call under way is reckoned to slow the next one."""
_UNTOLD_WAIT = 5.0
"""Seconds a rate-limited endpoint ranks last where the provider does not say for how long."""


class EndpointHealth:
    """The health of one model at one provider under one key.

    A rate limit is a wait that ends by itself; an open circuit is a doubt that only a call removes.
    The first is waited for where nothing else is ready, the second is tried at once.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        breaker: BreakerPolicy | None = None,
        plans: Sequence[PublishedPlan] = (),
        shared: SharedLevels | None = None,
    ) -> None:
        self._clock = clock
        self.allowance = Allowance(plans, shared)
        self.breaker = CircuitBreaker(breaker)
        self.budget = RetryBudget()
        self.first_content = DecayingMean()
        """Of streamed answers."""
        self.beginnings = RecentTimes()
        """Of streamed answers, to their first content."""
        self.first_spoken = DecayingMean()
        """Of answers that were listened to."""
        self.whole_answer = DecayingMean()
        """Of answers in one piece."""
        self.seconds_per_token = DecayingMean()
        """Of writing."""
        self.seconds_per_prompt_token = DecayingMean()
        """Of reading a prompt that is not in the provider's cache."""
        self.read = ReadPrompts()
        self.under_way = 0
        """Calls that have not ended."""
        self.limits: RateLimits | None = None
        self.busy_until = float("-inf")
        self.busy_because = ""
        self.unreached = 0
        """Calls in a row that did not get through."""
        self._busy_since = float("-inf")
        self._tripped_because = ""

    @property
    def ready(self) -> bool:
        """Whether a call should go now."""
        now = self._clock()
        return now >= self.busy_until and self.breaker.admits(now)

    @property
    def ready_at(self) -> float:
        """When a call should go, on the clock; not after now where it is ready."""
        return max(self.busy_until, self.breaker.admits_at(self._clock()))

    @property
    def problem(self) -> str:
        """Why it is not ready, going on from the provider's name; empty where it is."""
        now = self._clock()
        if now < self.busy_until:
            return f"{self.busy_because} for {in_words(self.busy_until - now)}"
        if self.breaker.admits(now):
            return ""
        if self.breaker.state(now) == "half_open":
            return "is being tried by another call"
        failed, calls = self.breaker.failures(now)
        tally = f" ({failed} of the last {calls} calls failed)" if failed else ""
        return f"{self._tripped_because}{tally}; tried again in {in_words(self.breaker.admits_at(now) - now)}"

    def started(self) -> None:
        """A call goes out."""
        self.under_way += 1
        self.breaker.started(self._clock())

    def beginning(self, *, spoken: bool) -> DecayingMean:
        """The time to the first content; of spoken answers, which reason less, where there were any."""
        return self.first_spoken if spoken and self.first_spoken.mean is not None else self.first_content

    def began(self, seconds: float, *, spoken: bool = False) -> None:
        """A streamed answer began so many seconds after it was asked for."""
        now = self._clock()
        (self.first_spoken if spoken else self.first_content).observe(seconds, now)
        self.beginnings.observe(seconds, now)

    def wrote(self, usage: Usage, seconds: float | None) -> None:
        """An answer was written in ``seconds``, where that is known; what its provider tells is better."""
        now = self._clock()
        seconds = usage.completion_time or seconds
        if usage.completion_tokens >= _TELLING and seconds:
            self.seconds_per_token.observe(seconds / usage.completion_tokens, now)
        fresh = usage.prompt_tokens - usage.cached_tokens
        if usage.prompt_time is not None and fresh >= _TELLING:
            self.seconds_per_prompt_token.observe(usage.prompt_time / fresh, now)

    def first_sentence(
        self, now: float, *, cached: int = 0, streaming: bool = True, spoken: bool = False
    ) -> float:
        """Seconds until a first sentence can be read, predicted; drawn towards 0 as measurements age.

        Args:
            now: the time.
            cached: tokens of the prompt that the route has read before and others would have to.
            streaming: the answer comes in pieces; otherwise it is the whole of it that is waited for.
            spoken: it is listened to.
        """
        if not streaming:
            return self.whole_answer.optimistic(now)
        beginning = self.beginning(spoken=spoken)
        if beginning.mean is None:
            return 0.0
        writing = _SENTENCE * self.seconds_per_token.optimistic(now)
        reading = cached * (self.seconds_per_prompt_token.mean or 0.0)
        busy = 1.0 + _SHARE_OF_LOAD * self.under_way
        return max(0.0, (beginning.optimistic(now) + writing) * busy - reading)

    def answered(self, elapsed: float) -> None:
        """A call that went out ``elapsed`` seconds ago came to its end."""
        now = self._clock()
        self.under_way -= 1
        self.breaker.succeeded(now)
        self.budget.succeeded()
        self.unreached = 0
        if now - elapsed >= self._busy_since:
            self.busy_until = float("-inf")

    def failed(self, error: RouteError, elapsed: float) -> None:
        """A call failed ``elapsed`` seconds after it went out."""
        now = self._clock()
        self.under_way -= 1
        policy = policy_for(error)
        if isinstance(error, ConnectionFailed):
            self.unreached += 1
        elif not isinstance(error, CredentialsError | StreamInterrupted | StreamStalled):
            self.unreached = 0  # whatever it said, it was there to say it
        retry_after = self._note_wait(error, policy.because, now)
        if not policy.unhealthy:
            self.breaker.released()
        else:
            self.breaker.failed(now, retry_after)
            self.budget.failed()
            for latency in (self.first_content, self.first_spoken, self.whole_answer):
                latency.observe(max(elapsed, _COST_OF_FAILURE), now)
        if policy.set_aside:
            self.breaker.trip(now, policy.set_aside)
        if self.breaker.state(now) == "open":
            self._tripped_because = policy.because

    def cancelled(self) -> None:
        """The caller gave up, which tells nothing about the endpoint."""
        self.under_way -= 1
        self.breaker.released()

    def cut_off(self, seconds: float) -> None:
        """The network is gone: others go first for so long, unless it is found to be back before."""
        self.breaker.trip(self._clock(), seconds)
        self._tripped_because = "cannot be reached"

    def reached(self) -> None:
        """A connection was opened: where none could be before, the next call may go there again."""
        if self.unreached:
            self.unreached = 0
            self.breaker.succeeded(self._clock())

    def _note_wait(self, error: RouteError, because: str, now: float) -> float | None:
        if not isinstance(error, RateLimited | ServerFailed):
            return None
        retry_after = sane_retry_after(error.retry_after)
        if retry_after is None and isinstance(error, RateLimited):
            retry_after = _UNTOLD_WAIT
        if retry_after is not None:
            self.busy_until = now + retry_after
            self._busy_since = now
            self.busy_because = because
        return retry_after
