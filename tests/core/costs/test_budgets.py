"""Budgets as policy: which period counts, what is left, and what a refusal says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import LongPromptPrice, Price
from core.chat import Usage
from core.costs.budgets import (
    Budget,
    BudgetPeriod,
    Standing,
    budgets_of,
    has_hard_limit,
    period_of,
    refusal,
    room,
    tightest,
)
from core.costs.worst_case import WorstCase
from core.settings import BudgetSettings

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
dollars = st.decimals(0, 1000, places=6)
limits = st.none() | st.decimals("0.000001", 1000, places=6)
standing = st.builds(
    Standing,
    st.builds(Budget, st.sampled_from(["session", "day", "week", "month"]), limits, limits),
    st.just(BudgetPeriod("now")),
    dollars,
    dollars,
)


def test_only_budgets_with_a_limit_count() -> None:
    settings = BudgetSettings.model_validate({"day": {"soft": 1}, "month": {"hard": 0.1}})
    assert budgets_of(settings) == (Budget("day", Decimal(1)), Budget("month", None, Decimal("0.1")))
    assert has_hard_limit(settings)
    assert not has_hard_limit(BudgetSettings.model_validate({"day": {"soft": 1}}))
    assert not has_hard_limit(None)


@pytest.mark.parametrize(
    ("scope", "first", "following"),
    [
        ("day", date(2026, 11, 26), date(2026, 11, 27)),
        ("week", date(2026, 11, 23), date(2026, 11, 30)),
        ("month", date(2026, 11, 1), date(2026, 12, 1)),
    ],
)
def test_a_period_begins_and_refills_at_local_midnight(scope: str, first: date, following: date) -> None:
    period = period_of(scope, NOON, "s")  # type: ignore[arg-type]
    assert period.name == first.isoformat()
    assert period.since is not None
    assert period.refills_at is not None
    assert period.since.astimezone().date() == first
    assert period.refills_at.astimezone().date() == following


def test_a_session_never_refills() -> None:
    assert period_of("session", NOON, "abc") == BudgetPeriod("abc")


@given(st.lists(standing))
def test_room_is_what_the_tightest_hard_limit_leaves(standings: list[Standing]) -> None:
    hard = [one.budget.hard - one.spent - one.reserved for one in standings if one.budget.hard is not None]
    money = room(standings)
    assert money == (max(Decimal(0), min(hard)) if hard else None)
    limit = tightest(standings)
    assert (limit is None) == (not hard)
    if limit is not None:
        assert limit.left == money


def test_a_refusal_says_what_is_left_and_when_there_is_more() -> None:
    budget, today = Budget("day", None, Decimal(2)), period_of("day", NOON, None)
    day = Standing(budget, today, Decimal("1.9689"), Decimal("0.01"))
    error = refusal(day, Decimal("0.05"))
    assert error.message == (
        "The hard limit of $2.00 a day has $0.021 left, with $0.010 held for running calls; "
        "this call may cost $0.050."
    )
    assert "It refills on Fri 27 Nov at 00:00" in error.hint
    assert "config set budgets.day.hard" in error.hint
    assert (error.scope, error.left) == ("day", Decimal("0.0211"))
    session = Standing(Budget("session", None, Decimal(1)), BudgetPeriod("s"), Decimal(1))
    assert "Begin a new session" in refusal(session, Decimal("0.05")).hint
    assert "price is unknown" in refusal(session, None).message


@given(dollars, st.integers(0, 5))
def test_a_soft_limit_is_passed_at_its_amount(limit: Decimal, more: int) -> None:
    budget = Budget("day", limit)
    assert Standing(budget, BudgetPeriod("d"), limit + more).soft_is_passed
    if limit:
        assert not Standing(budget, BudgetPeriod("d"), limit - Decimal("0.0000001")).soft_is_passed


@given(
    st.integers(0, 300_000),
    st.integers(1, 200_000),
    st.decimals(0, 20, places=4),
    st.decimals(0, 80, places=4),
    st.decimals(0, 5, places=6),
    st.booleans(),
    st.integers(1, 128),
)
def test_the_output_that_money_pays_for_is_the_longest_that_fits(
    prompt: int, cap: int, rate_in: Decimal, rate_out: Decimal, money: Decimal, tiered: bool, answers: int
) -> None:
    tiers = (LongPromptPrice(128_000, rate_in * 2, rate_out * 2),) if tiered else ()
    case = WorstCase(prompt, cap, Price("p", rate_in, rate_out, long_prompt=tiers), answers)
    tokens = case.output_for(money)
    assert 0 <= tokens <= cap
    cost, price = case.cost(tokens), case.price
    assert price is not None
    assert cost is not None
    if tokens:
        assert cost <= money
    if tokens < cap:
        assert price.cost(Usage(prompt, answers * (tokens + 1))) > money


def test_without_a_price_nothing_can_be_said() -> None:
    case = WorstCase(10, 10, None)
    assert case.cost() is None
    assert case.output_for(Decimal(1)) == 0


def test_a_week_in_a_year_of_53() -> None:
    late = datetime(2027, 1, 2, 12, tzinfo=UTC)
    assert period_of("week", late, None).name == "2026-12-28"
    assert (
        period_of("month", datetime(2026, 12, 31, 12, tzinfo=UTC), None).refills_at
        == period_of("month", late, None).since
    )
    assert (period_of("day", late, None).refills_at or late) - late < timedelta(days=1)
