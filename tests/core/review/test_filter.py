"""What is typed to filter by: parts of values, and values as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import load_catalogue
from core.errors import InputError
from core.records import Records, open_records
from core.review import Dimension, Filter, Scope, parse_filter
from core.review.dimensions import FIELDS
from core.review.scope import exactly
from tests.core.review.plain_sums import ended, key_of, same
from tests.core.review.sequences import Step, examples, play, steps


@pytest.fixture
async def records(location: str | Path) -> AsyncIterator[Records]:
    records = await open_records(location, load_catalogue())
    yield records
    await records.aclose()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("model:gpt-4", Filter("", {"model": ("gpt-4",)})),
        ("model:=gpt-4", Filter("", exact={"model": ("gpt-4",)})),
        ('MODEL:="gpt-4 turbo"', Filter("", exact={"model": ("gpt-4 turbo",)})),
        ('model:="a" model:=b model:c', Filter("", {"model": ("c",)}, {"model": ("a", "b")})),
        ('model:="a ""b"" c" d', Filter("d", exact={"model": ('a "b" c',)})),
        ('route:=""', Filter("", exact={"route": ("",)})),
        ('a=b "c=d" x', Filter('a=b "c=d" x')),
    ],
)
def test_what_is_typed_is_read(typed: str, expected: Filter) -> None:
    assert parse_filter(typed) == expected


def test_an_unknown_field_is_refused_for_a_whole_value_too() -> None:
    with pytest.raises(InputError, match="no field 'modle'"):
        parse_filter('modle:="x"')


@given(st.sampled_from(FIELDS), st.text(), st.sampled_from(["", "why", '"open', "model:x"]))
def test_a_whole_value_is_read_as_it_was_written(field: Dimension, value: str, more: str) -> None:
    alone = parse_filter(more)
    found = parse_filter(f"{exactly(field, value)} {more}")
    assert (found.exact, found.words, found.fields) == ({field: (value,)}, alone.words, alone.fields)


@examples
@given(steps, st.sampled_from(FIELDS))
async def test_each_group_is_what_its_filter_finds(
    records: Records, sequence: list[Step], field: Dimension
) -> None:
    await play(records, sequence)
    rows = ended(await records.ledger.rows())
    for group in await records.review.groups((field,)):
        (key,) = group.keys
        scope = Scope(filter=parse_filter(exactly(field, str(key))))
        expected = [row for row in rows if key_of(row, field) == key]
        assert same(await records.review.totals(scope), expected)
        page = await records.review.sessions(scope)
        assert {found.id for found in page.sessions} == {row.session_id or "" for row in expected}
