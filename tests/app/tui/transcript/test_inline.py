from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.tui.transcript.inline import Emphasis, parse_inline


def shown(text: str, *, unfinished: bool = False) -> list[tuple[str, Emphasis]]:
    inline = parse_inline(text, unfinished=unfinished)
    ends = [0, *(end for end, _ in inline.runs)]
    return [(inline.text[a:b], run[1]) for a, b, run in zip(ends, ends[1:], inline.runs, strict=False)]


B, I, C, S, L = Emphasis.BOLD, Emphasis.ITALIC, Emphasis.CODE, Emphasis.STRIKE, Emphasis.LINK  # noqa: E741
N = Emphasis.NONE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [("plain", N)]),
        ("a **b** c", [("a ", N), ("b", B), (" c", N)]),
        ("*i* _i_", [("i", I), (" ", N), ("i", I)]),
        ("***both***", [("both", B | I)]),
        ("**a *b* c**", [("a ", B), ("b", B | I), (" c", B)]),
        ("~~gone~~", [("gone", S)]),
        ("2 * 3 * 4", [("2 * 3 * 4", N)]),
        ("snake_case_name", [("snake_case_name", N)]),
        ("`a *b*`", [("a *b*", C)]),
        ("`` a`b ``", [("a`b", C)]),
        (r"\*no\*", [("*no*", N)]),
        (r"\(x\)", [(r"\(x\)", N)]),
        ("**unclosed", [("**unclosed", N)]),
        ("a<br>b", [("a\nb", N)]),
        ("<b>x</b>", [("<b>x</b>", N)]),
        ("&lt;&amp;", [("<&", N)]),
        ("[t](http://a.b/c_(d))", [("t", L)]),
        ("[**t**](http://a)", [("t", L | B)]),
        ("[b]markup[/b]", [("[b]markup[/b]", N)]),
        ("see https://a.b/c.", [("see ", N), ("https://a.b/c", L), (".", N)]),
        ("**中文：**后", [("中文：", B), ("后", N)]),  # noqa: RUF001
    ],
)
def test_emphasis(text: str, expected: list[tuple[str, Emphasis]]) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an **open", [("an ", N), ("open", B)]),
        ("`cod", [("cod", C)]),
        ("[te](htt", [("te", L)]),
        ("~~x", [("x", S)]),
    ],
)
def test_what_is_still_open_counts_as_closed_while_text_arrives(
    text: str, expected: list[tuple[str, Emphasis]]
) -> None:
    assert shown(text, unfinished=True) == expected


def test_links_know_their_address() -> None:
    inline = parse_inline("a [b](http://c) <https://d> https://e/f.")
    assert [(inline.text[a:b], url) for a, b, url in inline.links] == [
        ("b", "http://c"),
        ("https://d", "https://d"),
        ("https://e/f", "https://e/f"),
    ]


def test_entities_cannot_smuggle_control_characters_in() -> None:
    text = parse_inline("&#27;[31m &#x202e;x &#0;").text
    assert "\x1b" not in text
    assert "\u202e" not in text


@given(text=st.text(alphabet="ab *_`~[]()<>&;\\!\n1h中:/.", max_size=120), unfinished=st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_text_gives_runs_that_cover_it(text: str, unfinished: bool) -> None:
    inline = parse_inline(text, unfinished=unfinished)
    ends = [end for end, _ in inline.runs]
    assert ends == sorted(set(ends))
    assert (ends[-1] if ends else 0) == len(inline.text)
    assert all(0 <= a <= b <= len(inline.text) for a, b, _ in inline.links)
    kept = [c for c in text if c in "ab1中"]
    if "&" not in text and "<" not in text and "](" not in text:
        assert [c for c in inline.text if c in "ab1中"] == kept


@pytest.mark.parametrize("nasty", ["*a ", "a**b", "[", "[](a", "`a``", "_a*", "![", "<", "**"])
def test_repetition_does_not_take_long(nasty: str) -> None:
    text = (nasty * 4096)[:4096]
    assert len(parse_inline(text, unfinished=True).text) <= len(text)
