"""The rate limits, in virtual time."""

from __future__ import annotations

import contextlib
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulator.errors import ApiError
from app.simulator.limits import Bucket, ModelLimits, limits_of
from app.simulator.options import Limits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def model_limits(clock: Clock, **sizes: int) -> ModelLimits:
    return ModelLimits(Limits(**sizes), clock, organization="org_1", model="openai/gpt-oss-20b")


@pytest.mark.parametrize(
    ("limit", "period", "used", "requested", "wait"),
    [
        (6_000, 60, 5_034, 1_443, 4.77),  # https://github.com/elizaOS/eliza/issues/4040
        (6_000, 60, 3_513, 3_166, 6.79),  # https://github.com/openinterpreter/openinterpreter/issues/408
        (100_000, 86_400, 97_050, 3_619, 578.016),  # https://github.com/continuedev/continue/issues/10920
    ],
)
def test_waits_agree_with_recorded_messages(
    limit: int, period: float, used: int, requested: int, wait: float
) -> None:
    bucket = Bucket(limit, period, Clock())
    bucket.take(used)

    assert bucket.wait(requested) == pytest.approx(wait, abs=0.01)


def test_429_is_worded_as_groq_words_it() -> None:
    limits = model_limits(Clock(), tokens_per_minute=6_000)
    limits.admit(5_034)

    with pytest.raises(ApiError) as caught:
        limits.admit(1_443)

    assert caught.value.status == 429
    assert caught.value.headers == {"retry-after": "5"}
    assert caught.value.body == {
        "error": {
            "message": "Rate limit reached for model `openai/gpt-oss-20b` in organization `org_1` service "
            "tier `on_demand` on tokens per minute (TPM): Limit 6000, Used 5034, Requested 1443. Please try "
            "again in 4.77s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
            "type": "tokens",
            "code": "rate_limit_exceeded",
        }
    }


def test_what_can_never_fit_is_413_with_the_same_code() -> None:
    limits = model_limits(Clock(), tokens_per_minute=6_000)

    with pytest.raises(ApiError) as caught:
        limits.admit(6_294)

    error = caught.value.body["error"]
    assert caught.value.status == 413
    assert error["code"] == "rate_limit_exceeded"
    assert "Limit 6000, Requested 6294, please reduce your message size" in error["message"]
    assert "Used" not in error["message"]
    assert caught.value.headers == {}


def test_requests_per_minute_refill_one_by_one() -> None:
    clock = Clock()
    limits = model_limits(clock, requests_per_minute=30)
    for _ in range(30):
        limits.admit(10)

    with pytest.raises(ApiError, match=r"requests per minute \(RPM\): Limit 30, Used 30, Requested 1.*in 2s"):
        limits.admit(10)
    clock.now += 2.0
    limits.admit(10)
    with pytest.raises(ApiError):
        limits.admit(10)


def test_headers_are_requests_a_day_and_tokens_a_minute() -> None:
    clock = Clock()
    limits = ModelLimits(
        Limits(requests_per_day=14_400, tokens_per_minute=18_000), clock, organization="org", model="m"
    )
    for _ in range(30):
        limits.admit(76)

    headers = limits.headers()

    assert headers == {
        "x-ratelimit-limit-requests": "14400",
        "x-ratelimit-limit-tokens": "18000",
        "x-ratelimit-remaining-requests": "14370",
        "x-ratelimit-remaining-tokens": "15720",
        "x-ratelimit-reset-requests": "3m0s",
        "x-ratelimit-reset-tokens": "7.6s",
    }
    clock.now += 86_400
    assert limits.headers()["x-ratelimit-reset-requests"] == "0s"
    assert limits.headers()["x-ratelimit-remaining-requests"] == "14400"


def test_settling_gives_back_what_was_reserved_and_not_used() -> None:
    limits = model_limits(Clock(), tokens_per_minute=8_000)
    reservation = limits.admit(7_000)

    limits.settle(reservation, 500)

    assert limits.headers()["x-ratelimit-remaining-tokens"] == "7500"


def test_a_call_without_a_cap_may_overdraw() -> None:
    clock = Clock()
    limits = model_limits(clock, tokens_per_minute=6_000)
    limits.settle(limits.admit(100), 9_000)

    assert limits.headers()["x-ratelimit-remaining-tokens"] == "0"
    with pytest.raises(ApiError, match="Used 9000, Requested 1"):
        limits.admit(1)


def test_off_never_refuses_and_free_is_groqs_free_tier() -> None:
    clock = Clock()
    off = ModelLimits(limits_of("off"), clock, organization="org", model="m")
    for _ in range(100):
        off.admit(100_000)

    free = limits_of("free")
    assert (free.requests_per_minute, free.requests_per_day) == (30, 1_000)
    assert (free.tokens_per_minute, free.tokens_per_day) == (8_000, 200_000)


@given(st.lists(st.tuples(st.floats(0, 120), st.integers(1, 9_000)), max_size=60))
def test_never_admits_more_than_the_bucket_and_its_refill(calls: list[tuple[float, int]]) -> None:
    clock = Clock()
    limits = model_limits(clock, tokens_per_minute=8_000)
    started, admitted = clock.now, 0
    for pause, tokens in calls:
        clock.now += pause
        with contextlib.suppress(ApiError):
            limits.admit(tokens)
            admitted += tokens
        assert admitted <= 8_000 + (clock.now - started) * 8_000 / 60 + 1e-3


@given(st.integers(1, 8_000), st.integers(1, 8_000))
def test_the_wait_named_is_exactly_enough(first: int, second: int) -> None:
    clock = Clock()
    limits = model_limits(clock, tokens_per_minute=8_000)
    limits.admit(first)
    if first + second <= 8_000:
        limits.admit(second)
        return

    with pytest.raises(ApiError) as caught:
        limits.admit(second)
    said = re.search(r"try again in (?:(\d+)m)?([\d.]+)(ms|s)", str(caught.value))
    assert said is not None
    wait = int(said[1] or 0) * 60 + float(said[2]) * (0.001 if said[3] == "ms" else 1)
    assert caught.value.headers == {"retry-after": str(math.ceil(wait))}
    clock.now += wait
    limits.admit(second)
