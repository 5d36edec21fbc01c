"""Titles from the first words, and from what a model writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.conversations.titles import UNTITLED, clean_title, title_from, title_request


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("How do tides work?", "How do tides work?"),
        ("# Plan\n\n- buy *milk*", "Plan buy milk"),
        ("Fix this:\n```python\nprint(1)\n```\nplease", "Fix this: please"),
        ("```\nonly code\n```", "only code"),
        ("", UNTITLED),
        (" \n\t", UNTITLED),
        ("word " * 30, "word word word word word word word word word word word word…"),
        ("x" * 200, "x" * 59 + "…"),
        ("東京" * 50, "東京" * 29 + "東…"),
    ],
)
def test_the_first_words(text: str, title: str) -> None:
    assert title_from(text) == title


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_a_title_is_one_short_line_that_acts_on_nothing(text: str) -> None:
    title = title_from(text)
    assert 0 < len(title) <= 61
    assert title == " ".join(title.split())
    assert "\x1b" not in title


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ('"Tides and the Moon."', "Tides and the Moon"),
        ("Title: Tides", "Tides"),
        ("\n\n**Tides**\nBecause you asked", "Tides"),
        ("", None),
        (" \n ", None),
        ("…", "…"),
    ],
)
def test_a_models_title_is_cleaned(answer: str, title: str | None) -> None:
    assert clean_title(answer) == title


def test_the_request_is_short_whatever_was_said() -> None:
    request = title_request("m", "q" * 100_000, "a" * 100_000)
    assert sum(len(message.text) for message in request.messages) < 4_000
