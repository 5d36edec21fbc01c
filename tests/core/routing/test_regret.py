"""Choosing among routes that change: less is lost than by what others do, over seeds that are fixed."""

import pytest

from tests.core.routing.regret import POLICIES, SCENARIOS, regret

SEEDS = range(4)


def mean(policy, scenario):
    return sum(regret(policy, scenario, seed) for seed in SEEDS) / len(SEEDS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_less_is_lost_than_by_any_other_policy(scenario):
    ours = mean("TensorWall", scenario)
    others = {policy: mean(policy, scenario) for policy in POLICIES if policy != "TensorWall"}
    assert ours < min(others.values()), others


def test_a_policy_meets_the_same_calls_as_any_other():
    assert regret("round robin", "drift", 5) == regret("round robin", "drift", 5)
    assert all(regret(policy, "drift", 5) > 0 for policy in POLICIES)
