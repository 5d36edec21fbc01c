"""What a continuation says again is left out, whatever it is cut into: no character is lost or doubled."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.routing.overlap import OverlapTrimmer
from core.routing.rescue import last_sentence


def joined(said, pieces):
    """The whole text, and whether the continuation was lost."""
    trimmer = OverlapTrimmer(said, sentence=last_sentence(said))
    new = [trimmer.feed(piece) for piece in pieces]
    return said + "".join(new) + trimmer.finish(), trimmer.lost


@st.composite
def pieces_of(draw, text):
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)))
    edges = [0, *cuts, len(text)]
    return [text[one:other] for one, other in pairwise(edges)]


# Every word is another one, so that what is repeated is known.
TEXT = st.integers(12, 60).map(
    lambda count: "".join(
        f"{'Word' if place % 7 == 0 else 'word'}{place}x{'. ' if place % 7 == 6 else ' '}"
        for place in range(100, 100 + count)
    ).strip()
)


@given(st.data())
def test_no_character_is_lost_or_doubled_wherever_it_was_cut_and_however_much_is_said_again(data):
    text = data.draw(TEXT)
    cut = data.draw(st.integers(9, len(text)))
    begun = [place for place in range(cut - 2) if place == 0 or text[place - 1] == " "]
    again = data.draw(st.sampled_from([*begun, cut]))
    opening = data.draw(st.sampled_from(["", " ", "\n\n"])) if again < cut else ""
    assert joined(text[:cut], data.draw(pieces_of(opening + text[again:]))) == (text, False)


@given(st.data())
def test_the_cutting_into_pieces_changes_nothing(data):
    said = data.draw(st.text("ab. \n", min_size=1, max_size=40))
    more = data.draw(st.text("ab. \n", max_size=60))
    assert joined(said, data.draw(pieces_of(more))) == joined(said, [more])


@given(st.data())
def test_what_comes_after_the_joint_is_passed_on_at_once(data):
    trimmer = OverlapTrimmer("Once upon a", sentence=0)
    trimmer.feed(" time")
    for piece in data.draw(st.lists(st.text(max_size=5))):
        assert trimmer.feed(piece) == piece
    assert trimmer.finish() == ""


@pytest.mark.parametrize(
    ("said", "more", "whole"),
    [
        ("Once upon a", " time.", "Once upon a time."),
        ("Once upon a", "Once upon a time.", "Once upon a time."),
        ("Once upo", "upon a time.", "Once upon a time."),
        ("It was late. The old ma", "The old man slept.", "It was late. The old man slept."),
        ("Yes", "Yes.", "Yes."),
        ("I think that", " is so.", "I think that is so."),
        ("One. Two", "\n\nTwo. Three.", "One. Two. Three."),
        ("```python\nprint(1)\n", "print(2)\n```", "```python\nprint(1)\nprint(2)\n```"),
        ("今日は天気がとても", "今日は天気がとてもいいです。", "今日は天気がとてもいいです。"),
        ("It ends.", "It ends.", "It ends."),
        ("It ends.", "", "It ends."),
        ("A", "And so on.", "And so on."),
    ],
)
def test_ways_to_go_on(said, more, whole):
    assert joined(said, [more]) == (whole, False)
    assert joined(said, list(more)) == (whole, False)


def test_a_sentence_said_again_in_other_words_is_not_heard_twice():
    said = "It was late. The old man went to the"
    whole = "It was late. The old man went to the — walked home. He slept."
    assert joined(said, list("The old man walked home. He slept.")) == (whole, False)


def test_an_answer_begun_anew_in_other_words_is_followed_to_where_the_first_broke_off():
    said = "Here are three reasons why it works. First, it is quick. Second, it is cheap and everyone knows"
    more = (
        "Here are three reasons why it helps. First, speed. Second, it is cheap and everyone knows it. Third."
    )
    assert joined(said, list(more)) == (f"{said} it. Third.", False)


def test_an_answer_begun_anew_that_never_gets_there_gives_nothing():
    said = "Here are three reasons why it works. First, it is quick. Second, it is cheap and everyone knows"
    whole, lost = joined(said, list("Here are three reasons why it helps. Alas, none of them is known."))
    assert (whole, lost) == (said, True)


def test_one_that_goes_on_without_end_is_given_up():
    said = "Here are three reasons why it works. First, it is quick. Second, it is cheap and everyone knows"
    trimmer = OverlapTrimmer(said, sentence=last_sentence(said))
    assert trimmer.feed("Here are three reasons why it helps. " + "And so on. " * 1000) == ""
    assert trimmer.lost
