from collections import Counter
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.routing.strategy import EndpointState, LoadBalanceStrategy, rank

ROUND_ROBIN, WEIGHTED = LoadBalanceStrategy.ROUND_ROBIN, LoadBalanceStrategy.WEIGHTED
LEAST_LATENCY, RANDOM = LoadBalanceStrategy.LEAST_LATENCY, LoadBalanceStrategy.RANDOM
LOWEST_COST = LoadBalanceStrategy.LOWEST_COST


def order(strategy, states, turn=0, seed=0):
    return [place.index for place in rank(strategy, states, turn=turn, rng=Random(seed)).ranked]


def test_round_robin_takes_turns():
    states = [EndpointState() for _ in range(3)]
    assert [order(ROUND_ROBIN, states, turn)[0] for turn in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert order(ROUND_ROBIN, states, turn=1) == [1, 2, 0]


def test_weights_are_shares_of_the_first_choice():
    states = [EndpointState(weight=weight) for weight in (1, 3, 6)]
    rng = Random(7)
    first = Counter(rank(WEIGHTED, states, turn=0, rng=rng).ranked[0].index for _ in range(5000))
    for index, share in enumerate((0.1, 0.3, 0.6)):
        assert first[index] / 5000 == pytest.approx(share, abs=0.03)


def test_weight_zero_comes_last_and_still_comes():
    states = [EndpointState(weight=0), EndpointState(weight=1)]
    assert all(order(WEIGHTED, states, seed=seed) == [1, 0] for seed in range(50))


def test_random_is_even():
    states = [EndpointState() for _ in range(3)]
    rng = Random(3)
    first = Counter(rank(RANDOM, states, turn=0, rng=rng).ranked[0].index for _ in range(3000))
    assert all(first[index] / 3000 == pytest.approx(1 / 3, abs=0.04) for index in range(3))


def test_least_latency_prefers_the_fast_and_gives_the_unmeasured_a_chance():
    states = [
        EndpointState(latency=0.3, measured=0.3),
        EndpointState(latency=0.1, measured=0.1),
        EndpointState(latency=0.0, measured=None),
    ]
    plan = rank(LEAST_LATENCY, states, turn=0, rng=Random())
    assert [place.index for place in plan.ranked] == [2, 1, 0]
    assert plan.ranked[0].reason == "tier 0, not measured yet"
    assert plan.ranked[1].reason == "tier 0, fastest with 100 ms to the first word"


def test_lowest_cost_puts_unknown_prices_last():
    states = [
        EndpointState(price=None),
        EndpointState(price=Decimal("0.5")),
        EndpointState(price=Decimal("0.1")),
    ]
    plan = rank(LOWEST_COST, states, turn=0, rng=Random())
    assert [place.index for place in plan.ranked] == [2, 1, 0]
    assert plan.ranked[2].reason == "tier 0, price unknown"


@pytest.mark.parametrize("strategy", LoadBalanceStrategy)
def test_a_tier_is_real_whatever_the_strategy(strategy):
    """A lower number is used while it is healthy, however heavy, fast or cheap the other is."""
    states = [
        EndpointState(priority=1, weight=100, latency=0.001, measured=0.001, price=Decimal(0)),
        EndpointState(priority=0, weight=1, latency=9.0, measured=9.0, price=Decimal(99)),
    ]
    assert all(order(strategy, states, turn, seed=turn) == [1, 0] for turn in range(100))


def test_what_is_not_ready_comes_last_soonest_first_with_its_reason():
    states = [
        EndpointState(problem="is at its rate limit for 9.0 s", ready_in=9.0),
        EndpointState(problem="failed", ready_in=3.0, priority=5),
        EndpointState(priority=9),
    ]
    plan = rank(LEAST_LATENCY, states, turn=0, rng=Random())
    assert [place.index for place in plan.ranked] == [2, 1, 0]
    assert [(place.index, place.reason) for place in plan.set_aside] == [
        (1, "failed"),
        (0, "is at its rate limit for 9.0 s"),
    ]


STATES = st.lists(
    st.builds(
        EndpointState,
        priority=st.integers(-2, 2),
        weight=st.floats(0, 1e6),
        problem=st.sampled_from(["", "", "failed"]),
        ready_in=st.floats(0, 100),
        latency=st.floats(0, 100),
        measured=st.one_of(st.none(), st.floats(0, 100)),
        price=st.one_of(st.none(), st.decimals(0, 100, places=3)),
    ),
    max_size=6,
)


@given(st.sampled_from(LoadBalanceStrategy), STATES, st.integers(0, 10**9), st.integers())
def test_every_plan_names_each_endpoint_once_ready_ones_by_tier_first(strategy, states, turn, seed):
    plan = rank(strategy, states, turn=turn, rng=Random(seed))
    indices = [place.index for place in plan.ranked]
    assert sorted(indices) == list(range(len(states)))
    ready = [index for index in indices if not states[index].problem]
    assert indices[: len(ready)] == ready
    assert [states[index].priority for index in ready] == sorted(states[index].priority for index in ready)
    assert {place.index for place in plan.set_aside} == set(indices) - set(ready)
    assert all(place.reason for place in plan.ranked)
    assert plan == rank(strategy, states, turn=turn, rng=Random(seed))
