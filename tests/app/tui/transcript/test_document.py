from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.tui.transcript.document import Document
from app.tui.transcript.entry import AnswerState, Entry
from app.tui.transcript.painted import Frame
from app.tui.transcript.theme import Theme
from tests.app.tui.transcript.conftest import MARKDOWN, cut

Page = Callable[[int], Document]


def rows(document: Document) -> list[str]:
    document.settle(0, 1 << 20)
    found = [document.row(y) for y in range(document.height)]
    return [row.painted.strip.text.rstrip() for row in found if row]


def answers(count: int, lines: int = 20) -> list[Entry]:
    text = "\n".join(f"- item {n}" for n in range(lines))
    return [Entry("answer", n, f"{text}\nend of {n}", header="model") for n in range(count)]


@given(text=MARKDOWN, cuts=st.lists(st.integers(0, 10_000), max_size=20), width=st.integers(4, 90))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_streamed_in_looks_like_what_was_loaded(text: str, cuts: list[int], width: int) -> None:
    streamed = Document(Frame(width, Theme.plain()))
    streamed.add(Entry("answer", "a", state="streaming", header="model"))
    for piece in cut(text, cuts):
        streamed.append("a", piece)
        streamed.drain()
    streamed.finish(0, "complete")
    loaded = Document(Frame(width, Theme.plain()))
    loaded.load([Entry("answer", "a", text, header="model")])
    assert rows(streamed) == rows(loaded)


@given(text=MARKDOWN, width=st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_every_row_is_exactly_as_wide_as_the_page(text: str, width: int) -> None:
    document = Document(Frame(width, Theme.plain()))
    document.load([Entry("user", 0, text, time="14:02"), Entry("answer", 1, text, reasoning=text)])
    document.toggle_reasoning(1)
    document.settle(0, 1 << 20)
    lengths = {row.painted.strip.cell_length for y in range(document.height) if (row := document.row(y))}
    assert lengths <= {width}


def test_nothing_unseen_is_laid_out(page: Page) -> None:
    document = page(80)
    document.load(answers(1000))
    document.settle(document.height - 20, 20)
    assert len(document._views) <= 2


@pytest.mark.parametrize("text", ["- item\n" * 20, "| a |\n|---|\n" + "| x |\n" * 30, "word " * 300])
def test_scrolling_up_moves_as_asked_though_heights_were_estimates(page: Page, text: str) -> None:
    document = page(40)
    document.load(Entry("answer", n, text, header="model") for n in range(30))
    height = 10
    top = document.height - height
    top += document.settle(top, height)
    while top > 0:
        line = document.row(top)
        position = document.position_at(top)
        assert line is not None
        assert position is not None
        step = min(3, top)
        moved = document.settle(top - step, height)
        top = top - step + moved
        assert document.row_of(position) == top + step


def test_the_reading_position_is_found_again_at_another_width(page: Page) -> None:
    document = page(80)
    document.load([Entry("answer", n, f"para {n} " + "word " * 200) for n in range(20)])
    document.settle(0, 1 << 20)
    y = document.height // 2
    position = document.position_at(y)
    assert position is not None
    words = document.row(y)
    assert words is not None
    document.set_frame(Frame(33, Theme.plain()))
    found = document.row(document.row_of(position))
    assert found is not None
    assert (found.entry, found.section) == (words.entry, words.section)
    assert found.painted.start <= position.offset < found.painted.start + 40


def test_heights_are_kept_when_rows_are_dropped(page: Page) -> None:
    document = page(50)
    document.load(answers(300))
    document.settle(0, 1 << 20)
    exact = document.height
    assert len(document._views) < 100
    assert document.height == exact
    assert len(rows(document)) == exact


def test_text_is_taken_in_at_once_and_laid_out_by_drain(page: Page) -> None:
    document = page(50)
    document.add(Entry("answer", "a", state="streaming"))
    before = document.height
    assert document.append("a", "one\n\ntwo\n\nthree")
    assert document.height == before
    assert document.drain()
    assert not document.drain()
    assert document.entries[0].text == "one\n\ntwo\n\nthree"
    assert "three" in rows(document)[-1]


def test_text_for_an_answer_that_is_not_streaming_is_refused(page: Page) -> None:
    document = page(50)
    document.load(answers(1))
    assert not document.append(0, "more")
    assert not document.append("nobody", "more")


def test_reasoning_folds_when_the_answer_begins(page: Page) -> None:
    document = page(50)
    document.add(Entry("answer", "a", state="streaming", header="model"))
    document.append("a", reasoning="let me think")
    document.drain()
    assert any("let me think" in row for row in rows(document))
    document.append("a", "The answer")
    document.drain()
    assert not any("let me think" in row for row in rows(document))
    assert any("The answer" in row for row in rows(document))
    document.toggle_reasoning(0)
    assert any("let me think" in row for row in rows(document))


@pytest.mark.parametrize(("state", "shown"), [("complete", False), ("stopped", True), ("failed", True)])
def test_reasoning_that_ends_without_an_answer_folds_where_it_was_for_a_call(
    page: Page, state: AnswerState, shown: bool
) -> None:
    document = page(50)
    document.add(Entry("answer", "a", state="streaming", header="model"))
    document.append("a", reasoning="let me calculate")
    document.finish(0, state)
    assert any("let me calculate" in row for row in rows(document)) == shown


def test_cutting_and_renaming(page: Page) -> None:
    document = page(50)
    document.load(answers(5))
    document.rename(2, "two")
    document.cut(document.place("two") + 1)
    assert [entry.id for entry in document.entries] == [0, 1, "two"]
    with pytest.raises(KeyError):
        document.place(2)
    with pytest.raises(ValueError, match="already"):
        document.add(Entry("user", "two"))


@pytest.mark.parametrize(
    "nasty",
    [
        "\x1b[31mred\x1b[0m",
        "\x1b]52;c;aGk=\x07",
        "a\u202eb\u2066c",
        "nul\x00bel\x07",
        "\ud800 lone",
        "\x9b31m csi",
        "[bold]markup[/bold] [@click=app.quit]x[/]",
        "cr\rover",
    ],
)
def test_hostile_text_is_harmless_wherever_it_stands(page: Page, nasty: str) -> None:
    document = page(40)
    document.load(
        [
            Entry("user", 0, nasty, attachments=(nasty,), time=nasty),
            Entry(
                "answer", 1, f"{nasty}\n```{nasty}\n{nasty}\n```\n| {nasty} |\n|---|\n", nasty, footer=nasty
            ),
            Entry("notice", 2, nasty),
            Entry("error", 3, nasty, footer=nasty),
        ]
    )
    document.add(Entry("answer", 4, state="streaming"))
    document.append(4, nasty)
    document.drain()
    shown = "\n".join(rows(document))
    assert not any(
        (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in shown
    )
    assert not {"\u202e", "\u2066"} & set(shown)
    if "[bold]" in nasty:
        assert "[bold]markup[/bold]" in shown


def test_a_line_of_a_mebibyte_costs_only_what_is_new(page: Page) -> None:
    document = page(80)
    document.add(Entry("answer", "a", state="streaming"))
    for _ in range(256):
        document.append("a", "x" * 4096)
        document.drain()
    view = document.view(0)
    assert len(view._body.blocks) > 500
    assert document.height > 1 << 13


def test_a_table_of_ten_thousand_rows(page: Page) -> None:
    document = page(80)
    document.add(Entry("answer", "a", state="streaming"))
    document.append("a", "| n | text |\n|---|---|\n")
    for start in range(0, 10_000, 500):
        document.append("a", "".join(f"| {n} | row |\n" for n in range(start, start + 500)))
        document.drain()
    document.finish(0, "complete")
    assert document.height >= 10_002
    last = document.row(document.height - 1)
    assert last is not None
    assert "9999" in last.painted.strip.text
