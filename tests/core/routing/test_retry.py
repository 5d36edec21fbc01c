import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.routing.retry import (
    LONGEST_RETRY_AFTER,
    RetryBudget,
    RetryPolicy,
    backoff,
    pause,
    sane_retry_after,
)

POLICY = RetryPolicy(base_delay=0.5, max_delay=8.0)
FAILURES = st.integers(1, 10_000)
SEEDS = st.integers(0, 1000)


@pytest.mark.parametrize(
    ("failures", "widest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (5000, 8.0)]
)
def test_backoff_draws_from_the_whole_range_and_no_further(failures, widest):
    drawn = [backoff(failures, POLICY, Random(seed)) for seed in range(300)]
    assert 0 <= min(drawn) < 0.05 * widest
    assert 0.95 * widest < max(drawn) <= widest


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        (None, None),
        (math.nan, None),
        (-5.0, 0.0),
        (0.0, 0.0),
        (5.289, 5.289),
        (math.inf, LONGEST_RETRY_AFTER),
        (1e9, LONGEST_RETRY_AFTER),
    ],
)
def test_retry_after_is_brought_into_a_sane_range(told, taken):
    assert sane_retry_after(told) == taken


@given(SEEDS, st.floats(0, 3600))
def test_the_servers_word_is_taken_exactly_at_first(seed, told):
    assert pause(1, told, POLICY, Random(seed)) == told


@given(FAILURES, SEEDS, st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)))
def test_a_pause_is_finite_and_never_shorter_than_the_server_asks(failures, seed, told):
    seconds = pause(failures, told, POLICY, Random(seed))
    assert 0 <= seconds <= max(POLICY.max_delay, LONGEST_RETRY_AFTER)
    assert seconds >= (sane_retry_after(told) or 0)


def test_a_server_that_keeps_saying_now_is_not_hammered():
    rng = Random(1)
    assert sum(pause(failures, 0.0, POLICY, rng) for failures in range(2, 12)) > 10


def test_the_budget_stops_retries_at_half_and_successes_restore_it():
    budget = RetryBudget(capacity=10, ratio=0.5)
    for _ in range(4):
        budget.failed()
    assert budget.allows
    budget.failed()
    assert not budget.allows
    budget.succeeded()
    assert budget.allows


@given(st.lists(st.booleans(), max_size=200))
def test_the_budget_stays_within_its_capacity(outcomes):
    budget = RetryBudget(capacity=10, ratio=0.5)
    for succeeded in outcomes:
        (budget.succeeded if succeeded else budget.failed)()
        assert 0 <= budget.tokens <= 10
        assert budget.allows == (budget.tokens > 5)
