from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.subtitles import LINE, LONGEST, Cue, as_srt, as_vtt, cues, srt_time
from core.voice.transcription.transcriber import Word

ASK = "Ask not what your country can do. Ask what you can do for it."


def said(*texts: str, each: float = 0.4, at: float = 0.0) -> list[Word]:
    return [Word(text, at + each * n, at + each * (n + 1), 0.9) for n, text in enumerate(texts)]


def test_a_cue_ends_with_its_sentence() -> None:
    words = said(
        *[
            "Ask",
            "not",
            "what",
            "your",
            "country",
            "can",
            "do.",
            "Ask",
            "what",
            "you",
            "can",
            "do",
            "for",
            "it.",
        ]
    )
    assert [cue.text for cue in cues(words)] == [
        "Ask not what your country can do.",
        "Ask what you can do for it.",
    ]


def test_a_cue_ends_with_a_pause_and_stays_long_enough_to_be_read() -> None:
    first, second = list(cues([*said("Yes"), *said("And now", at=3.0)]))
    assert first == Cue(0.0, 1.0, "Yes")
    assert second.start == 3.0


def test_parts_of_words_are_joined() -> None:
    (cue,) = cues(said("cold", "-hearted", "people"))
    assert cue.text == "cold-hearted people"


def test_as_it_stands_in_the_file() -> None:
    assert Cue(3661.5, 3662.0, "Yes").numbered(7) == "7\n01:01:01,500 --> 01:01:02,000\nYes\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00:00,000"), (-1, "00:00:00,000"), (59.9996, "00:01:00,000")]
)
def test_times(seconds: float, text: str) -> None:
    assert srt_time(seconds) == text


@st.composite
def spoken_words(draw: st.DrawFn) -> list[Word]:
    at, words = 0.0, []
    for text in draw(st.lists(st.text("abcdefgh.,?", min_size=1, max_size=14), max_size=60)):
        at += draw(st.floats(0, 2))
        length = draw(st.floats(0.05, 1))
        words.append(Word(text, at, at + length, 1.0))
        at += length
    return words


@given(spoken_words())
def test_nothing_is_lost_and_nothing_overlaps(words: list[Word]) -> None:
    made = list(cues(words))
    assert "".join("".join(cue.text.split()) for cue in made) == "".join(word.text for word in words)
    for cue in made:
        assert cue.start <= cue.end <= cue.start + LONGEST + 1
        assert len(cue.text.splitlines()) <= 2
        assert max(map(len, cue.text.splitlines())) <= 2 * LINE
    for earlier, later in pairwise(made):
        assert earlier.end <= later.start + 1e-9


def test_files_are_numbered_or_escaped_as_their_kind_has_it() -> None:
    made = [Cue(0, 1.5, "Is 1 < 2"), Cue(61, 62.25, "& so on?\nYes.")]
    assert as_srt(made) == (
        "1\n00:00:00,000 --> 00:00:01,500\nIs 1 < 2\n\n2\n00:01:01,000 --> 00:01:02,250\n& so on?\nYes.\n"
    )
    assert as_vtt(made) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nIs 1 &lt; 2\n\n"
        "00:01:01.000 --> 00:01:02.250\n&amp; so on?\nYes.\n"
    )
    assert (as_srt([]), as_vtt([])) == ("", "WEBVTT\n")
