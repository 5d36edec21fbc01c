"""Turns that are all alike."""

from core.voice.turn_taking.loop_breaker import LoopBreaker


def test_the_third_of_a_kind_is_one_too_many():
    breaker = LoopBreaker(3)
    assert [breaker.looping(text) for text in ("Anything else?", "anything else", "Anything else!")] == [
        False,
        False,
        True,
    ]


def test_words_that_differ_little_are_alike():
    breaker = LoopBreaker(3)
    assert not breaker.looping("Is there anything else I can help you with?")
    assert not breaker.looping("Is there anything else that I can help you with?")
    assert breaker.looping("There is anything else I can help you with?")


def test_another_turn_between_them_starts_anew():
    breaker = LoopBreaker(2)
    for text in ("Yes.", "What time is it?", "Yes.", "And in Rome?"):
        assert not breaker.looping(text)


def test_a_key_starts_anew():
    breaker = LoopBreaker(2)
    for _ in range(5):
        assert not breaker.looping("Next.")
        breaker.reset()


def test_no_words_are_alike_to_nothing():
    breaker = LoopBreaker(2)
    assert not any(breaker.looping("...") for _ in range(5))
