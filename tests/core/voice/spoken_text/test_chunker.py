from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.safe_text import safe_text
from core.voice.spoken_text.chunker import ClauseChunker
from core.voice.spoken_text.clause import Clause
from tests.core.voice.spoken_text.answers import ANSWERS, CUTS, clauses, cut


@given(text=ANSWERS, cuts=CUTS, language=st.sampled_from(["en", "de"]))
@settings(max_examples=400, deadline=None)
@example(text="- [x] done", cuts=[4], language="en")
@example(text="see [text](http://a.b) now. Then", cuts=[10, 11, 12], language="en")
def test_clauses_do_not_depend_on_how_the_answer_was_cut(text: str, cuts: list[int], language: str) -> None:
    chunker = ClauseChunker(language=language)
    arrived = [clause for piece in cut(text, cuts) for clause in chunker.feed(piece)]
    assert [*arrived, *chunker.finish()] == clauses(text, language)


@given(text=ANSWERS)
@settings(max_examples=200, deadline=None)
def test_token_by_token_is_the_same_too(text: str) -> None:
    chunker = ClauseChunker()
    arrived = [clause for character in text for clause in chunker.feed(character)]
    assert [*arrived, *chunker.finish()] == clauses(text)


@given(text=ANSWERS)
@settings(max_examples=300, deadline=None)
def test_every_clause_knows_its_source(text: str) -> None:
    position = 0
    for number, clause in enumerate(clauses(text)):
        assert clause.number == number
        assert position <= clause.start <= clause.end <= len(text)
        _assert_pieces(text, clause)
        sources = [clause.source(place) for place in range(len(clause.spoken) + 1)]
        assert sources == sorted(sources)
        assert clause.start <= sources[0] <= sources[-1] == clause.end
        position = clause.end


def _assert_pieces(text: str, clause: Clause) -> None:
    assert clause.pieces[0].spoken == 0
    ends = [piece.spoken for piece in clause.pieces[1:]] + [len(clause.spoken)]
    for piece, end in zip(clause.pieces, ends, strict=True):
        assert piece.spoken < end
        if piece.verbatim:
            assert text[piece.start : piece.end] == clause.spoken[piece.spoken : end]


@given(text=ANSWERS)
@settings(max_examples=300, deadline=None)
def test_what_is_spoken_is_safe_and_worth_saying(text: str) -> None:
    for clause in clauses(text):
        said = clause.spoken
        assert safe_text(said) == said
        assert any(map(str.isalnum, said))
        assert said == said.strip()
        assert "  " not in said
        assert not set(said) & set("\n\t<>[]{}`|")
        assert not any(unicodedata.category(character) in ("Cc", "Co", "Cs") for character in said)


@given(text=st.text(alphabet="ab ., ", max_size=1_000))
@settings(max_examples=100, deadline=None)
def test_clauses_are_no_longer_than_asked_and_lose_no_letter(text: str) -> None:
    found = clauses(text, longest=80)
    assert all(len(clause.spoken) <= 200 for clause in found)
    letters = [character for clause in found for character in clause.spoken if character.isalnum()]
    assert letters == [character for character in text if character.isalnum()]


def test_the_first_clause_is_short_and_there_as_soon_as_the_next_word_is() -> None:
    chunker = ClauseChunker()
    assert chunker.feed("Certainly, my friend") == []
    (first,) = ClauseChunker().feed("Well, the answer, as so often, is that")
    assert first.spoken == "Well, the answer,"


def test_later_clauses_are_whole_sentences() -> None:
    text = (
        "Yes, it certainly does, I think. The reason is simple, though it takes a while to explain. "
        "Light bends. Air does not. That is all there is to it, really, so go on."
    )
    assert [clause.spoken for clause in clauses(text)] == [
        "Yes, it certainly does,",
        "I think. The reason is simple, though it takes a while to explain.",
        "Light bends. Air does not. That is all there is to it, really, so go on.",
    ]


def test_an_endless_sentence_is_cut_at_its_pauses() -> None:
    found = clauses(("so it went on and on for hours, " * 20).strip())
    assert all(len(clause.spoken) <= 200 for clause in found)
    assert all(clause.spoken.endswith(",") for clause in found)


def test_an_endless_line_without_pauses_is_cut_between_words() -> None:
    found = clauses("word " * 200)
    assert sum(clause.spoken.count("word") for clause in found) == 200
    assert max(len(clause.spoken) for clause in found) <= 200


@pytest.mark.parametrize(
    "sentence",
    [
        "It costs $29.99 in total and that is all",
        "Ask Dr. Smith or Mrs. Jones about this",
        "Use e.g. a knife, i.e. something sharp",
        "Version 3.11.7 of the language",
        "J. R. R. Tolkien wrote this",
        "See example.com for the rest",
        "As shown in Fig. 3 and No. 7 below",
        "He said wait... and then left",
        "The U.S. Government said so",
    ],
)
def test_a_full_stop_that_ends_no_sentence(sentence: str) -> None:
    found = clauses(
        f"Let us begin right here. {sentence}. Then a new sentence that is long enough to stand alone."
    )
    assert sum(sentence.rstrip(".").split()[-1] in clause.spoken for clause in found) == 1
    inner = sentence.replace(", ", " ").split()
    assert any(all(word.strip(",$") in clause.spoken for word in inner) for clause in found)


def test_no_is_a_word_and_an_abbreviation() -> None:
    found = clauses("My answer to this is no. You would not like it if it were yes, believe me.")
    assert found[0].spoken == "My answer to this is no."


def test_german_ordinals_end_no_sentence() -> None:
    text = "Wir sehen uns am 3. Mai wieder. Bis dann."
    assert clauses(text, "de")[0].spoken == "Wir sehen uns am 3. Mai wieder."


def test_wide_characters_are_cut_at_their_own_marks() -> None:
    found = clauses("你好！我是一个助手。今天天气很好，我们去公园吧。")  # noqa: RUF001
    assert [clause.spoken for clause in found] == ["你好！我是一个助手。", "今天天气很好，我们去公园吧。"]  # noqa: RUF001


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("كيف حالك اليوم؟ هذا مثال بسيط آخر", "كيف حالك اليوم؟"),
        ("مرحبا بك يا صديقي، كيف حالك", "مرحبا بك يا صديقي،"),
        ("नमस्ते मेरे दोस्त कैसे हैं। यह एक परीक्षण है", "नमस्ते मेरे दोस्त कैसे हैं।"),
    ],
)
def test_other_scripts_have_marks_of_their_own(text: str, first: str) -> None:
    assert clauses(text)[0].spoken == first


def test_code_is_announced_when_it_ends_and_covers_its_whole_source() -> None:
    text = "Here is how it is done:\n```python\nprint('a. b')\n```\nEnjoy."
    code = clauses(text)[1]
    assert code.spoken == "Python code on screen."
    assert text[code.start : code.end] == "```python\nprint('a. b')\n```\n"


def test_long_code_is_announced_before_it_ends() -> None:
    chunker = ClauseChunker()
    (code,) = chunker.feed("```\n" + "x\n" * 12)
    assert code.spoken == "Code on screen."
    assert chunker.feed("x\n" * 50 + "```\n") == []
    assert [clause.spoken for clause in chunker.finish()] == []


def test_an_unclosed_fence_is_announced_with_the_end() -> None:
    assert [clause.spoken for clause in clauses("```js\nx")] == ["JavaScript code on screen."]


def test_nothing_is_said_of_nothing() -> None:
    assert clauses("") == clauses(" \n\n--- \n") == clauses("\U0001f600") == []


@pytest.mark.parametrize(
    "endless",
    ["[![a](https://a.b/c)](https://a.b/d)" * 50, "[" * 2_000, "`a`" * 500, "<b>" * 500, "。" * 2_000],
    ids=["badges", "brackets", "code", "tags", "stops"],
)
def test_after_a_word_without_an_end_comes_the_rest(endless: str) -> None:
    assert clauses(f"Look: {endless} and that was all.")[-1].spoken.endswith("and that was all.")


def test_lines_may_end_as_on_windows() -> None:
    text = (
        "So:\n\n```python\nx\n```\n\n- one\n- two\n\n---\n$$\nx\n$$\n| a | b |\n|---|---|\n| 1 | 2 |\n\nBye."
    )
    said = [clause.spoken for clause in clauses(text)]
    assert said[-1] == "Bye."
    assert [clause.spoken for clause in clauses(text.replace("\n", "\r\n"))] == said
