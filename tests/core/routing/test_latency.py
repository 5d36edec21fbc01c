import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.routing.latency import DecayingMean


def test_unmeasured_looks_instant_so_that_it_is_tried():
    latency = DecayingMean()
    assert latency.mean is None
    assert latency.optimistic(50.0) == 0.0


def test_samples_taken_together_weigh_the_same():
    latency = DecayingMean()
    for seconds in (0.1, 0.2, 0.6):
        latency.observe(seconds, now=10.0)
    assert latency.mean == pytest.approx(0.3)


def test_an_old_sample_hardly_counts_beside_a_new_one():
    latency = DecayingMean(time_constant=60)
    latency.observe(10.0, now=0.0)
    latency.observe(0.2, now=600.0)
    assert latency.mean == pytest.approx(0.2, abs=0.001)


def test_the_weight_of_a_sample_is_exponential_in_its_age():
    latency = DecayingMean(time_constant=100)
    latency.observe(1.0, now=0.0)
    latency.observe(0.0, now=100.0)
    assert latency.mean == pytest.approx(math.exp(-1) / (1 + math.exp(-1)))


def test_an_idle_route_is_tried_again_and_later_the_slower_it_was():
    def tried_again(seconds: float) -> float:
        latency, best = DecayingMean(), 0.2
        latency.observe(seconds, now=0.0)
        return next(now for now in range(10_000) if latency.optimistic(float(now)) < best)

    assert 60 < tried_again(0.5) < tried_again(2.0) < tried_again(30.0) < 1800


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1000)), min_size=1, max_size=50),
    st.floats(0, 1000),
)
def test_the_mean_lies_among_the_samples_and_optimism_only_lowers_it(samples, idle):
    latency, now = DecayingMean(), 0.0
    for seconds, gap in samples:
        now += gap
        latency.observe(seconds, now)
    seen = [seconds for seconds, _ in samples]
    assert latency.mean is not None
    assert min(seen) - 1e-6 <= latency.mean <= max(seen) + 1e-6
    assert 0 <= latency.optimistic(now + idle) <= latency.optimistic(now) <= latency.mean + 1e-9
