"""What a continuation says again is left out, whatever it is cut into: no character is lost or doubled."""

from itertools import pairwise, takewhile

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.routing.rescue.continuation import last_sentence
from core.routing.rescue.overlap import OverlapTrimmer


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


def lines_of(*lines):
    return st.lists(st.sampled_from(lines), min_size=1, max_size=8).map("".join)


# Forms in which much looks like what stands before it.
FORMS = st.one_of(
    TEXT,
    lines_of("The sky is blue. ", "The sky is grey! ", '"Is it?" he asked. ', "It rains.\n\n", "今日は。"),
    lines_of(
        "def main(made):\n",
        "    if not made.open:\n",
        "            return\n",
        "        return made\n",
        "    }\n",
        "\n",
    ),
    lines_of("- **Speed of light** is fast.\n", "- **Speed of sound** is slow.\n", "  - both\n", "1. One\n"),
    lines_of(
        "| Name of the planet | Mass |\n",
        "| ------------------ | ---- |\n",
        "| Earth              | 1.00 |\n",
        "| Venus              | 0.82 |\n",
    ),
    lines_of(
        "And the rain came down upon the town,\n", "And the rain came down upon the sea.\n", "La la.\n", "\n"
    ),
    st.integers(1, 6).map(lambda times: "The first value is 100. " * times),
    st.integers(1, 6).map(lambda times: "word " * 60 * times),
)


def shared(one, other):
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@given(st.data())
def test_a_model_that_does_as_told_neither_loses_nor_doubles_a_character(data):
    text = data.draw(FORMS)
    said = text[: data.draw(st.integers(1, len(text)))]
    asked = said[last_sentence(said) :].strip()
    assume(asked)
    opening = data.draw(st.sampled_from(["", " ", "\n\n"]))
    repeated = opening + text[len(said.rstrip()) - len(asked) :]
    assert joined(said, data.draw(pieces_of(repeated))) == (text, False)


@given(st.data())
def test_a_model_that_goes_on_without_repeating_loses_nothing_at_the_end_of_a_sentence_or_line(data):
    text = data.draw(FORMS)
    ends = [end for end in range(1, len(text)) if text[end - 1] == "\n" or text[:end].endswith((". ", "! "))]
    cut = data.draw(st.sampled_from([*ends, len(text)]))
    said, rest = text[:cut], text[cut:]
    assume(not might_be_said_again(said, rest))
    assume(not might_be_said_again(said, rest.lstrip()))
    assert joined(said, data.draw(pieces_of(rest))) == (text, False)


def might_be_said_again(said, rest):
    """Nobody can tell words that stand twice from words said again, nor a like beginning from a new one."""
    sentence = said[last_sentence(said) :].lstrip()
    words = [size for size in range(3, len(rest) + 1) if any(map(str.isalnum, rest[:size]))]
    return (
        any(said.endswith(rest[:size]) for size in words)
        or (sentence != "" and rest.startswith(sentence.rstrip()))
        or shared(said, rest) >= max(24, shared(sentence, rest) + 1)
    )


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
        (
            "def main():\n        if not made.open:\n            re",
            "if not made.open:\n            return\n",
            "def main():\n        if not made.open:\n            return\n",
        ),
        (
            "- **Speed of light** is fast.\n",
            "- **Speed of sound** is slow.\n",
            "- **Speed of light** is fast.\n- **Speed of sound** is slow.\n",
        ),
        (
            "| Planet | Mass |\n| ------ | ---- |\n| Earth in orbit | 1.00 |\n",
            "| Earth in fiction | 0 |\n",
            "| Planet | Mass |\n| ------ | ---- |\n| Earth in orbit | 1.00 |\n| Earth in fiction | 0 |\n",
        ),
        ("{\n    {\n        1\n    }\n", "    }\n}\n", "{\n    {\n        1\n    }\n    }\n}\n"),
        (
            "The first value is 100. The first value is",
            "The first value is 100. The first value is 100. ",
            "The first value is 100. The first value is 100. The first value is 100. ",
        ),
        ("It was late. The old man went home", "The old man we", "It was late. The old man went home"),
        ("He slept well.\n", "He slept well. Then", "He slept well.\n Then"),
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
