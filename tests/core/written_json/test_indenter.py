"""Setting JSON out for reading changes nothing of it, in whatever pieces it arrives."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.written_json import Indenter, indented

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(['"', "\\", '\\"', "{[,:]}", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
SHAPES = st.sampled_from(
    [{"separators": (",", ":")}, {}, {"indent": 3}, {"indent": "\t"}, {"ensure_ascii": False}]
)


def pairs(text: str) -> object:
    """The value with the order of its names, and numbers as they are written."""
    return json.loads(text, object_pairs_hook=list, parse_float=str, parse_int=str)


@given(VALUES, SHAPES)
def test_value_order_and_numbers_stay(value: object, shape: dict) -> None:
    text = json.dumps(value, **shape)
    assert pairs(indented(text)) == pairs(text)


@given(VALUES, SHAPES)
def test_it_looks_as_json_tools_write_it(value: object, shape: dict) -> None:
    text = json.dumps(value, **shape)
    ascii_only = shape.get("ensure_ascii", True)
    assert indented(text) == json.dumps(value, indent=2, ensure_ascii=ascii_only)


@given(VALUES, st.lists(st.integers(1, 7)))
def test_pieces_make_the_same_as_the_whole(value: object, sizes: list[int]) -> None:
    text = json.dumps(value)
    indenter, at = Indenter(), 0
    for size in sizes:
        indenter.feed(text[at : at + size])
        at += size
    indenter.feed(text[at:])
    indenter.finish()
    assert "\n".join(indenter.lines) == indented(text)


@given(st.text() | st.text(alphabet='{}[]",:\\ a1\n'))
def test_what_is_not_json_comes_out_as_something_with_nothing_lost(text: str) -> None:
    assert re.sub(r"\s", "", indented(text)) == re.sub(r"\s", "", text)


@pytest.mark.parametrize("number", ["1.10", "1e400", "-0", "0.10000000000000000555", "9" * 5_000])
def test_numbers_keep_their_digits(number: str) -> None:
    assert indented(f'{{"n":{number}}}') == f'{{\n  "n": {number}\n}}'


@given(VALUES)
def test_every_nest_ends_where_its_bracket_is_and_counts_what_is_in_it(value: object) -> None:
    indenter = Indenter()
    indenter.feed(json.dumps(value))
    indenter.finish()
    for first, nest in indenter.nests.items():
        assert nest.last is not None
        opening, closing = indenter.lines[first], indenter.lines[nest.last]
        start = 0 if opening.strip() in "{[" else opening.rindex(": ") + 2
        inside = indenter.lines[first + 1 : nest.last]
        bracket = opening[start:].strip()
        held = json.loads("\n".join([bracket, *inside, closing.strip().rstrip(",")]))
        assert nest.size == len(held) or len(inside) >= len(held)  # names may come twice
