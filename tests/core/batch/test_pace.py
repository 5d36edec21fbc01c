"""The pace against a provider whose limits are kept as Groq keeps them, in virtual time."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.batch.pace import Pace, Start
from core.chat import RateLimits


@dataclass
class Bucket:
    """One limit that drains steadily."""

    size: int
    period: float
    used: float = 0.0
    at: float = 0.0

    def drain(self, now: float) -> None:
        self.used = max(0.0, self.used - (now - self.at) * self.size / self.period)
        self.at = now

    def lack(self, amount: float, now: float) -> float:
        self.drain(now)
        return max(0.0, (self.used + amount - self.size) * self.period / self.size)


@dataclass
class Provider:
    """Admits, answers after a while, and settles; counts what it refuses."""

    tokens: Bucket | None = None
    minute: Bucket | None = None
    day: Bucket | None = None
    tells: bool = True
    refused: list[float] = field(default_factory=list)
    admitted: list[float] = field(default_factory=list)

    def admit(self, reserved: int, now: float) -> tuple[float, RateLimits | None]:
        """Seconds to wait, 0 where it is admitted, and the headers."""
        wanted = [(self.tokens, reserved), (self.minute, 1), (self.day, 1)]
        wait = max(bucket.lack(amount, now) for bucket, amount in wanted if bucket is not None)
        if wait > 1e-6:
            self.refused.append(now)
            return wait, None
        for bucket, amount in wanted:
            if bucket is not None:
                bucket.used += amount
        self.admitted.append(now)
        return 0.0, self._headers() if self.tells else None

    def settle(self, reserved: int, used: int, now: float) -> None:
        if self.tokens is not None:
            self.tokens.drain(now)
            self.tokens.used = max(0.0, self.tokens.used - reserved + used)

    def _headers(self) -> RateLimits:
        told = {}
        for name, bucket in (("tokens", self.tokens), ("requests", self.day)):
            if bucket is not None:
                told[f"limit_{name}"] = bucket.size
                told[f"remaining_{name}"] = math.floor(bucket.size - bucket.used + 1e-6)
                told[f"reset_{name}"] = bucket.used * bucket.period / bucket.size
        return RateLimits(**told)


@dataclass(order=True)
class Ending:
    at: float
    number: int
    start: Start = field(compare=False)
    reserved: int = field(compare=False)
    used: int = field(compare=False)
    limits: RateLimits | None = field(compare=False)
    refusal: float | None = field(compare=False)


def run(
    provider: Provider, calls: list[tuple[int, int, float]], *, most: int = 8, whole_seconds: bool = True
) -> float:
    """Ask all of it: reserved tokens, tokens used, seconds it takes; gives the seconds in all."""
    pace, now, number = Pace(), 0.0, 0
    waiting = list(reversed(calls))
    under_way: list[Ending] = []
    for _ in range(100 * len(calls) + 1_000):
        if not waiting and not under_way:
            return now
        wait = pace.wait(waiting[-1][0], now) if waiting and len(under_way) < most else None
        if wait is not None and wait <= 0:
            reserved, used, seconds = waiting.pop()
            start = pace.start(reserved, now)
            refusal, limits = provider.admit(reserved, now)
            number += 1
            if refusal:
                told = float(math.ceil(refusal)) if whole_seconds else refusal
                ending = Ending(now + 0.01, number, start, reserved, used, None, told)
            else:
                ending = Ending(now + seconds, number, start, reserved, used, limits, None)
            heapq.heappush(under_way, ending)
            continue
        next_end = under_way[0].at if under_way else math.inf
        next_start = math.inf if wait is None else now + wait
        assert min(next_end, next_start) < math.inf, "nothing is left that could ever happen"
        now = min(next_end, next_start)
        if under_way and under_way[0].at <= now:
            ended = heapq.heappop(under_way)
            if ended.refusal is not None:
                pace.refused(ended.start, now, ended.refusal)
                waiting.append((ended.reserved, ended.used, 0.1))
            else:
                provider.settle(ended.reserved, ended.used, now)
                pace.answered(ended.start, now, ended.limits, ended.used)
        assert pace.under_way == len(under_way)
    raise AssertionError("it does not come to an end")


call = st.tuples(st.integers(50, 8_000), st.floats(0, 1), st.floats(0.02, 20)).map(
    lambda drawn: (drawn[0], max(1, int(drawn[0] * drawn[1])), drawn[2])
)


@settings(max_examples=80, deadline=None)
@given(st.lists(call, min_size=1, max_size=60), st.integers(1, 16), st.integers(8_000, 250_000))
def test_no_limit_that_was_told_is_ever_passed_and_nothing_starves(
    calls: list[tuple[int, int, float]], most: int, size: int
) -> None:
    provider = Provider(tokens=Bucket(size, 60), day=Bucket(14_400, 86_400))
    took = run(provider, calls, most=most)
    assert provider.refused == []
    assert len(provider.admitted) == len(calls)
    # One after the other, each waiting for a full bucket, would be the slowest sensible way.
    assert took <= sum(seconds + 60 * reserved / size for reserved, _, seconds in calls) + 60


def test_the_limit_is_used_to_the_full() -> None:
    provider = Provider(tokens=Bucket(8_000, 60))
    calls = [(1_000, 1_000, 0.5)] * 80
    took = run(provider, calls)
    assert provider.refused == []
    assert took == pytest.approx(60 * (80_000 - 8_000) / 8_000, rel=0.05)


def test_what_was_reserved_and_not_used_is_used_by_others() -> None:
    provider = Provider(tokens=Bucket(8_000, 60))
    took = run(provider, [(4_000, 200, 0.5)] * 30)
    assert provider.refused == []
    assert took < 60, "6000 tokens in all: a pace by what is reserved would take a quarter of an hour"


def test_a_request_larger_than_the_limit_is_let_through_to_be_refused_by_the_provider() -> None:
    pace = Pace()
    first = pace.start(100, 0.0)
    pace.answered(first, 1.0, RateLimits(limit_tokens=8_000, remaining_tokens=7_900, reset_tokens=0.75), 100)
    wait = pace.wait(20_000, 1.0)
    assert wait is not None
    assert wait < 1
    assert pace.wait(20_000, 1.0 + wait) == 0


def test_requests_a_day_are_spread_over_what_is_left_of_it() -> None:
    provider = Provider(day=Bucket(10, 86_400))
    took = run(provider, [(100, 100, 0.2)] * 12)
    assert provider.refused == []
    assert took == pytest.approx(2 * 8_640, rel=0.05)


@pytest.mark.parametrize("limit", [30, 120])
def test_a_limit_that_no_header_tells_is_learnt_from_refusals(limit: int) -> None:
    provider = Provider(minute=Bucket(limit, 60), tells=False)
    took = run(provider, [(100, 100, 0.05)] * (12 * limit))
    assert took < 1.5 * 11 * 60
    assert len(provider.refused) < 0.1 * 12 * limit


@settings(max_examples=40, deadline=None)
@given(
    st.lists(call, min_size=1, max_size=40),
    st.integers(1, 16),
    st.integers(5, 60),
    st.booleans(),
    st.booleans(),
)
def test_whatever_is_refused_is_asked_again_and_all_is_answered(
    calls: list[tuple[int, int, float]], most: int, requests: int, tells: bool, whole: bool
) -> None:
    provider = Provider(tokens=Bucket(8_000, 60), minute=Bucket(requests, 60), tells=tells)
    run(provider, calls, most=most, whole_seconds=whole)
    assert len(provider.admitted) == len(calls)


def test_without_limits_all_go_at_once_after_the_first() -> None:
    pace = Pace()
    first = pace.start(100, 0.0)
    assert pace.wait(100, 0.0) is None
    pace.answered(first, 0.5, None, 80)
    for _ in range(50):
        assert pace.wait(100, 0.5) == 0
        pace.start(100, 0.5)


def test_nothing_goes_before_the_time_that_the_provider_asked_for_and_then_one() -> None:
    pace = Pace()
    pace.answered(pace.start(10, 0.0), 0.1, None, 10)
    both = [pace.start(10, 0.1), pace.start(10, 0.1)]
    pace.refused(both[0], 0.2, 7.0)
    pace.refused(both[1], 0.2, 3.0)
    assert pace.wait(10, 0.2) == pytest.approx(7.0)
    assert pace.wait(10, 7.2) == 0
    pace.start(10, 7.2)
    assert pace.wait(10, 7.2) is None


def test_a_provider_that_says_zero_seconds_again_and_again_is_asked_ever_more_rarely() -> None:
    pace, now, pauses = Pace(), 0.0, []
    for _ in range(9):
        pace.refused(pace.start(10, now), now, 0.0)
        pause = pace.wait(10, now)
        assert pause is not None
        pauses.append(pause)
        now += pause
    assert pauses == [0, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_few_refusals_at_the_beginning_slow_nothing_down_for_long() -> None:
    pace = Pace()
    pace.refused(pace.start(10, 0.0), 0.1, 1.0)
    pace.answered(pace.start(10, 1.1), 1.2, None, 10)
    assert pace.wait(10, 1.2) == 0
