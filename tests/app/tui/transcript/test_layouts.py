from __future__ import annotations

import re

from rich.cells import cell_len

from app.tui.transcript.code_layout import CodeLayout
from app.tui.transcript.highlight import highlight_code
from app.tui.transcript.layout import Layout, Prefix
from app.tui.transcript.painted import Frame
from app.tui.transcript.splitter import BlockSplitter, split_blocks
from app.tui.transcript.table_layout import SIZING_ROWS, TableLayout, split_cells
from app.tui.transcript.theme import Theme

THEME = Theme.plain()


def lines(layout: Layout) -> list[str]:
    return [layout.row(index).strip.text.rstrip() for index in range(layout.height)]


def code(source: str, width: int = 30) -> CodeLayout:
    (block,) = split_blocks(source)
    return CodeLayout(block, Frame(width, THEME), Prefix())


def table(source: str, width: int = 40) -> TableLayout:
    (block,) = split_blocks(source)
    return TableLayout(block, Frame(width, THEME), Prefix())


def test_code_has_a_label_and_a_margin_that_its_text_does_not_have() -> None:
    layout = code("```py\nx = 1\n\n\ty\n```")
    assert lines(layout) == [" py", " x = 1", "", "     y"]
    assert layout.text == "x = 1\n\n    y"


def test_long_lines_of_code_are_broken_on_screen_only() -> None:
    layout = code("```\n" + "x" * 40 + "\n```", 22)
    assert lines(layout) == ["", " " + "x" * 20, " " + "x" * 20]
    assert layout.text == "x" * 40
    assert [layout.row_at(offset) for offset in (0, 19, 20, 39)] == [1, 1, 2, 2]


def test_every_row_is_as_wide_as_asked() -> None:
    for layout in (
        code("```\n中文" + "字" * 50 + "\n```", 31),
        table("|a|b|\n|-|-|\n|中文|" + "x" * 60 + "|", 31),
    ):
        assert {layout.row(index).strip.cell_length for index in range(layout.height)} == {31}
        assert all(cell_len(text) <= 31 for text in lines(layout))


def test_open_code_grows_by_its_new_lines_and_its_partial_one() -> None:
    splitter = BlockSplitter()
    splitter.feed("```py\na = 1\nb")
    (block,) = splitter.preview()
    layout = CodeLayout(block, Frame(30, THEME), Prefix())
    assert lines(layout) == [" py", " a = 1", " b"]
    splitter.feed(" = 2\nc")
    splitter.preview()
    layout.update()
    assert lines(layout) == [" py", " a = 1", " b = 2", " c"]
    assert layout.text == "a = 1\nb = 2\nc"


def test_open_code_is_highlighted_when_it_doubled_and_at_its_end() -> None:
    splitter = BlockSplitter()
    splitter.feed("```py\n")
    layout = CodeLayout(splitter.preview()[0], Frame(30, THEME), Prefix())
    jobs = []
    for _ in range(100):
        splitter.feed("x = 1\n")
        splitter.preview()
        layout.update()
        if job := layout.take_highlight_job():
            jobs.append(len(job[0]))
    assert jobs == [8, 16, 32, 64]
    splitter.finish()
    layout.update()
    job = layout.take_highlight_job()
    assert job is not None
    assert len(job[0]) == 100
    assert layout.take_highlight_job() is None


def test_highlighting_colours_the_row_and_leaves_its_text() -> None:
    theme = Theme.plain()
    layout = code('```python\ndef f(): return "s"  # c\n```', 40)
    before = lines(layout)
    tokens = highlight_code(['def f(): return "s"  # c'], "python")
    assert [(a, b, group) for a, b, group in tokens[0] if group in ("keyword", "string", "comment")] == [
        (0, 3, "keyword"),
        (9, 15, "keyword"),
        (16, 17, "string"),
        (17, 18, "string"),
        (18, 19, "string"),
        (21, 24, "comment"),
    ]
    layout.highlight(tokens)
    assert lines(layout) == before
    assert len(list(layout.row(1).strip)) > 2
    assert theme.tokens["keyword"] is theme.code_keyword


def test_an_unknown_language_and_huge_code_stay_plain() -> None:
    assert highlight_code(["x"], "no-such-language") == []
    assert highlight_code(["x" * 300_000], "python") == []


def test_a_table_is_as_wide_as_its_cells_and_aligned() -> None:
    layout = table("| name | n |\n|---|--:|\n| **a** | 1 |\n| bcd | 22 |")
    assert lines(layout) == [
        " name │  n",
        "──────┼────",
        " a    │  1",
        " bcd  │ 22",
    ]


def test_cells_that_do_not_fit_are_wrapped() -> None:
    layout = table("| a | b |\n|---|---|\n| x | one two three four |", 18)
    assert lines(layout) == [" a │ b", "───┼──────────────", " x │ one two", "   │ three four"]


def test_more_columns_than_cells_of_the_screen_do_not_break_it() -> None:
    source = "|" + "a|" * 40 + "\n|" + "-|" * 40 + "\n|" + "b|" * 40
    assert {table(source, 20).row(index).strip.cell_length for index in range(3)} == {20}


def test_a_whole_table_is_copied_as_markdown_and_a_part_as_it_looks() -> None:
    source = "| a | b |\n|---|---|\n| 1 | 2 |"
    layout = table(source)
    assert layout.extract(0, None) == source
    row = layout.row(2)
    assert layout.extract(row.start, row.start + row.length) == "1 │ 2"


def grown(first: str, more: str, width: int) -> tuple[TableLayout, TableLayout]:
    """A table that got ``more`` row after row, and the same table laid out at once."""
    splitter = BlockSplitter()
    splitter.feed(first)
    layout = TableLayout(splitter.preview()[0], Frame(width, THEME), Prefix())
    for character in more:
        splitter.feed(character)
        splitter.preview()
        layout.update()
    splitter.finish()
    layout.update()
    return layout, TableLayout(splitter.blocks[0], Frame(width, THEME), Prefix())


def test_a_table_that_fits_gets_wider_with_any_row() -> None:
    layout, again = grown("| a |\n|---|\n" + "| x |\n" * SIZING_ROWS, "| longer |\n", 40)
    assert layout.height == SIZING_ROWS + 3
    assert lines(layout)[-1] == " longer"
    assert lines(again) == lines(layout)


def test_the_columns_of_a_table_that_does_not_fit_are_sized_by_its_first_rows() -> None:
    first = "| a | b |\n|---|---|\n" + "| x | one two three four |\n" * SIZING_ROWS
    layout, again = grown(first, "| longer | y |\n", 18)
    assert lines(layout)[-6:] == [f" {c} │{' y' if c == 'l' else ''}" for c in "longer"]
    assert lines(again) == lines(layout)


def test_finding_gives_positions_that_lead_to_their_row() -> None:
    layout = table("| a | b |\n|---|---|\n| x | find me |")
    ((start, end),) = layout.find(re.compile("find me"))
    assert layout.row_at(start) == 2
    assert layout.extract(start, end) == "find me"


def test_cells_may_hold_escaped_bars() -> None:
    assert split_cells(r"| a \| b | c |") == ["a | b", "c"]
