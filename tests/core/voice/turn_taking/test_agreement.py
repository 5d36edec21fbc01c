"""What two transcripts agree on is settled."""

from hypothesis import given
from hypothesis import strategies as st

from core.voice.turn_taking.agreement import Agreement

WORDS = st.lists(st.sampled_from(["the", "cat", "sat", "on", "mat"]), max_size=8).map(" ".join)


def test_the_first_transcript_settles_nothing():
    assert Agreement().add("the cat sat") == ("", "the cat sat")


def test_the_second_settles_what_both_have_but_their_last_word():
    agreement = Agreement()
    agreement.add("the cat sat")
    assert agreement.add("the cat sat on the") == ("the cat", "sat on the")
    assert agreement.add("the cat sat on the mat") == ("the cat sat on", "the mat")


def test_what_they_do_not_agree_on_stays_open():
    agreement = Agreement()
    agreement.add("the cat set on a")
    assert agreement.add("the cat sat on the mat") == ("the cat", "sat on the mat")


def test_case_and_marks_do_not_count():
    agreement = Agreement()
    agreement.add("The cat. Sat on")
    assert agreement.add("the cat, sat on the") == ("the cat, sat", "on the")


def test_settled_words_stay_as_they_were_shown():
    agreement = Agreement()
    agreement.add("the cat sat on the mat")
    agreement.add("the cat sat on the mat now")
    stable, tail = agreement.add("a dog stood by the door for long")
    assert stable == "the cat sat on the"
    assert tail == "for long" or tail.endswith("for long")


def test_marks_alone_agree_with_nothing_they_are_not():
    agreement = Agreement()
    agreement.add("- - -")
    stable, tail = agreement.add("- - - and")
    assert f"{stable} {tail}".split() == ["-", "-", "-", "and"]


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_settled_words_only_grow_and_nothing_of_a_transcript_is_lost(transcripts):
    agreement = Agreement()
    before: list[str] = []
    for text in transcripts:
        stable, tail = agreement.add(text)
        assert stable.split()[: len(before)] == before
        before = stable.split()
        assert tail.split() == text.split()[len(before) :]


@given(WORDS)
def test_a_transcript_that_stays_the_same_is_settled_but_for_its_last_word(text):
    agreement = Agreement()
    agreement.add(text)
    stable, tail = agreement.add(text)
    assert f"{stable} {tail}".split() == text.split()
    assert len(tail.split()) == min(1, len(text.split()))
