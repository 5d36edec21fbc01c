"""Every total at every level is the exact sum of its rows, whatever happened to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from core.catalogue import load_catalogue
from core.chat import UpstreamCall, Usage
from core.costs.ledger_records import CallRecord, Totals
from core.costs.periods import quarter_of, quarter_start
from core.records import Records, open_records
from core.review import DIMENSIONS, Dimension, Filter, Group, GroupOrder, Scope, SessionOrder, SessionSpend
from core.review.dimensions import FIELDS
from core.storage.tables import kind_spend, quarter_spend, session_spend, spend
from tests.core.review.plain_sums import ended, grouped, key_of, same
from tests.core.review.sequences import Step, examples, moments, play, steps

ORDERS = get_args(SessionOrder)
PAIRS = [*combinations(DIMENSIONS, 2), ("model", "model"), ("day", "week", "session")]

scopes = st.builds(Scope, since=st.none() | moments, until=st.none() | moments)
filters = st.dictionaries(
    st.sampled_from([name for name in FIELDS if name != "key"]),
    st.lists(
        st.sampled_from(["groq", "OSS", "20b", "%", "_", "chat", "first", "fa", "answered", "\\", "'"]),
        min_size=1,
        max_size=2,
    ).map(tuple),
    max_size=2,
).map(lambda fields: Filter("", fields))


@pytest.fixture
async def records(location: str | Path) -> AsyncIterator[Records]:
    records = await open_records(location, load_catalogue())
    yield records
    await records.aclose()


def within(rows: list[CallRecord], scope: Scope) -> list[CallRecord]:
    """The calls that have ended, of the scope's time and fields."""
    since = None if scope.since is None else quarter_start(quarter_of(scope.since))
    until = None if scope.until is None else quarter_start(quarter_of(scope.until))
    return [
        row
        for row in ended(rows)
        if (since is None or row.started_at >= since)
        and (until is None or row.started_at < until)
        and (scope.session_id is None or (row.session_id or "") == scope.session_id)
        and all(
            any(value.lower() in key_of(row, name).lower() for value in values)
            for name, values in scope.filter.fields.items()
        )
    ]


@examples
@given(steps, scopes, filters, st.sampled_from(PAIRS))
async def test_totals_and_groups(
    records: Records, sequence: list[Step], scope: Scope, filter_: Filter, pair: Any
) -> None:
    await play(records, sequence)
    rows = await records.ledger.rows()
    assert same(await records.ledger.totals(), ended(rows))
    for looked_at in (Scope(), scope, replace(scope, filter=filter_), Scope(session_id="s1")):
        counted = within(rows, looked_at)
        assert same(await records.review.totals(looked_at), counted)
        by_one = DIMENSIONS if looked_at == Scope() else pair
        for by in (*((dimension,) for dimension in by_one), pair):
            groups = await records.review.groups(by, looked_at)
            expected = grouped(counted, by)
            assert [group.keys for group in groups] == sorted(expected)
            for group in groups:
                assert same(group.totals, expected[group.keys])


@examples
@given(
    steps,
    st.sampled_from(
        [
            *(
                ("session",),
                ("session", "model"),
                ("month", "session"),
                ("model", "day"),
                ("key", "week", "role"),
            ),
            *(("session", "week", "model"), ("session", "key"), ("day", "session", "route", "outcome")),
        ]
    ),
    st.booleans(),
    st.integers(1, 4),
)
async def test_the_first_groups(
    records: Records, sequence: list[Step], by: tuple[Dimension, ...], descending: bool, limit: int
) -> None:
    await play(records, sequence)
    groups, totals = await records.review.groups(by), await records.review.totals()
    for order in get_args(GroupOrder):
        page = await records.review.group_page(by, order=order, descending=descending, limit=limit)
        everything = await records.review.group_page(by, order=order, descending=descending)
        assert list(everything.groups) == sorted_groups(groups, order, descending=descending)
        assert page.groups == everything.groups[:limit]
        assert (page.count, page.totals) == (len(groups), totals)


def sorted_groups(groups: list[Group], order: GroupOrder, *, descending: bool) -> list[Group]:
    """Sorted in Python: what has no speed comes last, equals by their keys."""

    def measure(part: Group) -> Any:
        match order:
            case "cost":
                return part.totals.cost
            case "tokens":
                return part.totals.total_tokens
            case "turns":
                return part.totals.turns
            case "speed":
                return part.totals.tokens_per_second
            case _:
                return part.totals.calls

    if order == "key":
        return sorted(groups, key=lambda part: part.keys, reverse=descending)
    known = [part for part in groups if measure(part) is not None]
    unknown = [part for part in groups if measure(part) is None]
    return sorted(known, key=measure, reverse=descending) + unknown


@examples
@given(steps)
async def test_nothing_is_left_of_rows_that_are_gone(records: Records, sequence: list[Step]) -> None:
    await play(records, sequence)
    await play(records, [])

    def left(connection: Any) -> tuple[list[int], Decimal | None]:
        return (
            [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (spend, session_spend, kind_spend)
            ],
            connection.execute(select(func.sum(quarter_spend.c.cost))).scalar_one(),
        )

    sums, cost = await records.database.read(left)
    assert (sums, cost or 0) == ([0, 0, 0], 0)
    assert await records.review.totals() == Totals()
    assert await records.review.groups(("day", "model")) == []
    assert (await records.review.sessions()).sessions == ()


@examples
@given(steps)
async def test_the_sums_of_sums_are_those_of_their_rows(records: Records, sequence: list[Step]) -> None:
    """Of every row, with its first and its last quarter of an hour, and of none that is not there."""
    await play(records, sequence)
    measures = [column.name for column in kind_spend.c if not column.primary_key]

    def read(connection: Any) -> list[list[Any]]:
        return [
            [*connection.execute(select(table)).mappings()] for table in (spend, session_spend, kind_spend)
        ]

    rows, by_session, by_six_hours = await records.database.read(read)

    def added(key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
        groups: dict[Any, list[Any]] = {}
        for row in rows:
            groups.setdefault(key(row), []).append(row)
        return groups

    def sums(group: list[Any]) -> dict[str, Any]:
        return {name: sum(row[name] for row in group) for name in measures}

    sessions = added(lambda row: (row["session_id"], row["kind_id"]))
    assert {(row["session_id"], row["kind_id"]): dict(row) for row in by_session} == {
        key: {
            "session_id": key[0],
            "kind_id": key[1],
            "first_quarter": min(row["quarter"] for row in group),
            "last_quarter": max(row["quarter"] for row in group),
            **sums(group),
        }
        for key, group in sessions.items()
    }
    kinds = added(lambda row: (row["quarter"] // 24, row["kind_id"]))
    assert {(row["six_hours"], row["kind_id"]): dict(row) for row in by_six_hours} == {
        key: {"six_hours": key[0], "kind_id": key[1], **sums(group)} for key, group in kinds.items()
    }


@examples
@given(steps, scopes, st.integers(1, 3))
async def test_sessions_page_by_page(
    records: Records, sequence: list[Step], scope: Scope, limit: int
) -> None:
    await play(records, sequence)
    counted = within(await records.ledger.rows(), scope)
    groups = {keys[0]: rows for keys, rows in grouped(counted, ("session",)).items()}
    for order in ORDERS:
        for descending in (True, False):
            found: list[SessionSpend] = []
            for offset in range(0, 5, limit):
                page = await records.review.sessions(
                    scope, order=order, descending=descending, limit=limit, offset=offset
                )
                assert page.count == len(groups)
                found += page.sessions
            assert [session.id for session in found] == sorted_ids(groups, order, descending=descending)
    for session in found:
        check_session(session, groups[session.id])


def check_session(session: SessionSpend, rows: list[CallRecord]) -> None:
    assert same(session.totals, rows)
    assert set(session.models) == {row.model for row in rows}
    tokens = [
        sum(row.prompt_tokens + row.completion_tokens for row in rows if row.model == model)
        for model in session.models
    ]
    assert tokens == sorted(tokens, reverse=True)
    if session.id:
        assert session.first_at == min(row.started_at for row in rows)
        ends = [row.started_at + timedelta(seconds=row.duration or 0) for row in rows]
        assert session.last_at == max(ends)
        speeds = [row.completion_tokens / max(generation(row), 1e-6) for row in rows if is_timed(row)]
        assert session.median_speed == (median(speeds) if speeds else None)
        answers = sorted((row for row in rows if row.first_content is not None), key=order_of)
        assert list(session.latencies) == [row.first_content for row in answers]


async def test_an_answer_that_took_next_to_no_time_has_a_speed(records: Records) -> None:
    call = UpstreamCall("c", "r", "groq", "m", "first", datetime(2026, 11, 22, 12, tzinfo=UTC))
    call.outcome, call.usage = "answered", Usage(0, 1_798, completion_time=2.2250738585072014e-308)
    records.ledger.observer("s1").call_ended(call)
    (session,) = (await records.review.sessions()).sessions
    assert session.median_speed == 1_798e6


def generation(row: CallRecord) -> float:
    if row.completion_time is not None:
        return row.completion_time
    return 0.0 if row.duration is None else row.duration - (row.first_token or 0.0)


def is_timed(row: CallRecord) -> bool:
    return bool(row.completion_tokens) and generation(row) > 0


def sorted_ids(groups: dict[str, list[CallRecord]], order: SessionOrder, *, descending: bool) -> list[str]:
    """Sorted in Python: what has no speed comes last, of equals the younger first."""

    def key(session_id: str) -> Any:
        rows = groups[session_id]
        quarters = [quarter_of(row.started_at) for row in rows]
        match order:
            case "last_used":
                return max(quarters)
            case "started":
                return min(quarters)
            case "duration":
                return max(quarters) - min(quarters)
            case "cost":
                return sum(row.cost or 0 for row in rows)
            case "tokens":
                return sum(row.prompt_tokens + row.completion_tokens for row in rows)
            case "turns":
                return sum((row.feature, row.role) == ("chat", "first") for row in rows)
            case "calls":
                return len(rows)
            case "speed":
                timed = [row for row in rows if is_timed(row)]
                micros = sum(round(generation(row) * 1_000_000) for row in timed)
                return sum(row.completion_tokens for row in timed) / micros if micros else None

    ids = sorted(groups, reverse=True)
    known = [session_id for session_id in ids if key(session_id) is not None]
    unknown = [session_id for session_id in ids if key(session_id) is None]
    return sorted(known, key=lambda id_: key(id_) if not descending else -key(id_)) + unknown


@examples
@given(steps)
async def test_turns_hold_each_call_once(records: Records, sequence: list[Step]) -> None:
    await play(records, sequence)
    for session_id in ("s1", "s2", "s3"):
        rows = await records.ledger.rows(session_id)
        turns = await records.review.turns(session_id)
        told = [call for turn in turns for call in turn.calls]
        assert sorted(told, key=order_of) == rows
        assert [turn.started_at for turn in turns] == sorted(turn.started_at for turn in turns)
        for turn in turns:
            assert same(turn.totals, ended(turn.calls))
            assert list(turn.calls) == sorted(turn.calls, key=order_of)
            assert {call.message_id for call in turn.calls} == {turn.message_id}
            assert turn.message_id or len(turn.calls) == 1
        assert sum(turn.totals.cost for turn in turns) == (await records.ledger.totals(session_id)).cost


def order_of(call: CallRecord) -> tuple[datetime, str]:
    return call.started_at, call.call_id
