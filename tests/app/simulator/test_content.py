"""Test material."""

from __future__ import annotations

from typing import get_args

import pytest

from app.simulator.content import ADVERSARIAL, shaped
from app.simulator.options import ContentShape

SHAPES = [shape for shape in get_args(ContentShape) if shape != "answer"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tokens", [0, 1, 1000])
def test_has_exactly_the_tokens_asked_for(shape: ContentShape, tokens: int) -> None:
    assert len(shaped(shape, tokens, 0)) == tokens


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "long_line"])
def test_is_the_same_for_a_seed_and_differs_between_seeds(shape: ContentShape) -> None:
    assert shaped(shape, 500, 1) == shaped(shape, 500, 1)
    assert shaped(shape, 500, 1) != shaped(shape, 500, 2)


def test_shapes_are_what_their_names_say() -> None:
    text = {shape: "".join(shaped(shape, 600, 0)) for shape in SHAPES}

    assert text["code"].count("```") == 1
    assert all(line.startswith("- ") for line in text["list"].splitlines())
    assert all(line.startswith("|") for line in text["table"].splitlines())
    assert "\n" not in text["paragraph"]
    assert all(ord(character) > 0x2E7F or character == "\n" for character in text["cjk"])
    assert all(mark in text["markdown"] for mark in ("## ", "- **", "| Key |", "```python", "> "))


def test_adversarial_text_attacks_terminal_clipboard_and_markup() -> None:
    text = "".join(shaped("adversarial", 2000, 0))

    assert ADVERSARIAL in text
    for attack in ("\x1b]52;", "\x1b[2J", "\x00", "\u202e", "[bold red]", "[@click=", "\x9b", "\U000e0041"):
        assert attack in text


def test_the_long_line_is_one_mebibyte() -> None:
    text = "".join(shaped("long_line", None, 0))

    assert len(text) == 1024 * 1024
    assert "\n" not in text
