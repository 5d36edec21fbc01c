"""Markdown of all kinds, well formed and not, and ways to cut it into pieces."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import strategies as st

from app.tui.transcript.document import Document
from app.tui.transcript.painted import Frame
from app.tui.transcript.theme import Theme

_LINES = st.sampled_from(
    [
        "",
        "text",
        "two **bold** words",
        "  indented",
        "    four",
        "\ttab",
        "# Heading",
        "## Two ##",
        "#no",
        "- item",
        "* star",
        "+ plus",
        "-",
        "- [x] done",
        "1. one",
        "2) two",
        "10. ten",
        "1999. year",
        "  - nested",
        "   - nested",
        "      deep",
        "> quote",
        "> - item in quote",
        ">",
        "> ```",
        "```",
        "```python",
        "   ```",
        "~~~",
        "````",
        "---",
        "***",
        "===",
        "- - -",
        "<div>",
        "中文测试",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "line\\",
        "two  ",
        "`code` *it* ~~x~~",
        "",
        "| a | b |",
        "|---|:-:|",
        "| 1 | 2 | 3 |",
        "a | b",
        "--|--",
        "[l](http://a.b)",
    ]
)
MARKDOWN = st.one_of(
    st.lists(_LINES, max_size=25).map("\n".join),
    st.text(alphabet="ab `*_~#>-+|:.1[]()<\n\t\\é中", max_size=200),
    st.tuples(_LINES, st.sampled_from(["x", "word ", "- ", "|a", "中", "`"]), st.integers(1, 6000)).map(
        lambda parts: parts[0] + "\n" + (parts[1] * parts[2])[:6000] + "\n" + parts[0]
    ),
)


def cut(text: str, cuts: list[int]) -> list[str]:
    """``text`` in pieces, cut at these positions (taken modulo its length)."""
    places = sorted({place % (len(text) + 1) for place in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(places)]


@pytest.fixture
def page() -> Callable[[int], Document]:
    """An empty document of a given width."""
    return lambda width: Document(Frame(width, Theme.plain()))
