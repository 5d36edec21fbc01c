"""The ledger beside a provider's export: what was exported agrees, and whatever is changed in it is found."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import Catalogue, load_catalogue
from core.chat import UpstreamCall, Usage
from core.costs.audit import audit
from core.costs.audit_comparison import ledger_name
from core.costs.audit_report import AuditReport, Figures
from core.costs.ledger import Ledger
from core.errors import InputError
from core.identifiers import new_id
from core.storage import Database, open_database

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = NOON.date()
BIG, SMALL = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
MEASURES = ("requests", "input_tokens", "output_tokens", "cached_tokens", "cost")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
async def database(location: str | Path) -> AsyncIterator[Database]:
    async with await open_database(location) as opened:
        yield opened


@pytest.fixture
def ledger(database: Database, catalogue: Catalogue) -> Ledger:
    return Ledger(database, catalogue)


def book(ledger: Ledger, usage: Usage | None = None, **values: Any) -> None:
    call = UpstreamCall(
        **{
            "call_id": new_id(),
            "route": "chat",
            "provider": "groq",
            "model": BIG,
            "reason": "first",
            "started_at": NOON,
            "outcome": "answered",
            "usage": usage,
            **values,
        }
    )
    ledger.observer("session").call_ended(call)


async def exported(ledger: Ledger, *, by_call: bool = False) -> Rows:
    """What a provider that agrees with the ledger would export."""
    rows: dict[Any, dict[str, Any]] = {}
    for call in await ledger.rows():
        key = call.request_id if by_call else (call.started_at.date(), call.model)
        row = rows.setdefault(
            key,
            {"day": call.started_at.date().isoformat(), "model": call.model, **dict.fromkeys(MEASURES, 0)},
        )
        if by_call:
            row["request_id"] = call.request_id
        row["requests"] += 1
        row["input_tokens"] += call.prompt_tokens
        row["output_tokens"] += call.completion_tokens
        row["cached_tokens"] += call.cached_tokens
        row["cost"] += call.cost or Decimal(0)
    return list(rows.values())


def as_csv(rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows({**row, "cost": f"{row['cost']:f}"} if "cost" in row else row for row in rows)
    return text.getvalue()


@pytest.fixture
def run(tmp_path: Path, database: Database) -> Callable[..., Any]:
    async def against(rows: Rows, **options: Any) -> AuditReport:
        path = tmp_path / "export"
        path.write_text(as_csv(rows), encoding="utf-8")
        return await audit(database, path, **options)

    return against


def kinds(report: AuditReport) -> list[tuple[date, str | None, tuple[str, ...]]]:
    return [(row.day, row.model, row.kinds) for row in report.differences]


async def test_what_agrees_is_told_with_its_sums(ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(1_000, 200, 400))
    book(ledger, Usage(10, 20))
    book(ledger, Usage(500, 100), model=SMALL, started_at=NOON - timedelta(days=1))
    report = await run(await exported(ledger))
    assert report.agrees
    assert (report.provider, report.by_call) == ("groq", False)
    assert (report.since, report.until) == (DAY - timedelta(days=1), DAY)
    assert [(row.day, row.model) for row in report.rows] == [(DAY - timedelta(days=1), SMALL), (DAY, BIG)]
    assert report.ours == report.theirs
    assert report.ours == Figures(3, 1_510, 320, 400, (await ledger.totals()).cost)
    assert report.compared == ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "cost")


async def test_what_was_refunded_is_taken_off(ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(1_000, 200))
    (row,) = await exported(ledger)
    dearer = {**row, "cost": row["cost"] + 5}
    refund = {**row, **dict.fromkeys(MEASURES, 0), "cost": Decimal(-5)}
    assert (await run([dearer, refund])).agrees
    (difference,) = (await run([row, refund])).differences
    assert difference.kinds == ("cost differs",)


async def test_each_kind_of_difference(ledger: Ledger, run: Any) -> None:
    for days, model in ((0, BIG), (0, SMALL), (1, BIG), (1, SMALL)):
        book(ledger, Usage(1_000, 200), model=model, started_at=NOON + timedelta(days=days))
    rows = await exported(ledger)
    del rows[0]  # only here
    rows[0]["requests"] += 1
    rows[1]["input_tokens"] -= 1
    rows[2]["cost"] += Decimal("0.000001")
    rows.append({**rows[0], "day": "2026-11-21", "model": "brand-new"})
    report = await run(rows)
    assert not report.agrees
    assert kinds(report) == [
        (DAY, BIG, ("only here",)),
        (DAY, SMALL, ("calls differ",)),
        (DAY + timedelta(days=1), "brand-new", ("only there",)),
        (DAY + timedelta(days=1), BIG, ("tokens differ",)),
        (DAY + timedelta(days=1), SMALL, ("cost differs",)),
    ]
    assert not any(row.expected for row in report.rows)


async def test_only_the_days_that_the_export_covers_are_compared(ledger: Ledger, run: Any) -> None:
    for moment in (
        NOON,
        NOON.replace(hour=0),
        NOON.replace(hour=23, minute=59, second=59, microsecond=999_999),
    ):
        book(ledger, Usage(100, 10), started_at=moment)
    rows = await exported(ledger)
    for moment in (
        NOON.replace(hour=0) - timedelta(microseconds=1),
        NOON.replace(hour=0) + timedelta(days=1),
    ):
        book(ledger, Usage(100, 10), started_at=moment)
    report = await run(rows)
    assert report.agrees
    assert report.ours.calls == 3


async def test_what_the_export_does_not_tell_is_not_compared(ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(1_000, 200))
    report = await run([{"date": "2026-11-20", "model": BIG, "output_tokens": 200, "quota": "x"}])
    assert report.agrees
    assert report.compared == ("completion_tokens",)
    assert report.ignored_columns == ("quota",)


async def test_an_export_without_models_is_compared_by_day(ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(1_000, 200))
    book(ledger, Usage(1_000, 200), model=SMALL)
    cost = (await ledger.totals()).cost
    report = await run([{"day": "2026-11-20", "cost": cost}])
    assert report.agrees
    assert [row.model for row in report.rows] == [None]
    assert not (await run([{"day": "2026-11-20", "cost": cost * 2}])).agrees


@pytest.mark.parametrize(("digits", "agrees"), [("0.00", True), ("0.0003", True), ("0.0004", False)])
async def test_costs_may_be_rounded(digits: str, agrees: bool, ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(1_000, 200))
    assert (await ledger.totals()).cost == Decimal("0.00027")
    report = await run([{"day": "2026-11-20", "model": BIG, "cost": Decimal(digits)}])
    assert report.agrees == agrees


async def test_several_rows_of_a_day_and_model_are_added_up(ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(1_000, 200))
    row = {"model": BIG, "input_tokens": 500, "output_tokens": 100}
    report = await run([{"time": f"2026-11-20T{hour}:00:00Z", **row} for hour in ("00", "23")])
    assert report.agrees


async def test_differences_that_are_to_be_expected_are_marked(ledger: Ledger, run: Any) -> None:
    book(ledger, outcome="cancelled", prompt_tokens_estimate=90, output_characters=40, output_chunks=10)
    book(ledger, Usage(100, 10), model="unheard-of")
    report = await run(
        [
            {"day": "2026-11-20", "model": BIG, "input_tokens": 95, "cost": Decimal("0.5")},
            {"day": "2026-11-20", "model": "unheard-of", "input_tokens": 100, "cost": Decimal("0.5")},
        ]
    )
    big, unheard = report.rows
    assert (big.kinds, big.expected, big.estimated_calls) == (("tokens differ", "cost differs"), True, 1)
    assert (unheard.kinds, unheard.expected, unheard.unknown_price_calls) == (("cost differs",), True, 1)
    assert unheard.ours is not None
    assert unheard.ours.cost is None
    assert not report.agrees


async def test_calls_that_failed_before_anything_was_used_are_left_out(ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(100, 10))
    rows = await exported(ledger)
    book(ledger, outcome="failed", prompt_tokens_estimate=50, error="429")
    report = await run(rows)
    assert report.agrees
    assert report.ours.calls == 1


async def test_calls_are_compared_one_by_one_by_their_request_ids(ledger: Ledger, run: Any) -> None:
    for name in ("req_a", "req_b", "req_c"):
        book(ledger, Usage(100, 10), request_id=name)
    book(ledger, outcome="failed", request_id="req_d", error="too late, but billed")
    rows = await exported(ledger, by_call=True)
    report = await run(rows)
    assert report.agrees
    assert report.by_call
    assert [row.request_id for row in report.rows] == ["req_a", "req_b", "req_c", "req_d"]
    book(ledger, Usage(100, 10))
    rows[0]["input_tokens"] = 99
    rows[1]["request_id"] = "req_x"
    report = await run(rows)
    assert [(row.request_id, row.kinds) for row in report.differences] == [
        (None, ("only here",)),
        ("req_a", ("tokens differ",)),
        ("req_b", ("only here",)),
        ("req_x", ("only there",)),
    ]


async def test_calls_without_a_request_id_are_compared_by_day_and_model(ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(100, 10), request_id="req_a")
    book(ledger, Usage(200, 20))
    book(ledger, Usage(300, 30))
    book(ledger, Usage(400, 40), model=SMALL)
    rows: Rows = [
        {"day": DAY, "model": model, "request_id": request_id, "requests": number, "input_tokens": prompt}
        for model, request_id, number, prompt in (
            (BIG, "req_a", 1, 100),
            (BIG, "", 2, 500),
            (SMALL, "", 1, 400),
        )
    ]
    report = await run(rows)
    assert (report.agrees, report.by_call) == (True, True)
    assert {(row.model, row.request_id) for row in report.rows} == {
        (BIG, None),
        (BIG, "req_a"),
        (SMALL, None),
    }
    assert (await run([{**row, "requests": ""} for row in rows])).agrees
    report = await run(rows[:1])
    assert [row.kinds for row in report.differences] == [("only here",)] * 3


async def test_ids_of_another_kind_are_no_reason_to_compare_call_by_call(ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(100, 10), request_id="req_a")
    book(ledger, Usage(100, 10), request_id="req_b")
    rows = await exported(ledger, by_call=True)
    report = await run([{**row, "request_id": f"other {row['request_id']}"} for row in rows])
    assert (report.agrees, report.by_call, len(report.rows)) == (True, False, 1)


@pytest.mark.parametrize(
    ("model", "known", "name"),
    [
        ("gpt-4o", ["gpt-4o"], "gpt-4o"),
        ("GPT-4o", ["gpt-4o"], "gpt-4o"),
        ("gpt-4o-2024-08-06", ["gpt-4o", "gpt-4o-mini"], "gpt-4o"),
        ("gpt-4o-2024-08-06", ["gpt-4o", "gpt-4o-2024-08-06"], "gpt-4o-2024-08-06"),
        ("groq/openai/gpt-oss-120b", ["openai/gpt-oss-120b"], "openai/gpt-oss-120b"),
        ("openai/gpt-4o-2024-08-06", ["gpt-4o"], "gpt-4o"),
        ("gpt-4", ["gpt-4o"], None),
        ("gpt-4o-mini", ["gpt-4o"], None),
    ],
)
def test_models_by_the_ledgers_names(model: str, known: list[str], name: str | None) -> None:
    assert ledger_name(model, known) == name


async def test_the_provider_is_the_one_whose_models_are_named(ledger: Ledger, run: Any) -> None:
    book(ledger, Usage(100, 10))
    book(ledger, Usage(100, 10), provider="openai", model="gpt-4o")
    report = await run([{"day": "2026-11-20", "model": "gpt-4o-2024-08-06", "input_tokens": 100}])
    assert (report.provider, report.agrees) == ("openai", True)
    assert report.rows[0].model == "gpt-4o"


async def test_more_than_one_provider_is_asked_for(ledger: Ledger, run: Any) -> None:
    for provider in ("openai", "groq"):
        book(ledger, Usage(100, 10), provider=provider)
    rows = [{"day": "2026-11-20", "model": BIG, "input_tokens": 100}]
    with pytest.raises(InputError, match="more than one provider: groq, openai") as caught:
        await run(rows)
    assert "--provider" in caught.value.hint
    assert (await run(rows, provider="groq")).agrees
    with pytest.raises(InputError, match="more than one provider"):
        await run([{"day": "2026-11-20", "input_tokens": 100}])


async def test_no_provider_at_all_is_told(ledger: Ledger, run: Any) -> None:
    rows = [{"day": "2026-11-20", "model": "mystery", "input_tokens": 100}]
    with pytest.raises(InputError, match=r"no calls of the models in .* \(mystery\)") as caught:
        await run(rows)
    assert "nothing in the ledger" in caught.value.hint
    book(ledger, Usage(100, 10))
    with pytest.raises(InputError, match="no calls of the models") as caught:
        await run(rows)
    assert "groq" in caught.value.hint
    with pytest.raises(InputError, match="no calls of grog in the ledger") as caught:
        await run(rows, provider="grog")
    assert "groq" in caught.value.hint


async def test_json_agrees_to_the_last_digit(ledger: Ledger, database: Database, tmp_path: Path) -> None:
    book(ledger, Usage(1_234, 567, 89))
    (row,) = await exported(ledger)
    text = json.dumps([{**row, "cost": "COST"}]).replace('"COST"', f"{row['cost'].normalize():f}")
    path = tmp_path / "export.json"
    path.write_text(text, encoding="utf-8")
    assert (await audit(database, path)).agrees


USAGES = st.builds(
    lambda prompt, completion, cached: Usage(prompt, completion, min(cached, prompt)),
    st.integers(1, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
CALLS = st.lists(
    st.tuples(USAGES, st.sampled_from([BIG, SMALL]), st.integers(0, 3 * 24 * 3600)), min_size=1, max_size=12
)


async def booked(database: Database, catalogue: Catalogue, made: Iterable[Any]) -> Ledger:
    ledger = Ledger(database, catalogue)
    for number, (usage, model, seconds) in enumerate(made):
        started_at = NOON + timedelta(seconds=seconds)
        book(ledger, usage, model=model, started_at=started_at, request_id=f"req_{number}")
    return ledger


@settings(max_examples=60, deadline=None)
@given(made=CALLS, by_call=st.booleans(), data=st.data())
async def test_an_export_of_the_ledger_agrees_and_any_change_of_it_is_found(
    tmp_path_factory: pytest.TempPathFactory,
    catalogue: Catalogue,
    made: list[Any],
    by_call: bool,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("audit")
    path = folder / "export.csv"
    async with await open_database(folder / "tensorwall.db") as database:
        rows = await exported(await booked(database, catalogue, made), by_call=by_call)
        path.write_text(as_csv(rows), encoding="utf-8")
        report = await audit(database, path)
        assert report.agrees
        assert report.by_call == by_call
        assert len(report.rows) == len(rows)

        changed = data.draw(st.integers(0, len(rows) - 1), "row")
        column = data.draw(st.sampled_from(["model", *MEASURES, "removed", "added"]), "column")
        if column == "removed" and len(rows) == 1:
            return
        if column == "removed":
            removed = rows.pop(changed)
            covered = {row["day"] for row in rows}
            rows += [] if removed["day"] in covered else [{**removed, **dict.fromkeys(MEASURES, 0)}]
        elif column == "added":
            rows.append(dict(rows[changed]))
        elif column == "model":
            rows[changed]["model"] = "another"
        else:
            step = Decimal("0.000001") if column == "cost" else 1
            rows[changed][column] += step * data.draw(st.integers(1, 1_000), "by")
        path.write_text(as_csv(rows), encoding="utf-8")
        report = await audit(database, path, provider="groq")
        assert not report.agrees
        assert len(report.differences) <= 2
