from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.transcription.gate import Reading, judge, lost_its_way, repeats_itself, spoken_part

CLEARLY = -0.1  # a confidence of 0.9
IN_DOUBT = -0.9  # of 0.4


def reading(text: str, seconds: float = 3.0, mean: float = CLEARLY, **more: float) -> Reading:
    return Reading(text, seconds, mean, **more)


@pytest.mark.parametrize(
    "text",
    [
        "What is the weather in Berlin?",
        "no, no, no",
        "Yes.",
        "very very good",
        "Buffalo buffalo Buffalo buffalo",
        "What is 10 times 10 times 10?",
        "ja ja, das ist gut",
        "東京の天気を教えてください",
    ],
)
def test_what_was_said_is_believed(text: str) -> None:
    assert judge(reading(text)).text == text
    assert judge(reading(text, mean=IN_DOUBT)).text == text


@pytest.mark.parametrize(
    "text", ["", "   ", ".", "...", "♪♪", "[Music]", "(applause)", "[BLANK_AUDIO]", "*coughs*"]
)
def test_what_cannot_be_spoken_is_nothing_and_no_fault(text: str) -> None:
    verdict = judge(reading(text))
    assert verdict.text == verdict.rejected == ""


def test_notes_are_taken_out_of_what_was_said() -> None:
    assert judge(reading("[Music] Hello there. (laughs)")).text == "Hello there."


@pytest.mark.parametrize(
    "text",
    [
        "the the the the the the the",
        "I am sorry. I am sorry. I am sorry. I am sorry.",
        "so we go on and on and on and on and on and on and on",
        "ハハハハハハハハハハハハハハハハ",
    ],
)
def test_circles_are_not_believed(text: str) -> None:
    assert judge(reading(text, mean=IN_DOUBT)).rejected == "it repeats itself"


def test_a_sentence_said_three_times_clearly_is_believed() -> None:
    text = " ".join(["Ask not what your country can do for you."] * 3)
    assert judge(reading(text, seconds=10)).text == text
    assert judge(Reading(text, 10, CLEARLY, ended=False)).rejected == "it repeats itself"


def test_what_is_repeated_faster_than_anybody_speaks_is_not_believed() -> None:
    text = " ".join(["ten of clubs"] * 4)
    assert judge(reading(text, seconds=2.0)).rejected == "it repeats itself"
    assert judge(reading(text, seconds=5.0)).text == text


@pytest.mark.parametrize(
    ("text", "seconds", "lost"),
    [
        ("What time is it? What time is it?", 1.7, True),
        ("What time is it? What time is it?", 3.0, False),
        ("8 of spades, 8 of spades", 1.2, True),
        ("five five", 1.2, False),
        ("What time is it now in Berlin?", 1.0, False),
        ("the the the the the the the", 5.0, True),
    ],
)
def test_what_is_worth_decoding_again(text: str, seconds: float, lost: bool) -> None:
    assert lost_its_way(reading(text, seconds)) is lost
    assert lost_its_way(Reading(text, seconds, CLEARLY, ended=False))


def test_more_words_than_the_time_allows_are_not_believed() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve thirteen"
    assert judge(reading(text, seconds=0.5)).rejected
    assert judge(reading(text, seconds=4)).text == text


def test_silence_needs_both_signs() -> None:
    text = "I went to the shop"
    assert judge(reading(text, mean=-1.2, no_speech=0.9)).rejected == "nobody seems to have spoken"
    assert judge(reading(text, mean=CLEARLY, no_speech=0.9)).text == text
    assert judge(reading(text, mean=-1.2, no_speech=0.1)).text == text


@pytest.mark.parametrize(
    "text", ["Thank you.", "Thanks for watching!", "Vielen Dank.", "Thank you. Thank you.", "谢谢观看"]
)
def test_stock_phrases_are_believed_only_where_they_are_clear(text: str) -> None:
    assert judge(reading(text, seconds=2)).text == text
    assert judge(reading(text, seconds=2, mean=IN_DOUBT)).rejected
    assert judge(reading(text, seconds=2, no_speech=0.8)).rejected
    assert judge(reading(text, seconds=0.7, mean=-0.3)).rejected
    assert judge(reading(text, seconds=0.7, mean=CLEARLY)).text == text


def test_a_stock_phrase_within_a_sentence_stays() -> None:
    text = "Thank you for explaining the router"
    assert judge(reading(text, mean=IN_DOUBT)).text == text


def test_the_vocabulary_said_back_is_not_believed() -> None:
    hotwords = ("TensorWall", "Groq", "LLMRouter")
    assert judge(reading("TensorWall, Groq, LLMRouter", mean=IN_DOUBT), hotwords).rejected
    assert judge(reading("Groq", mean=IN_DOUBT), hotwords).text == "Groq"
    assert judge(reading("How does Groq route?", mean=IN_DOUBT), hotwords).text


@given(st.text(), st.floats(0, 200), st.floats(-5, 0), st.floats(0, 1), st.booleans())
def test_every_reading_has_a_verdict(
    text: str, seconds: float, mean: float, silent: float, ended: bool
) -> None:
    made = Reading(text, seconds, mean, silent, ended)
    assert isinstance(lost_its_way(made), bool)
    verdict = judge(made, ("word",))
    assert 0 <= made.confidence <= 1
    assert not (verdict.text and verdict.rejected)
    assert verdict.text in ("", spoken_part(text))
    assert not verdict.text or any(character.isalnum() for character in verdict.text)


@given(st.lists(st.text("abcdef", min_size=1, max_size=5), min_size=1, max_size=6), st.integers(6, 20))
def test_anything_said_often_enough_is_a_circle(words: list[str], times: int) -> None:
    assert repeats_itself(" ".join(words * times))


@given(st.lists(st.text("abcdefghijklmnop", min_size=2, max_size=9), unique=True, max_size=40))
def test_different_words_are_no_circle(words: list[str]) -> None:
    assert not repeats_itself(" ".join(words))
