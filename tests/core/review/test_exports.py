"""Reports and their three forms: exact, whole, and harmless to whoever opens them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.chat import Usage
from core.costs.ledger_records import Totals
from core.errors import InputError
from core.records import Records
from core.review import FORMS, Report, Scope, form_of, parse_filter, render
from core.review.report import sums
from tests.core.review.conftest import BIG, NOW, SMALL, Book

MONEY = st.decimals(0, 1000, places=12)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def read_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def report_of(*rows: dict[str, Any]) -> Report:
    return Report("Sessions", Scope(), Totals(), tuple(rows[0]), rows, len(rows), NOW)


@pytest.fixture
async def spent(records: Records, book: Book) -> str:
    """Two sessions, one of them deleted, with every kind of call; the id of the first."""
    session = (await records.conversations.create(title="=SUM(1;2) | rivers")).id
    book(session, Usage(1_000, 200, 400, 50), message="m1")
    book(session, Usage(50, 5), feature="title", model=SMALL)
    book(session, None, message="m2", minutes=20, outcome="interrupted", output_characters=400)
    book(session, Usage(70, 7), message="m2", role="fallback", minutes=20, provider="unheard", model="of")
    book("gone", Usage(3, 1), message="m3", minutes=40)
    book(None, Usage(9, 9), feature="voice", minutes=60)
    book(session, None, message="m4", minutes=80, ends=False)
    return session


@pytest.mark.parametrize("kind", ["sessions", "groups", "calls"])
async def test_the_rows_of_every_form_add_up_to_the_totals_of_the_ledger(
    records: Records, spent: str, kind: str
) -> None:
    match kind:
        case "sessions":
            report, totals = await records.review.session_report(), await records.ledger.totals()
        case "groups":
            report = await records.review.group_report(("session", "day", "model"))
            totals = await records.ledger.totals()
        case _:
            report, totals = await records.review.call_report(spent), await records.ledger.totals(spent)
    assert report.totals == totals
    document = read_json(render(report, "json"))
    for rows in (read_csv(render(report, "csv")), document["rows"]):
        assert len(rows) == report.count
        assert list(rows[0]) == list(report.columns)
        for column in ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"):
            assert sum(int(row[column]) for row in rows) == getattr(totals, column)
        assert sum(Decimal(row["cost_usd"] or 0) for row in rows) == totals.cost
    assert document["totals"]["cost_usd"] == totals.cost
    assert document["totals"]["unknown_price_calls"] == totals.unknown_price_calls == 1
    assert document["totals"]["estimated_cost_usd"] == totals.estimated_cost > 0
    front, table = (render(report, "markdown").split("---\n", 2)[part] for part in (1, 2))
    fields = dict(line.split(": ", 1) for line in front.splitlines())
    assert read_json(fields["totals"])["cost_usd"] == totals.cost
    assert fields["currency"] == "USD"
    assert MarkdownIt("commonmark").enable("table").render(table).count("<tr>") == report.count + 3


async def test_sessions_tell_which_were_deleted_and_which_models_answered(
    records: Records, spent: str
) -> None:
    report = await records.review.session_report(order="started", descending=False)
    assert [(row["session"], row["deleted"], row["turns"]) for row in report.rows] == [
        (spent, False, 2),
        ("gone", True, 1),
        ("", False, 0),
    ]
    assert report.rows[0]["models"] == (BIG, "of", SMALL)
    assert report.rows[1]["first_at"] == NOW + timedelta(minutes=40)


async def test_a_limited_report_says_how_much_there_is_and_totals_all(records: Records, spent: str) -> None:
    dearest = await records.review.session_report(order="cost", limit=1)
    assert [row["session"] for row in dearest.rows] == [spent]
    assert (dearest.count, dearest.totals) == (3, await records.ledger.totals())
    assert "\n1 of 3; the totals count all.\n" in render(dearest, "markdown")
    groups = await records.review.group_report(("model",), order="cost", descending=True, limit=2)
    assert ([row["model"] for row in groups.rows], groups.count) == ([BIG, SMALL], 3)
    slowest = await records.review.group_report(("feature",), order="tokens", descending=False)
    assert [row["feature"] for row in slowest.rows] == ["voice", "title", "chat"]


async def test_a_report_keeps_to_its_scope(records: Records, spent: str) -> None:
    scope = Scope(since=NOW + timedelta(minutes=15), filter=parse_filter('provider:groq "two words"'))
    report = await records.review.group_report(("session", "month"), scope)
    assert (report.rows, report.totals) == ((), Totals())
    told = read_json(render(report, "json"))["scope"]
    assert told == {
        "since": "2026-11-22T12:15:00+00:00",
        "until": None,
        "session": None,
        "words": '"two words"',
        "fields": {"provider": ["groq"]},
    }
    whole = Scope(filter=parse_filter('model:="gpt-4"'))
    told = read_json(render(await records.review.group_report(("day",), whole), "json"))["scope"]
    assert told["exact"] == {"model": ["gpt-4"]}
    assert render(report, "csv").splitlines()[0].startswith("session,title,month,turns,calls,prompt_tokens")
    assert "Nothing was spent." in render(report, "markdown")


async def test_calls_are_numbered_by_turn_and_running_ones_are_left_out(records: Records, spent: str) -> None:
    report = await records.review.call_report(spent)
    assert [(row["turn"], row["role"], row["feature"], row["outcome"]) for row in report.rows] == [
        (1, "first", "chat", "answered"),
        (2, "first", "title", "answered"),
        (3, "first", "chat", "interrupted"),
        (3, "fallback", "chat", "answered"),
    ]
    assert report.rows[3]["cost_usd"] is None
    assert report.rows[0]["started_at"] == NOW


@given(cost=MONEY, title=TEXT)
def test_csv_and_json_keep_every_digit_and_json_every_character(cost: Decimal, title: str) -> None:
    report = report_of({"title": title, "models": (title, "b"), "cost_usd": cost, "at": NOW, "x": None})
    (row,) = read_json(render(report, "json"))["rows"]
    assert row == {"title": title, "models": [title, "b"], "cost_usd": cost, "at": NOW.isoformat(), "x": None}
    (row,) = read_csv(render(report, "csv"))
    assert Decimal(row["cost_usd"]) == cost
    assert "E" not in row["cost_usd"]


@given(title=TEXT)
def test_no_text_in_csv_is_a_formula_or_acts_on_a_terminal(title: str) -> None:
    (row,) = read_csv(render(report_of({"title": title, "cost_usd": Decimal("-0.5")}), "csv"))
    assert not row["title"].startswith(("=", "+", "-", "@", "\t"))
    assert "\x1b" not in row["title"]
    assert row["cost_usd"] == "-0.5"


@given(title=TEXT)
def test_no_text_in_markdown_leaves_its_cell(title: str) -> None:
    report = replace(report_of({"title": title, "cost_usd": Decimal(1)}), totals=Totals(calls=1))
    text = render(report, "markdown").split("---\n", 2)[2]
    drawn = MarkdownIt("commonmark").enable("table").render(text)
    assert drawn.count("<tr>") == 4
    assert drawn.count("<table>") == 2
    for tag in ("<a", "<img", "<code", "<em", "<strong", "<script"):
        assert tag not in drawn


@given(totals=st.builds(Totals, cost=MONEY, estimated_cost=MONEY, prompt_tokens=st.integers(0, 10**12)))
def test_the_totals_survive_json(totals: Totals) -> None:
    report = replace(report_of({"model": "a"}), totals=totals)
    assert read_json(render(report, "json"))["totals"] == sums(totals)


def test_the_form_follows_the_files_name() -> None:
    assert [form_of(PurePath(name)) for name in ("a.csv", "a.b.JSON", "a.md")] == list(FORMS)
    with pytest.raises(InputError, match=r"costs\.xlsx") as refused:
        form_of(PurePath("costs.xlsx"))
    assert ".csv, .json or .md" in refused.value.hint


def test_when_it_was_made_is_told(records: Records) -> None:
    report = replace(report_of({"a": 1}), generated_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert 'generated_at: "2026-01-02T03:04:05+00:00"' in render(report, "markdown")
