from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from app.tui.transcript.wrap import chop_line, wrap_text

# Whole clusters: of stray joiners Rich's own measures of a text and of its parts disagree.
CLUSTERS = [*"ab cd  \n中文", "\uff0c", "\u3002", "e\u0301", "👍🏽", "✔\ufe0f", "👨\u200d👩\u200d👧"]
TEXT = st.lists(st.sampled_from(CLUSTERS), max_size=120).map("".join)


def rows(text: str, width: int) -> list[str]:
    return [text[a:b] for a, b in wrap_text(text, width)]


def test_breaks_at_spaces_and_drops_them() -> None:
    assert rows("hello brave new  world", 11) == ["hello brave", "new  world"]


def test_a_word_longer_than_the_row_is_broken() -> None:
    assert rows("abcdefghij kl", 4) == ["abcd", "efgh", "ij", "kl"]


def test_lines_stay_lines() -> None:
    assert rows("a\n\nb", 10) == ["a", "", "b"]


def test_wide_text_breaks_between_characters_but_not_before_a_full_stop() -> None:
    assert rows("一二三四五。六", 10) == ["一二三四", "五。六"]


def test_a_family_is_not_torn_apart() -> None:
    family = "👨‍👩‍👧"
    assert rows(family * 3, 4) == [family * 2, family]


@given(text=TEXT, width=st.integers(2, 30))
@settings(max_examples=400, deadline=None)
def test_rows_fit_and_keep_everything_but_white_space(text: str, width: int) -> None:
    spans = wrap_text(text, width)
    assert spans
    position = 0
    for start, end in spans:
        assert position <= start <= end
        assert text[position:start].strip(" \n") == ""
        assert cell_len(text[start:end].rstrip(" ")) <= width
        position = end
    assert text[position:].strip(" \n") == ""


@given(line=TEXT.map(lambda text: text.replace("\n", "")), width=st.integers(2, 30))
@settings(max_examples=200, deadline=None)
def test_code_keeps_every_character(line: str, width: int) -> None:
    pieces = [line[a:b] for a, b in chop_line(line, width)]
    assert "".join(pieces) == line
    assert all(cell_len(piece) <= width for piece in pieces)
