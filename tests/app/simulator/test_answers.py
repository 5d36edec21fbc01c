"""What the demo says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulator.answers import answer


@pytest.mark.parametrize(
    ("prompt", "marks"),
    [
        ("hello!", ["Hello!"]),
        ("What is TensorWall?", ["**TensorWall**", "GROQ_API_KEY"]),
        ("Give me a tour of Markdown", ["# ", "| Model |", "```python", "1. ", "> "]),
        ("tell me a story", ["Ada"]),
        ("Explain streaming at length", ["## 6. The record"]),
    ],
)
def test_knows_a_few_subjects(prompt: str, marks: list[str]) -> None:
    text = answer(prompt)

    assert all(mark in text for mark in marks)


@pytest.mark.parametrize("prompt", ["hi", "tensorwall", "tour", "story", "long", "Why is the sky blue?", ""])
def test_says_that_it_is_simulated(prompt: str) -> None:
    assert any(word in answer(prompt).lower() for word in ("simulat", "prepared in advance"))


def test_replies_about_the_prompt() -> None:
    assert "Why is the sky blue" in answer("Why is the sky blue? I always wondered.")
    assert "programming" in answer("Fix this function please")


def test_names_a_conversation_when_told_to() -> None:
    excerpt = "User: tell me a story about a lighthouse and its keeper\n\nAssistant: Once upon a time"

    assert answer(excerpt, instructions="Write a title of 3 to 6 words.") == "Tell me a story about a"


def test_a_title_leaves_out_what_was_answered() -> None:
    excerpt = "User: hello\n\nAssistant: Hello! What can I do for you?"
    assert answer(excerpt, instructions="Write a title of 3 to 6 words.") == "Hello"


@given(st.text(max_size=400), st.integers())
def test_is_the_same_for_a_prompt_and_seed(prompt: str, seed: int) -> None:
    text = answer(prompt, seed)

    assert text == answer(prompt, seed)
    assert text.strip()
