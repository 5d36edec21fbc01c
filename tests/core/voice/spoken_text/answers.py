"""Answers of all kinds, well formed and not, and ways to cut them into pieces."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from core.voice.spoken_text.chunker import ClauseChunker
from core.voice.spoken_text.clause import Clause

_LINES = st.sampled_from(
    [
        "",
        "Plain words. And more of them, here.",
        "It costs $29.99, i.e. ~30 €, or 3–5 km.",  # noqa: RUF001
        "Dr. Smith said **no**. He left at 10 p.m. today!",
        "# Heading ##",
        "#no heading",
        "- item with `code()`",
        "- [x] done",
        "- [ ",
        "1. first",
        "12) twelfth",
        "1999. A year",
        "  - nested",
        "> quote",
        "> ```",
        "```",
        "```python",
        "~~~",
        "---",
        "***",
        "_emphasis_ and snake_case",
        "| a | b |",
        "|---|:-:|",
        "| 1 | 2 |",
        "$$",
        "\\[",
        "\\]",
        "$x^2$ and \\(y \\leq 3\\), $PATH",
        "[link](http://example.com/a_(b)) and https://www.example.org/x.",
        "[open",
        "[ref]: http://a.b",
        "[^1]: note[^2]",
        "![image](x.png)",
        "<b>bold</b> &amp; <!-- c --> a < b",
        "你好！今天很好，是吗？",  # noqa: RUF001
        "\U0001f468\u200d\U0001f469 \x1b[31m \u202e",
        "``a`b`` `open",
        "x" * 300,
    ]
)
ANSWERS = st.one_of(
    st.lists(_LINES, max_size=12).map("\n".join),
    st.lists(_LINES, max_size=8).map(" ".join),
    st.text(alphabet="ab1 .,!`*_~#>-+|:[]()<$\\\n\té中。", max_size=150),
    st.lists(st.text(max_size=20), max_size=10).map(" ".join),
)
CUTS = st.lists(st.integers(0, 10_000), max_size=30)


def cut(text: str, cuts: list[int]) -> list[str]:
    """``text`` in pieces, cut at these positions (taken modulo its length)."""
    places = sorted({place % (len(text) + 1) for place in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(places)]


def clauses(text: str, language: str | None = None, **options: int) -> list[Clause]:
    """The clauses of a whole answer."""
    chunker = ClauseChunker(language=language, **options)
    return [*chunker.feed(text), *chunker.finish()]


def spoken(text: str, language: str | None = None) -> str:
    """What is said of an answer, in one line."""
    return " ".join(clause.spoken for clause in clauses(text, language))
