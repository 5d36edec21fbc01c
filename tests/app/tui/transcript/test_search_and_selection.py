from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.geometry import Offset
from textual.selection import Selection

from app.tui.transcript import block_cursor
from app.tui.transcript.block_cursor import Target
from app.tui.transcript.document import Document
from app.tui.transcript.entry import CodeBlock, Entry
from app.tui.transcript.entry_view import code_blocks
from app.tui.transcript.search import Search
from app.tui.transcript.selection import key_of, selected_text, tag_row

Page = Callable[[int], Document]

ANSWER = "Intro **bold**\n\n- one\n- two\n\n```py\nx = 1\n\ny = 2\n```\n\n> said\n\nLast `code`"


@pytest.fixture
def document(page: Page) -> Document:
    document = page(40)
    document.load(
        [Entry("user", "u", "Question?"), Entry("answer", "a", ANSWER, header="model", footer="done")]
    )
    document.settle(0, 1000)
    return document


def everything(document: Document) -> str:
    return selected_text(document, Selection(None, None))


def section_of(document: Document, text: str) -> int:
    sections = document.view(1).sections
    return next(i for i, section in enumerate(sections) if text in section.layout.text)


def test_all_that_is_copied_has_neither_bars_nor_borders(document: Document) -> None:
    assert everything(document) == (
        "Question?\n\nmodel\nIntro bold\n\n- one\n- two\n\nx = 1\n\ny = 2\n\n> said\n\nLast code\n\ndone"
    )


def test_a_part_of_a_block_is_copied_by_its_characters(document: Document) -> None:
    key = key_of(1, section_of(document, "Intro"))
    assert selected_text(document, Selection(Offset(6, key), Offset(10, key))) == "bold"


def test_a_selection_over_blocks_begins_and_ends_within_them(document: Document) -> None:
    start = Offset(6, key_of(1, section_of(document, "Intro")))
    end = Offset(2, key_of(1, section_of(document, "two")))
    assert selected_text(document, Selection(start, end)) == "bold\n\n- one\n- tw"


def test_rows_tell_textual_where_in_the_text_each_cell_is(document: Document) -> None:
    row = next(row for y in range(99) if (row := document.row(y)) and "Intro" in row.painted.strip.text)
    strip = tag_row(row)
    offsets = {segment.text: segment.style.meta["offset"] for segment in strip if segment.style}
    assert offsets["Intro bold"] == (0, key_of(1, row.section))
    assert strip.cell_length == 40


def found(document: Document, query: str) -> Search:
    search = Search(document, query)
    while search.scan(lambda: 0.0, 0.0):
        pass
    return search


def test_search_sees_text_without_its_markup_and_ignores_case(document: Document) -> None:
    assert len(found(document, "intro BOLD").matches) == 1
    assert len(found(document, "x = 1").matches) == 1
    assert found(document, "**bold").matches == []


def test_search_leaves_headers_out(document: Document) -> None:
    assert found(document, "model").matches == []
    assert len(found(document, "question").matches) == 1


def test_search_goes_round(page: Page) -> None:
    document = page(40)
    document.load([Entry("user", n, f"needle {n}") for n in range(3)])
    search = found(document, "needle")
    assert [search.go(-1), search.number] == [search.matches[2], 3]
    assert [search.go(1), search.number] == [search.matches[0], 1]
    assert [search.go(-1), search.number] == [search.matches[2], 3]
    assert [search.go(-1), search.number] == [search.matches[1], 2]


def test_search_finds_what_arrived_since(page: Page) -> None:
    document = page(40)
    document.load([Entry("user", 0, "needle")])
    document.add(Entry("answer", 1, state="streaming"))
    search = found(document, "needle")
    document.append(1, "another needle")
    document.drain()
    search.refresh()
    search.refresh()
    assert [match.entry for match in search.matches] == [0, 1]


def test_search_covers_a_long_unseen_history_in_slices(page: Page) -> None:
    document = page(40)
    document.load([Entry("answer", n, f"text **needle** {n}") for n in range(300)])
    search = Search(document, "needle 7")
    assert search.scan(lambda: 0.0, 0.0)  # one entry a slice with a clock that stands still
    while search.scan(lambda: 0.0, 1.0):
        pass
    assert [match.entry for match in search.matches] == [7, *range(70, 80)]


def test_the_block_cursor_visits_messages_and_code(document: Document) -> None:
    visited, target = [], None
    for step in (-1, -1, -1, -1, 1, 1):
        target = block_cursor.neighbour(document, target, step)
        visited.append(target)
    code, answer, question = Target(1, 0), Target(1), Target(0)
    assert visited == [code, answer, question, question, answer, code]


def test_what_the_block_cursor_copies(document: Document) -> None:
    assert block_cursor.text_of(document, Target(1, 0)) == "x = 1\n\ny = 2"
    assert block_cursor.text_of(document, Target(1)) == ANSWER
    assert code_blocks(document.entries[1]) == [CodeBlock("py", "x = 1\n\ny = 2")]


def test_no_block_to_visit_in_an_empty_conversation(page: Page) -> None:
    document = page(40)
    document.load([Entry("notice", 0, "hello")])
    assert block_cursor.neighbour(document, None, -1) is None
