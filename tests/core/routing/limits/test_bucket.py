import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.routing.limits.bucket import Bucket

AMOUNTS = st.floats(0, 1e4)
STEPS = st.lists(st.tuples(st.floats(0, 100), st.floats(-1e4, 1e4)), max_size=30)


def test_it_fills_up_continuously_and_no_further_than_its_limit():
    bucket = Bucket(6000, 60, now=0)
    bucket.take(5000, 10)
    assert (bucket.free(10), bucket.free(11), bucket.free(40), bucket.free(1000)) == (1000, 1100, 4000, 6000)


@pytest.mark.parametrize(
    ("limit", "period", "used", "requested", "told"),
    [  # as Groq's refusals name them
        (6_000, 60, 5_034, 1_443, 4.77),  # https://github.com/elizaOS/eliza/issues/4040
        (15_000, 60, 11_972, 4_351, 5.289),
        (6_000, 60, 3_513, 3_166, 6.79),  # https://github.com/openinterpreter/openinterpreter/issues/408
        (100_000, 86_400, 97_050, 3_619, 578.016),  # https://github.com/continuedev/continue/issues/10920
    ],
)
def test_waits_are_those_of_recorded_refusals(limit, period, used, requested, told):
    bucket = Bucket(limit, period, now=0)
    bucket.take(used, 0)
    assert bucket.wait(requested, 0) == pytest.approx(told, abs=0.05)


def test_a_clock_that_stands_still_or_goes_back_refills_nothing():
    bucket = Bucket(60, 60, now=10)
    bucket.take(60, 10)
    assert bucket.free(10) == bucket.free(5) == 0
    bucket.take(0, 5)
    assert bucket.free(11) == 1


def test_another_limit_leaves_what_is_used():
    bucket = Bucket(6000, 60, now=0)
    bucket.take(5000, 0)
    bucket.resize(60_000, 60, 10)
    assert bucket.used(10) == 4000
    assert bucket.used(11) == 3000


@given(STEPS, AMOUNTS, st.floats(1, 1e4), st.sampled_from([1.0, 60.0, 86_400.0]))
def test_what_fits_after_the_wait_did_not_fit_before(steps, amount, limit, period):
    bucket, now = Bucket(limit, period, 0.0), 0.0
    for pause, taken in steps:
        now += pause
        bucket.take(taken, now)
        assert bucket.used(now) >= 0
        assert 0 <= bucket.free(now) <= limit
    amount = min(amount, limit)
    wait = bucket.wait(amount, now)
    left = limit - bucket.used(now + wait)
    assert left >= amount - 1e-6 * limit
    if wait > 1e-3 * period:
        assert left == pytest.approx(amount, abs=1e-6 * limit)
        assert limit - bucket.used(now + 0.9 * wait) < amount
