from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from app.tui.routes.details import delay_bar, level_line, route_details
from app.tui.routes.standing import Standing, standings
from core.chat import SkippedRoute
from core.chat.delay import Delay
from core.costs.ledger_records import Totals
from core.review import RouteRecord
from core.routing import PlannedRoute, RouteHealth
from core.routing.breaker import CircuitState
from core.routing.limits.allowance import LimitLevel

GROQ = RouteHealth("*", "groq", "big", 0, "closed", 0.0, "", 0.4, 0, 3, None, "Groq")
OPENAI = replace(GROQ, provider="openai", model="mini", priority=1, label="OpenAI")
LEVEL = LimitLevel("tokens_per_minute", 8_000, 2_000, 45.0)
RECORD = RouteRecord(
    "groq",
    "big",
    calls=50,
    failed=2,
    first_content=0.4,
    slow_first_content=1.3,
    tokens_per_second=812.0,
    delay=Delay(0.04, 0.21, 0.012, 0.15),
    last_error="ServerFailed",
    today=Totals(calls=12, turns=10, prompt_tokens=10_000, completion_tokens=4_000, cost=Decimal("0.0042")),
)


def test_the_next_route_comes_first_and_each_model_once() -> None:
    routes = [
        PlannedRoute("openai", "mini", "tier 0", None, "OpenAI"),
        PlannedRoute("groq", "big", "tier 1", None, "Groq", ready_in=4.8),
    ]
    skipped = [SkippedRoute("groq", "big", "has no room in its tokens a minute for 4.8 s")]
    health = [GROQ, replace(GROQ, pattern="fast"), OPENAI, replace(GROQ, model="other")]
    first, second, other = standings(health, [RECORD], routes, skipped)
    assert (first.key, first.place, first.state, first.record) == ("openai/mini", 1, "ready", None)
    assert (second.key, second.place, second.state) == ("groq/big", 2, "ready in 4.8 s")
    assert second.patterns == ("*", "fast")
    assert (other.key, other.place, other.state) == ("groq/other", None, "ready")


@pytest.mark.parametrize(
    ("ready_in", "circuit", "left", "state"),
    [
        (0.0, "closed", 0.0, "ready"),
        (0.01, "closed", 0.0, "ready"),
        (4.84, "closed", 4.84, "ready in 4.8 s"),
        (400.0, "closed", 400.0, "ready in 7 min"),
        (math.inf, "closed", 0.0, "too small"),
        (0.0, "open", 23.0, "off for 23.0 s"),
        (0.0, "half_open", 0.0, "on probation"),
    ],
)
def test_the_state_is_told_in_a_word(ready_in: float, circuit: CircuitState, left: float, state: str) -> None:
    health = replace(GROQ, circuit=circuit, ready_in=left)
    assert Standing(health, ("*",), ready_in=ready_in).state == state


def test_everything_that_is_known_is_told() -> None:
    health = replace(GROQ, levels=(LEVEL,), failed=1)
    told = route_details(Standing(health, ("*",), RECORD, 1, "tier 0, fastest"), 78).plain
    for part in (
        "is asked next: tier 0, fastest",
        "circuit closed, 1 of 3 calls failed lately",
        "400 ms (p50), 1.3 s (p95), 812 tok/s",
        "mostly in the queue of Groq",
        "╌ network 40 ms",
        "2,000 of 8,000 left, all in 45.0 s",
        "4%: 2 of the last 50 calls, the last one: ServerFailed",
        "$0.0042, 12 calls, 14k tokens",
    ):
        assert part in told, told
    assert told.count("unknown") == 3


def test_a_provider_that_tells_no_times_is_not_blamed() -> None:
    record = replace(RECORD, delay=Delay(None, None, None, 0.1, untold=0.5))
    told = route_details(Standing(GROQ, ("*",), record), 78).plain
    assert "take 500 ms; Groq does not tell them apart" in " ".join(told.split())
    assert "mostly" not in told


@given(st.floats(0, 1e6), st.floats(1, 1e6), st.integers(6, 60), st.floats(0, 1e5), st.integers(40, 150))
def test_bars_have_the_width_they_are_given(
    free: float, limit: float, width: int, whole_in: float, line: int
) -> None:
    level = LimitLevel("tokens_per_minute", limit, free, whole_in)
    bar = level_line("tokens_per_minute", level, width).plain
    assert bar.count("━") + bar.count("─") == width
    assert (bar.count("━") > 0) == (free >= 1)
    health = replace(GROQ, levels=(level,))
    told = route_details(Standing(health, ("*",), RECORD, 1, "tier 0"), line)
    assert isinstance(told, Content)


@given(st.lists(st.floats(0, 100), min_size=4, max_size=4), st.integers(1, 60))
def test_the_parts_of_a_delay_fill_its_bar(parts: list[float], width: int) -> None:
    delay = Delay(*parts)
    assert delay_bar(delay, width).cell_length == (width if delay.whole else 0)
