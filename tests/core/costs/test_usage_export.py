"""Providers' exports, whatever their columns are called; what cannot be understood is never guessed."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.costs import usage_export
from core.costs.audit_report import Figures
from core.costs.usage_export import COLUMNS, UsageExport, UsageRow, read_usage_export
from core.errors import InputError

DAY = date(2026, 11, 20)


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def run(content: Any) -> UsageExport:
        path = tmp_path / "export"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return read_usage_export(path)

    return run


def test_a_plain_table(read: Any) -> None:
    export = read(
        "Date,Model,Requests,Input Tokens,Output Tokens,Cached Tokens,Cost,Region\n"
        '2026-11-20,openai/gpt-oss-120b,"1,204","1,000,000",2000,300,"$1,234.50",eu\n'
        "2026-11-21,openai/gpt-oss-20b,1,10,20,0,$0.01,us\n"
    )
    assert export.rows == (
        UsageRow(DAY, "openai/gpt-oss-120b", None, Figures(1_204, 1_000_000, 2_000, 300, Decimal("1234.50"))),
        UsageRow(date(2026, 11, 21), "openai/gpt-oss-20b", None, Figures(1, 10, 20, 0, Decimal("0.01"))),
    )
    assert (export.since, export.until) == (DAY, date(2026, 11, 21))
    assert export.measures == ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "cost")
    assert export.cost_step == Decimal("0.01")
    assert export.ignored_columns == ("Region",)


def test_the_table_of_the_documentation_is_the_one_in_use() -> None:
    documented: list[str] = []
    _, _, table = (usage_export.__doc__ or "").partition("====\nwhat ")
    for line in table.partition("\n====")[2].partition("\n====")[0].splitlines()[1:]:
        documented += line[19:].replace(",", " ").split()
    assert documented == " ".join(COLUMNS.values()).split()


@pytest.mark.parametrize(
    ("column", "name"), [(column, name) for column, names in COLUMNS.items() for name in names.split()]
)
@pytest.mark.parametrize("spelled", [str, str.upper, lambda name: name.title().replace("_", " ")])
def test_every_name_is_understood(column: str, name: str, spelled: Any, read: Any) -> None:
    usual = {
        "time": ("day", "2026-11-20"),
        "end": ("end", ""),
        "model": ("model", "m"),
        "request_id": ("request_id", "r"),
        "calls": ("requests", "3"),
        "prompt_tokens": ("input_tokens", "4"),
        "completion_tokens": ("output_tokens", "5"),
        "cached_tokens": ("cached_tokens", "2"),
        "cost": ("cost", "0.5"),
        "currency": ("currency", "USD"),
    }
    usual[column] = (spelled(name), usual[column][1])
    if column != "end":
        del usual["end"]
    names, values = zip(*usual.values(), strict=True)
    export = read(f"{','.join(names)}\n{','.join(values)}\n")
    assert export.rows == (UsageRow(DAY, "m", "r", Figures(3, 4, 5, 2, Decimal("0.5"))),)
    assert export.ignored_columns == ()


def test_what_openai_answers_for_usage(read: Any) -> None:
    bucket = {"object": "bucket", "start_time": 1_795_132_800, "end_time": 1_795_219_200}
    result = {
        "object": "organization.usage.completions.result",
        "input_tokens": 1_000,
        "output_tokens": 200,
        "input_cached_tokens": 400,
        "num_model_requests": 3,
        "project_id": None,
        "model": "gpt-4o-mini-2024-07-18",
    }
    empty = {"object": "bucket", "start_time": 1_795_219_200, "end_time": 1_795_305_600, "results": []}
    export = read(
        {"object": "page", "data": [{**bucket, "results": [result, result]}, empty], "has_more": False}
    )
    assert [row.figures for row in export.rows] == [Figures(3, 1_000, 200, 400, None)] * 2
    assert {(row.day, row.model) for row in export.rows} == {(DAY, "gpt-4o-mini-2024-07-18")}
    assert (export.since, export.until) == (DAY, date(2026, 11, 21))
    assert export.ignored_columns == ("object", "project_id")


def test_what_openai_answers_for_costs(read: Any) -> None:
    results = [
        {
            "object": "organization.costs.result",
            "amount": {"value": 0.06, "currency": "usd"},
            "line_item": item,
        }
        for item in ("gpt-4o-mini, input", "gpt-4o-mini, output", None)
    ]
    bucket = {"start_time": 1_795_132_800, "end_time": 1_795_219_200, "results": results}
    for content in ({"data": [bucket]}, [bucket], json.dumps(bucket)):
        export = read(content)
        assert [row.model for row in export.rows] == ["gpt-4o-mini", "gpt-4o-mini", None]
        assert [row.figures for row in export.rows] == [Figures(cost=Decimal("0.06"))] * 3
        assert export.measures == ("cost",)


def test_calls_one_by_one_with_what_is_nested(read: Any) -> None:
    rows = [
        {
            "id": f"row {number}",
            "request_id": f"req_{number}",
            "created_at": "2026-11-20T23:59:59.5Z",
            "end_time": "2026-11-21T00:00:02Z",
            "usage": {
                "prompt_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 2},
                "completion_tokens": 1,
            },
        }
        for number in range(2)
    ]
    export = read("\n".join(json.dumps(row) for row in rows))
    assert [row.request_id for row in export.rows] == ["req_0", "req_1"]
    assert export.rows[0].figures == Figures(1, 7, 1, 2, None)
    assert export.rows[0].day == DAY
    assert export.ignored_columns == ("id",)


def test_a_row_in_which_nothing_was_used_still_covers_its_day(read: Any) -> None:
    export = read("start_time,start_time_iso,model,cost\n1795132800,x,m,1\n1795219200,x,,\n")
    assert len(export.rows) == 1
    assert export.until == date(2026, 11, 21)


@given(st.lists(st.decimals(0, 1_000, places=4).filter(bool), min_size=1, max_size=5))
def test_costs_keep_their_digits(tmp_path_factory: pytest.TempPathFactory, costs: list[Decimal]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("day", "cost"), *(("2026-11-20", f"{cost:f}") for cost in costs)])
    path = tmp_path_factory.mktemp("export") / "export.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    export = read_usage_export(path)
    assert [row.figures.cost for row in export.rows] == costs
    assert export.cost_step == Decimal("0.0001")


@pytest.mark.parametrize(
    ("costs", "step"),
    [(("0.5", "0.125"), "0.001"), (("1", "2"), "0.01"), (("0", "0.000"), "0.01"), (("1.5e-7",), "1e-8")],
)
def test_the_finest_place_is_how_exact_costs_are(costs: tuple[str, ...], step: str, read: Any) -> None:
    export = read("day,cost\n" + "".join(f"2026-11-20,{cost}\n" for cost in costs))
    assert export.cost_step == Decimal(step)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no rows"),
        ("day,cost\n", "has no rows"),
        ("model,cost\nm,1\n", "no column that tells a time or day; it has cost, model"),
        (
            "day,model,size\n2026-11-20,m,7\n",
            "no column that tells calls, tokens or cost; it has day, model, size",
        ),
        ("day,cost\n2026-11-20,1\n,2\n", "line 3: there is no time or day"),
        ("day,cost\nTotal,1\n", "line 2: column day: 'Total' is not a time"),
        ("day,cost\n2026-11-20,1\n2026-11-21,1.2.3\n", "line 3: column cost: '1.2.3' is not a number"),
        ('day,cost\n2026-11-20,"1,5"\n', "line 2: column cost: '1,5' is not a number"),
        ("day,requests\n2026-11-20,-1\n", "line 2: column requests: '-1' is negative"),
        ("day,Input Tokens\n2026-11-20,1.5\n", "line 2: column Input Tokens: '1.5' is not a whole number"),
        ("day,cost\n2026-11-20,1,2\n", "line 2: not as many cells as there are columns"),
        ("day,cost,currency\n2026-11-20,1,EUR\n", "line 2: column currency: 'EUR' is not US dollars"),
        (
            "start_time,end_time,cost\n2026-11-16,2026-11-23,1\n",
            "line 2: column end_time: '2026-11-23' is in another",
        ),
        ('day,cost\n2026-11-20,"1\n', "line 2: this is no CSV"),
        ('[{"day": "2026-11-20",\n"cost": }]', "line 2, record 1: this is no JSON"),
        ('[{"day": "2026-11-20", "cost": 1},\n{"day": "2026-11-', "line 2, record 2: this is no JSON"),
        ('[{"day": "2026-11-20", "cost": NaN}]', "line 1, record 1: column cost: 'NaN' is not a number"),
        ('[{"day": "2026-11-20", "cost": [1]}]', r"line 1, record 1: column cost: '\[1\]' is not a number"),
        ("[1, 2]", "line 1, record 1: not an object"),
        ("day,cost\n2026-11-20,\x1b[31m\n", r"'\\x1b\[31m' is not a number"),
        ("day,cost\n2026-11-20," + "9" * 500 + "\n", "9…' is larger than can be"),
    ],
)
def test_what_cannot_be_understood_is_named(content: str, message: str, read: Any) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(content)
    assert caught.value.hint


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_usage_export(tmp_path / "missing.csv")
