"""CSV and JSON of records: what is written is read again, each with its line, in pieces of any size."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.costs.json_text import JsonText, json_records
from core.costs.record_file import RecordFile
from core.errors import InputError

LISTS = frozenset({"data"})
TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(
    st.dictionaries(TEXT.filter(lambda name: name not in LISTS), VALUES, max_size=4), max_size=6
)


def records_of(text: str, piece: int) -> list[tuple[int, Any]]:
    source = io.StringIO(text, newline="")
    return list(json_records(JsonText(lambda _: source.read(piece), "file"), LISTS))


@settings(deadline=None)
@given(RECORDS, st.sampled_from([None, 1]), st.integers(1, 40))
def test_json_is_read_as_it_was_written(
    records: list[dict[str, Any]], indent: int | None, piece: int
) -> None:
    texts = [
        json.dumps(records, indent=indent),
        json.dumps({"first": [1], "data": records, "last": {}}, indent=indent),
        "\n".join(json.dumps(record) for record in records),
    ]
    for text in texts:
        assert [record for _, record in records_of(text, piece)] == records


@settings(deadline=None)
@given(RECORDS.filter(bool), st.integers(1, 40))
def test_json_tells_the_line_of_each_record(records: list[dict[str, Any]], piece: int) -> None:
    text = "[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n"
    assert [line for line, _ in records_of(text, piece)] == list(range(2, len(records) + 2))


@settings(deadline=None)
@given(RECORDS.filter(bool), st.integers(1, 40), st.data())
def test_json_that_is_cut_off_anywhere_is_told(
    records: list[dict[str, Any]], piece: int, data: st.DataObject
) -> None:
    text = json.dumps({"data": records}, indent=1)
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    with pytest.raises(InputError, match=r"file, line \d+, record \d+: "):
        records_of(cut, piece)


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 5))
@example('{"a" 1}', 1)
@example("{[1]: 2}", 1)
@example("[1,]", 1)
@example("[1 2]", 1)
@example("9" * 5_000, 1)
def test_any_text_is_read_or_refused(text: str, piece: int) -> None:
    try:
        expected = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        expected = None
    if isinstance(expected, list):
        assert [record for _, record in records_of(text, piece)] == expected
        return
    with contextlib.suppress(InputError):  # and nothing else
        records_of(text, piece)


def test_numbers_keep_their_digits() -> None:
    ((_, record),) = records_of('{"cost": 0.10000000000000000001, "n": 1e-7, "nan": NaN}', 7)
    assert record["cost"] == Decimal("0.10000000000000000001")
    assert record["n"] == Decimal("1e-7")
    assert record["nan"].is_nan()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, st.just("x")), max_size=6),
    delimiter=st.sampled_from(",;\t"),
    bom=st.booleans(),
)
def test_csv_is_read_as_it_was_written(
    rows: list[tuple[str, ...]], delimiter: str, bom: bool, tmp_path: Path
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([("one", "two", "three"), *rows])
    path = tmp_path / "file.csv"
    path.write_bytes(text.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    with RecordFile(path, LISTS) as file:
        read = list(file)
    assert [tuple(record.fields.values()) for record in read] == rows
    assert not any(record.problem for record in read)


def test_csv_tells_the_line_of_each_record(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('a,b\n1,"x\ny"\n\n2\n', encoding="utf-8")
    with RecordFile(path, LISTS) as file:
        read = [(record.place, bool(record.problem)) for record in file]
    assert read == [("line 2", False), ("line 5", True)]


@pytest.mark.parametrize(
    "text", ['[{"a": 1}, 2, {"a": 3}]', '{"data": [{}, 2, {}], "x": 1}', '{"a": 1} 2 {}']
)
def test_json_on_one_line_tells_the_number_of_each_record(text: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(text, encoding="utf-8")
    with RecordFile(path, LISTS) as file:
        read = [(record.place, bool(record.problem)) for record in file]
    assert read == [(f"line 1, record {number}", number == 2) for number in (1, 2, 3)]
    path.write_text(f"{text[:-1]} half", encoding="utf-8")
    with RecordFile(path, LISTS) as file, pytest.raises(InputError, match=r"line 1, record [34]: "):
        list(file)


def test_content_that_is_in_no_file_is_read_and_closed() -> None:
    content = io.BytesIO(b"a\n1\n")
    with RecordFile(Path("stdin"), LISTS, content) as file:
        assert [record.fields for record in file] == [{"a": "1"}]
    assert content.closed
