from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.transcription.vocabulary import (
    LONGEST_LINE,
    MOST_HOTWORDS,
    hints_for,
    hotwords,
    mend,
    terms_of,
)


def test_identifiers_and_names_are_found() -> None:
    text = "The LLMRouter of TensorWall calls kv_cache and httpClient over HTTP. It met Grace Hopper in Oslo."
    assert set(terms_of(text)) == {
        "LLMRouter", "TensorWall", "kv_cache", "httpClient", "HTTP", "Grace Hopper", "Oslo",
    }  # fmt: skip


def test_plain_words_and_the_beginnings_of_sentences_are_no_terms() -> None:
    assert terms_of("This is plain. Nothing here is a name, I think. Why? Because.") == ()


def test_what_comes_often_goes_first_then_the_latest() -> None:
    assert terms_of("alphaOne betaTwo gammaThree alphaOne") == ("alphaOne", "gammaThree", "betaTwo")


def test_the_users_terms_come_first_and_once() -> None:
    hints = hints_for(["Groq", "groq", "PyAV"], "about PyAV and LLMRouter", "en")
    assert hints.hotwords == ("Groq", "PyAV", "LLMRouter")
    assert hints.vocabulary == ("Groq", "groq", "PyAV")
    assert hints.language == "en"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("I use lama index today.", "I use LlamaIndex today."),
        ("the llama-index package", "the LlamaIndex package"),
        ("ask Kubernetis, please", "ask Kubernetes, please"),
        ("tensor wall is here", "TensorWall is here"),
        ("Tensorwall's meter", "TensorWall's meter"),
        ("a tensor, wall", "a tensor, wall"),  # a comma between: two things
        ("grok", "grok"),  # too short to guess
        ("the cube is near us", "the cube is near us"),
        ("", ""),
    ],
)
def test_the_users_terms_are_mended(said: str, written: str) -> None:
    assert mend(said, ["LlamaIndex", "Kubernetes", "TensorWall", "Groq"]) == written


def test_identifiers_of_the_conversation_are_mended_only_letter_by_letter() -> None:
    assert mend("the LLM router and kv cache", [], ["LLMRouter", "kv_cache"]) == "the LLMRouter and kv cache"
    assert mend("the llm routers", [], ["LLMRouter"]) == "the llm routers"


@given(st.lists(st.text(max_size=60)))
def test_hotwords_fit(terms: list[str]) -> None:
    kept = hotwords(terms)
    assert len(kept) <= MOST_HOTWORDS
    assert len(", ".join(kept)) <= LONGEST_LINE
    assert len({word.casefold() for word in kept}) == len(kept)


@given(st.text(), st.lists(st.text(min_size=1, max_size=20), max_size=5))
def test_what_holds_no_term_is_left_alone(text: str, terms: list[str]) -> None:
    mended = mend(text, terms, terms)
    assert mended == text or any(term in mended for term in terms)
    assert mend(text, []) == text
