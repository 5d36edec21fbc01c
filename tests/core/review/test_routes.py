from __future__ import annotations

from decimal import Decimal

import pytest

from core.chat import Usage
from core.records import Records
from tests.core.review.conftest import BIG, NOW, SMALL, Book


async def test_a_route_is_told_by_its_last_calls(records: Records, book: Book) -> None:
    usage = Usage(100, 50, queue_time=0.04, prompt_time=0.01, completion_time=0.1)
    for number in range(20):
        book(None, usage, minutes=-number, first_token=0.1, first_content=0.1 * (number + 1))
    book(
        None,
        None,
        minutes=1,
        outcome="failed",
        error_type="ServerFailed",
        first_token=None,
        first_content=None,
    )
    book(None, usage, minutes=-20, model=SMALL)
    small, big = sorted(await records.review.routes(NOW), key=lambda record: record.calls)
    assert (small.model, big.model) == (SMALL, BIG)
    assert (big.calls, big.failed, big.last_outcome, big.last_error) == (21, 1, "failed", "ServerFailed")
    assert big.first_content == pytest.approx(1.0)
    assert big.slow_first_content == pytest.approx(1.9)
    assert big.tokens_per_second == pytest.approx(500)
    assert big.delay is not None
    assert dict(big.delay.parts()) == pytest.approx(
        {"network": 0.05, "queue": 0.04, "prompt": 0.01, "generation": 0.95}
    )
    assert big.today.calls == 21
    assert big.today.cost > Decimal(0)


async def test_what_is_long_ago_or_still_runs_does_not_count(records: Records, book: Book) -> None:
    book(None, Usage(1, 1), minutes=-8 * 24 * 60)
    book(None, Usage(1, 1), ends=False)
    assert await records.review.routes(NOW) == []


async def test_yesterday_counts_for_the_times_and_not_for_the_cost_of_today(
    records: Records, book: Book
) -> None:
    book(None, Usage(100, 10), minutes=-36 * 60)
    (record,) = await records.review.routes(NOW)
    assert (record.calls, record.today.calls, record.today.cost) == (1, 0, Decimal(0))
    assert record.delay is not None
    assert record.delay.network is None
    assert record.delay.untold == pytest.approx(0.1)


async def test_only_the_last_hundred_calls_of_a_route_count(records: Records, book: Book) -> None:
    for number in range(130):
        book(None, Usage(1, 1), minutes=-number / 10, first_content=0.2 if number < 100 else 9.0)
    (record,) = await records.review.routes(NOW)
    assert (record.calls, record.slow_first_content) == (100, 0.2)


async def test_an_answer_that_came_whole_has_no_speed_unless_the_provider_tells(
    records: Records, book: Book
) -> None:
    def asked(model: str, tokens: int, told: float | None = None, **times: float | None) -> None:
        book(None, Usage(100, tokens, completion_time=told), model=model, **times)

    asked("in one piece", 600, duration=1.5, first_token=None, first_content=None)
    asked("at once", 10, duration=1.51, first_token=1.5)
    asked("kept somewhere", 60_000, duration=1.6, first_token=1.5)
    asked("told", 600, told=1.0, duration=1.5, first_token=None, first_content=None)
    asked("streamed", 700, duration=1.5, first_token=0.1)
    speeds = {record.model: record.tokens_per_second for record in await records.review.routes(NOW)}
    assert speeds == pytest.approx(
        {"at once": None, "in one piece": None, "kept somewhere": None, "streamed": 500, "told": 600}
    )
