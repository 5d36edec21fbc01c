from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.tui.transcript.blocks import Block
from app.tui.transcript.splitter import LONGEST_LINE, BlockSplitter, split_blocks
from tests.app.tui.transcript.conftest import MARKDOWN, cut

CUTS = st.lists(st.integers(0, 10_000), max_size=30)


@given(text=MARKDOWN, cuts=CUTS)
@settings(max_examples=300, deadline=None)
def test_blocks_do_not_depend_on_how_the_text_was_cut(text: str, cuts: list[int]) -> None:
    splitter = BlockSplitter()
    for piece in cut(text, cuts):
        splitter.feed(piece)
        splitter.preview()
    splitter.finish()
    assert splitter.blocks == split_blocks(text)


@given(text=MARKDOWN)
@settings(max_examples=100, deadline=None)
def test_character_by_character_is_the_same_too(text: str) -> None:
    text = text[:400]
    splitter = BlockSplitter()
    for character in text:
        splitter.feed(character)
        splitter.preview()
    splitter.finish()
    assert splitter.blocks == split_blocks(text)


@given(text=MARKDOWN)
@settings(max_examples=200, deadline=None)
def test_blocks_cover_all_text_in_order_and_only_code_and_tables_are_large(text: str) -> None:
    position = 0
    for block in split_blocks(text):
        assert position <= block.start <= block.end <= len(text)
        assert text[position : block.start].strip(" \t\n>`~") == ""
        assert not block.open
        assert not block.partial
        position = block.end
        if block.kind in ("paragraph", "heading"):
            assert len(block.text) <= 2 * LONGEST_LINE + 1
    assert text[position:].strip(" \t\n>") == ""


def kinds(text: str) -> list[tuple[str, list[str]]]:
    return [(block.kind, block.lines) for block in split_blocks(text)]


def markers(block: Block) -> list[str]:
    return [container.marker for container in block.containers]


def test_paragraphs_headings_and_rules() -> None:
    assert kinds("# One\ntext\nmore\n\nnext\n---\nTitle\n===\n") == [
        ("heading", ["One"]),
        ("paragraph", ["text", "more"]),
        ("paragraph", ["next"]),
        ("rule", []),
        ("heading", ["Title"]),
    ]


def test_each_list_item_is_a_block_of_its_own() -> None:
    blocks = split_blocks("1. one\n   - sub\n     more\n2. two\n\n   para\n- [x] done")
    assert [(markers(b), b.fresh, b.lines) for b in blocks] == [
        (["1."], 1, ["one"]),
        (["1.", "◦"], 1, ["sub", "more"]),
        (["2."], 1, ["two"]),
        (["2."], 0, ["para"]),
        (["☑"], 1, ["done"]),
    ]


def test_two_columns_nest_under_a_numbered_item_as_models_write_them() -> None:
    assert [markers(b) for b in split_blocks("1. one\n  - sub\n  - sub\n2. two")] == [
        ["1."],
        ["1.", "◦"],
        ["1.", "◦"],
        ["2."],
    ]


def test_a_sentence_that_begins_with_a_year_is_not_a_list() -> None:
    assert kinds("It was in\n1999. Then") == [("paragraph", ["It was in", "1999. Then"])]


def test_fences_keep_their_text_exactly() -> None:
    (block,) = split_blocks("```python\n\tx = 1\n\n  # not a heading\n| no | table |\n```")
    assert (block.language, block.text) == ("python", "\tx = 1\n\n  # not a heading\n| no | table |")


def test_a_fence_closes_only_with_as_many_marks_of_its_kind() -> None:
    assert kinds("````\n```\n~~~~\n````\nafter") == [("code", ["```", "~~~~"]), ("paragraph", ["after"])]


def test_a_fence_in_an_item_loses_the_items_indentation_even_when_that_is_careless() -> None:
    blocks = split_blocks("- a\n  ```\n    x\n  ```\n- b\n  ```\ny\n  ```\n- c")
    assert [b.lines for b in blocks] == [["a"], ["  x"], ["b"], ["y"], ["c"]]


def test_an_unclosed_fence_ends_with_the_text() -> None:
    assert kinds("```\nx\n") == [("code", ["x"])]


def test_quotes_hold_other_blocks_and_end_with_a_blank_line() -> None:
    blocks = split_blocks("> a\n> ```\n> x\n> ```\n> - b\nlazy\n\nc")
    assert [(b.kind, [c.is_quote for c in b.containers], b.lines) for b in blocks] == [
        ("paragraph", [True], ["a"]),
        ("code", [True], ["x"]),
        ("paragraph", [True, False], ["b", "lazy"]),
        ("paragraph", [], ["c"]),
    ]


def test_tables_take_rows_while_there_are_bars() -> None:
    assert kinds("before\n| a | b |\n|---|---|\n| 1 | 2 |\nafter") == [
        ("paragraph", ["before"]),
        ("table", ["| a | b |", "|---|---|", "| 1 | 2 |"]),
        ("paragraph", ["after"]),
    ]


def test_a_row_of_dashes_of_another_width_is_no_table() -> None:
    assert [kind for kind, _ in kinds("| a | b |\n|---|\n")] == ["paragraph"]


def test_html_is_text() -> None:
    assert kinds("<div onclick=x>\n<b>hi</b>") == [("paragraph", ["<div onclick=x>", "<b>hi</b>"])]


def test_an_overlong_line_is_taken_in_pieces_that_join_to_it() -> None:
    line = "word " * 4000
    blocks = split_blocks(line)
    assert len(blocks) > 5
    assert all(block.continues for block in blocks[1:])
    assert "".join(block.text for block in blocks).split() == line.split()


def test_an_overlong_line_of_code_is_whole_again_in_its_text() -> None:
    line = "x" * 10_000
    (block,) = split_blocks(f"```\n{line}\nnext\n```")
    assert block.text == f"{line}\nnext"
    assert max(map(len, block.lines)) <= LONGEST_LINE


def test_the_preview_shows_what_is_arriving_without_waiting_for_its_line_to_end() -> None:
    splitter = BlockSplitter()
    splitter.feed("Hel")
    assert [block.text for block in splitter.preview()] == ["Hel"]
    splitter.feed("lo\n\n```py\nx =")
    assert [block.text for block in splitter.blocks] == ["Hello"]
    (code,) = splitter.preview()
    assert (code.language, code.lines, code.partial) == ("py", [], "x =")
    splitter.feed(" 1\ny")
    assert splitter.preview()[0] is code
    assert (code.lines, code.partial) == (["x = 1"], "y")


def test_the_preview_does_not_show_marks_that_may_still_become_something() -> None:
    splitter = BlockSplitter()
    for mark in ("-", "-", "-"):
        splitter.feed(mark)
        assert splitter.preview() == []
    splitter.feed("\n``")
    assert splitter.preview() == []


def test_a_header_row_is_shown_as_a_table_before_its_second_line_is_there() -> None:
    splitter = BlockSplitter()
    splitter.feed("| a | b")
    assert [block.kind for block in splitter.preview()] == ["table"]
    splitter.feed(" |\n|-")
    assert [block.kind for block in splitter.preview()] == ["table"]
    splitter.feed("--|---|\n| 1")
    (table,) = splitter.preview()
    assert (table.kind, table.partial) == ("table", "| 1")


def test_a_long_list_is_finished_item_by_item() -> None:
    splitter = BlockSplitter()
    for number in range(1000):
        splitter.feed(f"- item {number}\n")
        assert len(splitter.preview()) == 1
    assert len(splitter.blocks) == 999
