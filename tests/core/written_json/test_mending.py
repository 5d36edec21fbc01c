import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.written_json import is_json, mended

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4) | st.lists(VALUES, max_size=4)
PROSE = st.text(st.characters(exclude_characters='{}[]"'), max_size=20)


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        ('Sure:\n```json\n{"a": 1}\n```', '{"a": 1}'),
        ('{"a": [1, 2,], }', '{"a": [1, 2] }'),
        ('{"city": "Paris"', '{"city": "Paris"}'),
        ('{"cities": ["Paris"]', '{"cities": ["Paris"]}'),
        ('[{"a": true}', '[{"a": true}]'),
        ('{"a": 1} {"b": 2}', '{"a": 1}'),
        ('{"a": "half of', None),
        ('{"a": 12', None),
        ('{"a": {"b": "c"', None),
        ('{"a": ', None),
        ('{"a": "b", ', None),
        ("{", None),
        ("{'a': 1}", None),
        ('{"a": 1]', None),
        ("no JSON", None),
        ("42", None),
        ("", None),
    ],
)
def test_what_is_mended_and_what_stays_broken(written: str, whole: str | None) -> None:
    assert mended(written) == whole


@given(value=OBJECTS, before=PROSE, after=PROSE)
def test_whole_json_is_found_as_it_is(value: object, before: str, after: str) -> None:
    text = json.dumps(value)
    assert mended(f"{before}{text}{after}") == text


@given(value=OBJECTS, cut=st.integers(0, 60))
def test_what_is_cut_off_never_gives_another_value(value: object, cut: int) -> None:
    text = json.dumps(value)
    found = mended(text[: max(0, len(text) - cut)])
    assert found is None or (is_json(found) and (found == text or cut > 1 or json.loads(found) == value))


@given(text=st.text(max_size=60) | st.text('{}[]:,"\\ a1', max_size=40))
def test_any_text_is_taken(text: str) -> None:
    found = mended(text)
    assert found is None or is_json(found)
