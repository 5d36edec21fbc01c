"""Listening sounds, stop words, and words that want the floor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.turn_taking.backchannel import interrupts, is_backchannel, is_filler, is_stop
from core.voice.turn_taking.languages import LANGUAGES


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Mm-hm."),
        ("en", "Yeah"),
        ("en", "Yeah, yeah, okay."),
        ("en", "Uh"),
        ("en", ""),
        ("en", "..."),
        ("de", "Ja, genau."),
        ("de", "Mhm."),
        ("fr", "D'accord."),
        ("fr", "Ah oui"),
        ("es", "Sí, claro."),
        ("it", "Va bene."),
        ("pt", "Tá bom."),
        ("nl", "Ja, precies."),
        (None, "Okay."),
        ("xx", "Mhm"),
    ],
)
def test_listening_sounds_do_not_interrupt(language, text):
    assert is_backchannel(text, language)
    assert not interrupts(text, language, final=True)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Yeah but what about Finland"),
        ("en", "Okay okay okay okay"),
        ("en", "I meant Finland"),
        ("de", "Nein, warte mal"),
        ("fr", "Non, attends un peu"),
        (None, "vad menar du"),
    ],
)
def test_words_interrupt(language, text):
    assert interrupts(text, language, final=False)


def test_a_single_word_interrupts_when_it_is_certain():
    assert not interrupts("No.", "en", final=False)
    assert interrupts("No.", "en", final=True)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Stop!"),
        ("en", "Be quiet."),
        ("en", "That\N{RIGHT SINGLE QUOTATION MARK}s enough."),
        ("de", "Hör auf!"),
        ("de", "Halt, stopp."),
        ("fr", "Ça suffit !"),
        ("es", "¡Cállate!"),
        ("it", "Basta."),
        ("pt", "Cala a boca."),
        ("nl", "Hou op!"),
        (None, "Stop"),
    ],
)
def test_a_stop_word_interrupts_at_once(language, text):
    assert is_stop(text, language)
    assert interrupts(text, language, final=False)


def test_stop_within_a_sentence_is_no_stop_word():
    assert not is_stop("How do I stop a container?", "en")


def test_fillers_say_nothing_but_assents_may_answer():
    assert is_filler("Well, um...", "en")
    assert not is_filler("Mm-hm.", "en")
    assert not is_filler("Yes.", "en")
    assert not is_filler("Um, what time is it?", "en")


@given(st.text(max_size=40), st.sampled_from([None, *LANGUAGES]))
def test_a_filler_is_a_listening_sound_unless_it_is_long(text, language):
    if is_filler(text, language) and len(text.split()) <= 3:
        assert is_backchannel(text, language) or len(text) > len(text.split())
    if is_backchannel(text, language) and not is_stop(text, language):
        assert not interrupts(text, language, final=True)
