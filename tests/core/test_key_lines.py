"""Lines of keys in TOML texts, checked against what ``tomllib`` reads from them."""

import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from core.settings.positions import KeyPath, key_lines

EVERYTHING = """\
# a comment = 1
plain = "x # no comment"   # comment

"quoted key" = 1
'literal.key' = 2
dotted . name."with.dots" = 3
long = \"\"\"
not = "a key"
[nor a table]
ends with quotes ""\"\"\"
other = '''
x = 1 '''
empty = \"\"\"\"\"\"
escaped = "\\"]} # still text"
when = 1979-05-27 07:32:00
numbers = [1, 2,
  3, # three
  [4,
   5],
]
inline = { a = 1, b = { c = [
  { d = 1 }, "}" ] } }

[table] # comment
key = true
[table.sub]
key = 'it''s'
[[array]]
name = 1
[array.sub]
key = 1
[[array.inner]]
x = 1
[[array.inner]]
x = 2
y = 3
[[array]]
name = 2
[[array.inner]]
x = 3
""".replace("'it''s'", "'its'")

EXPECTED: dict[KeyPath, int] = {
    ("plain",): 2,
    ("quoted key",): 4,
    ("literal.key",): 5,
    ("dotted",): 6,
    ("dotted", "name"): 6,
    ("dotted", "name", "with.dots"): 6,
    ("long",): 7,
    ("other",): 11,
    ("empty",): 13,
    ("escaped",): 14,
    ("when",): 15,
    ("numbers",): 16,
    ("numbers", 0): 16,
    ("numbers", 1): 16,
    ("numbers", 2): 17,
    ("numbers", 3): 18,
    ("numbers", 3, 0): 18,
    ("numbers", 3, 1): 19,
    ("inline",): 21,
    ("inline", "a"): 21,
    ("inline", "b"): 21,
    ("inline", "b", "c"): 21,
    ("inline", "b", "c", 0): 22,
    ("inline", "b", "c", 0, "d"): 22,
    ("inline", "b", "c", 1): 22,
    ("table",): 24,
    ("table", "key"): 25,
    ("table", "sub"): 26,
    ("table", "sub", "key"): 27,
    ("array",): 28,
    ("array", 0): 28,
    ("array", 0, "name"): 29,
    ("array", 0, "sub"): 30,
    ("array", 0, "sub", "key"): 31,
    ("array", 0, "inner"): 32,
    ("array", 0, "inner", 0): 32,
    ("array", 0, "inner", 0, "x"): 33,
    ("array", 0, "inner", 1): 34,
    ("array", 0, "inner", 1, "x"): 35,
    ("array", 0, "inner", 1, "y"): 36,
    ("array", 1): 37,
    ("array", 1, "name"): 38,
    ("array", 1, "inner"): 39,
    ("array", 1, "inner", 0): 39,
    ("array", 1, "inner", 0, "x"): 40,
}


def paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Every path within what ``tomllib`` read."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {path} - {()}
    for key, inner in items:
        found |= paths(inner, (*path, key))
    return found


def test_every_form_of_key_has_its_line() -> None:
    assert set(EXPECTED) == paths(tomllib.loads(EVERYTHING))
    assert key_lines(EVERYTHING) == EXPECTED


def test_line_ends_of_windows_count_once() -> None:
    assert key_lines(EVERYTHING.replace("\n", "\r\n")) == EXPECTED


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "a = 1", "[a]", "[[a]]"])
def test_small_texts(text: str) -> None:
    assert set(key_lines(text)) == paths(tomllib.loads(text))


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalar = st.one_of(
    text, st.integers(-(10**6), 10**6), st.booleans(), st.floats(allow_nan=False), st.datetimes()
)
value = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(text, value, max_size=4), text)
def test_whatever_is_written_is_found_in_rising_lines(document: dict[str, Any], comment: str) -> None:
    written = tomlkit.dumps(document)
    try:
        read = tomllib.loads(written)
    except tomllib.TOMLDecodeError:  # tomlkit leaves some control characters as they are
        return
    lines = key_lines(written)
    assert set(lines) == paths(read)
    total = written.count("\n") + 1
    for path, line in lines.items():
        assert 1 <= line <= total
        assert lines.get(path[:-1], 1) <= line
