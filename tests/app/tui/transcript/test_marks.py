"""The places of marks: from the Markdown of an answer to what is shown of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style

from app.tui.transcript.document import Document
from app.tui.transcript.entry import Entry
from app.tui.transcript.inline import parse_inline
from app.tui.transcript.marks import Spoken, mark_speech, shown_place, spoken_rows
from app.tui.transcript.painted import Frame
from app.tui.transcript.theme import Theme
from tests.app.tui.transcript.conftest import MARKDOWN


@pytest.mark.parametrize(
    ("source", "shown_from"),
    [
        ("plain |words", "words"),
        ("**bold** |and so on", "and so on"),
        ("**|bold** and so on", "bold and so on"),
        ("see [the docs](http://a.b/c) |and `code`", "and code"),
        ("see |[the docs](http://a.b/c)", "the docs"),
        ("a &amp; |b", "b"),
        ("two\n|lines", "lines"),
    ],
)
def test_a_place_in_markdown_is_found_in_what_is_shown(source: str, shown_from: str) -> None:
    place = source.index("|")
    source = source.replace("|", "", 1)
    shown = parse_inline(source).text
    assert shown[shown_place(source, shown, place) :] == shown_from


@given(source=st.text(alphabet="ab *_`[]()\n&;", max_size=60), place=st.integers(0, 70))
def test_places_stay_within_and_in_order(source: str, place: int) -> None:
    shown = parse_inline(source).text
    assert 0 <= shown_place(source, shown, place) <= shown_place(source, shown, place + 1) <= len(shown)


@given(text=st.text(alphabet="ab c", max_size=60), place=st.integers(0, 60))
def test_without_markup_places_are_the_same(text: str, place: int) -> None:
    if text[place : place + 1].strip():
        assert shown_place(text, text, place) == place


STYLED = Frame(40, Theme.plain())
UNHEARD, SPOKEN = Style(dim=True), Style(reverse=True)


def document(text: str, heard: int | None = None) -> Document:
    styles = {name: Style.null() for name in Theme.__dataclass_fields__}
    frame = Frame(40, Theme(**{**styles, "unheard": UNHEARD, "spoken": SPOKEN}))
    page = Document(frame)
    page.add(Entry("answer", 1, text, header="model", heard=heard))
    return page


def marked(page: Document, spoken: Spoken | None, style: Style) -> str:
    """The text that is painted with a style, row by row."""
    page.view(0)
    found = []
    for y in range(page.height):
        row = page.row(y)
        assert row is not None
        strip = mark_speech(page, row, row.painted.strip, spoken)
        found.append("".join(text for text, base, _ in strip if base and base + style == base))
    return "|".join(filter(str.strip, found))


TEXT = (
    "# Title\n\nThe **first** sentence. The [second](http://a.b) one.\n\n"
    "- an item\n- another\n\n```py\nx = 1\n```\n"
)


def clause(words: str) -> Spoken:
    start = TEXT.index(words)
    return Spoken(1, start, start + len(words))


def test_the_clause_that_is_spoken_is_marked_through_its_markup() -> None:
    page = document(TEXT)
    assert marked(page, clause("The **first** sentence."), SPOKEN) == "The first sentence."
    assert marked(page, clause("The [second](http://a.b) one."), SPOKEN) == "The second one."
    assert marked(page, clause("another"), SPOKEN) == "another"
    assert "x = 1" in marked(page, clause("```py\nx = 1\n```\n"), SPOKEN)
    assert marked(page, None, SPOKEN) == ""
    assert marked(page, Spoken(2, 0, 10), SPOKEN) == ""


def test_what_was_not_heard_is_dimmed_to_the_end() -> None:
    heard = TEXT.index("The [second]")
    dimmed = marked(document(TEXT, heard), None, UNHEARD)
    assert dimmed.startswith("The second one.|an item|another")
    assert "x = 1" in dimmed
    assert "first" not in dimmed
    assert marked(document(TEXT, None), None, UNHEARD) == ""


def test_a_clause_that_is_wrapped_is_on_several_rows() -> None:
    text = "word " * 40
    page = document(text)
    first, end = spoken_rows(page, Spoken(1, 0, len(text))) or (0, 0)
    assert end - first > 3


@given(text=MARKDOWN, start=st.integers(0, 300), length=st.integers(0, 300), heard=st.integers(0, 300))
@settings(max_examples=100, deadline=None)
def test_any_mark_on_any_answer_paints_the_same_text(text: str, start: int, length: int, heard: int) -> None:
    page = document(text, heard)
    spoken = Spoken(1, start, start + length)
    page.view(0)
    for y in range(min(page.height, 60)):
        row = page.row(y)
        assert row is not None
        strip = mark_speech(page, row, row.painted.strip, spoken)
        assert (strip.text, strip.cell_length) == (row.painted.strip.text, row.painted.strip.cell_length)


UNSEEN = "One\u202e is\r\nheard. Two \u200fis\u2066 not."


def test_marks_are_places_in_the_text_as_it_arrived() -> None:
    page = document(UNSEEN, heard=UNSEEN.index("Two"))
    assert marked(page, None, UNHEARD) == "Two is not."
    assert marked(page, Spoken(1, 0, UNSEEN.index(" Two")), SPOKEN) == "One is|heard."


def test_marks_are_places_in_the_text_as_it_arrived_piece_by_piece() -> None:
    page = document("")
    page.cut(0)
    page.add(Entry("answer", 1, header="model", state="streaming"))
    for character in UNSEEN:
        page.append(1, character)
        page.drain()
    start = UNSEEN.index("Two")
    assert marked(page, Spoken(1, start, len(UNSEEN)), SPOKEN) == "Two is not."
    first, _ = spoken_rows(page, Spoken(1, start, len(UNSEEN))) or (0, 0)
    assert first == 2  # below the header and the line before
