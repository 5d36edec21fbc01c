"""The tokenizer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.simulator.tokens import IMAGE_TOKENS, prompt_pieces, split_tokens


@given(st.text())
def test_pieces_join_to_the_text(text: str) -> None:
    pieces = split_tokens(text)

    assert "".join(pieces) == text
    assert all(pieces)


def test_pieces_are_about_as_long_as_a_models() -> None:
    text = "A model reads and writes tokens: pieces of about four characters in English, 12345 of them. " * 20

    assert 3 < len(text) / len(split_tokens(text)) < 6


def test_an_ideograph_is_a_token() -> None:
    assert split_tokens("日本語 text") == ["日", "本", "語", " text"]


def test_a_prompt_counts_texts_images_tools_and_calls() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    question = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"function": {"name": "look", "arguments": "{}"}}],
    }
    tool = {"type": "function", "function": {"name": "look"}}

    alone = len(prompt_pieces([question], None))

    assert alone > IMAGE_TOKENS
    assert len(prompt_pieces([question, call], None)) > alone
    assert len(prompt_pieces([question], [tool])) > alone
