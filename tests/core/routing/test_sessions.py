"""Half-hour sessions on the free tier: nothing is refused, and nothing of the limits is left unused."""

import pytest

from tests.core.routing.sessions import PATTERNS, play

SHORTER = {"many small questions": 300, "all of them": 600}
"""Seconds of the sessions with the most calls."""
SATURATING = ["a program", "four programs", "a batch"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_nobody_is_ever_refused(pattern):
    session = play(pattern, seed=1, seconds=SHORTER.get(pattern, 1_800))
    assert session.refused == []
    assert session.calls > 20
    assert max(session.waits, default=0) <= 60


@pytest.mark.parametrize("pattern", SATURATING)
def test_where_there_is_demand_the_limits_are_used(pattern):
    session = play(pattern, seed=2)
    assert session.refused == []
    assert session.used >= 0.95


def test_requests_a_minute_are_used_up_too():
    session = play("many small questions", seed=3, seconds=300)
    assert session.refused == []
    assert session.used >= 0.95


@pytest.mark.parametrize("pattern", ["four programs", "many small questions", "all of them"])
def test_nobody_is_refused_either_where_each_is_a_process_of_its_own(tmp_path, pattern):
    session = play(pattern, seed=4, seconds=300, apart=tmp_path)
    assert session.refused == []
    assert session.used >= 0.9
    assert max(session.waits) <= 60
