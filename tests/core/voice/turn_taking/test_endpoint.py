"""Done or wait, from the words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.turn_taking.endpoint import done_or_wait
from core.voice.turn_taking.languages import LANGUAGES, SmallWords
from core.voice.turn_taking.words import words_of

DONE = [
    ("en", "What time is it?"),
    ("en", "What are you waiting for?"),
    ("de", "Wie spät ist es?"),
    ("fr", "Quelle heure est-il ?"),
    ("es", "¿Qué hora es?"),
    ("it", "Che ore sono?"),
    ("pt", "Que horas são?"),
    ("nl", "Hoe laat is het?"),
    (None, "Vad är klockan?"),
    ("xx", "Vad är klockan?"),
    ("ja", "今何時ですか\N{FULLWIDTH QUESTION MARK}"),
    ("ar", "كم الساعة؟"),
]
NEARLY_DONE = [
    ("en", "Turn it on."),
    ("en", "Yes."),
    ("en", "I paid 3.50."),
    ("en", 'She said "hello."'),
    ("en", "Stop!"),
    ("en", "how do I do it well"),
    ("de", "Mach das Licht an."),
    ("de", "Ja."),
    ("es", "Sí."),
    ("es", "Es muy bueno."),
    ("fr", "D\N{RIGHT SINGLE QUOTATION MARK}accord."),
    ("it", "Va bene."),
    ("pt", "Está bem."),
    ("nl", "Doe het licht aan."),
    ("zh", "你好。"),
    ("hi", "मैं ठीक हूँ।"),
    (None, "Jag dricker te."),
]
UNFINISHED = [
    ("en", "I want to go to the."),
    ("en", "I would like tea and"),
    ("en", "Because"),
    ("en", "Well, um..."),
    ("en", "Um."),
    ("en", "Well."),
    ("de", "Also..."),
    ("en", "My number is 030"),
    ("en", "Call +49 30 12 34"),
    ("en", "First,"),
    ("en", "The list is:"),
    ("en", "I was going to say\N{HORIZONTAL ELLIPSIS}"),
    ("en", "I meant \N{EM DASH}"),
    ("en", "turn it on"),
    ("en", "Don\N{RIGHT SINGLE QUOTATION MARK}t tell me that they\N{RIGHT SINGLE QUOTATION MARK}re"),
    ("de", "Ich möchte einen Tee und"),
    ("de", "Ich glaube, dass."),
    ("fr", "Je voudrais un thé et"),
    ("fr", "Je vais à la."),
    ("es", "Quiero un té y"),
    ("it", "Vorrei un tè e"),
    ("pt", "Quero um chá e"),
    ("nl", "Ik wil een kop thee en"),
    (None, "..."),
    (None, ""),
    ("zh", "首先\N{FULLWIDTH COMMA}"),
]


@pytest.mark.parametrize(("language", "text"), DONE)
def test_a_question_is_done(language, text):
    assert done_or_wait(text, language).wait == 0


@pytest.mark.parametrize(("language", "text"), NEARLY_DONE)
def test_a_sentence_is_nearly_done(language, text):
    assert 0 < done_or_wait(text, language).wait <= 0.3


@pytest.mark.parametrize(("language", "text"), UNFINISHED)
def test_an_unfinished_sentence_waits(language, text):
    assert done_or_wait(text, language).wait == 1


@pytest.mark.parametrize("language", ["en", None])
def test_without_any_mark_it_waits_half_way(language):
    assert 0.3 < done_or_wait("I like green tea", language).wait < 1


def test_an_unknown_language_knows_marks_only():
    assert done_or_wait("I would like tea and.", None) == done_or_wait("I would like tea and.", "xx")
    assert done_or_wait("I would like tea and.", None).wait < 1


@given(st.text(max_size=60), st.sampled_from([None, "xx", *LANGUAGES]))
def test_any_text_has_a_verdict_with_a_reason(text, language):
    verdict = done_or_wait(text, language)
    assert 0 <= verdict.wait <= 1
    assert verdict.reason


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_are_spelled_as_words_are_compared(language):
    table: SmallWords = LANGUAGES[language]
    for name in SmallWords.__slots__:
        entries = getattr(table, name)
        assert entries, f"{language} has no {name} words"
        for entry in entries:
            assert " ".join(words_of(entry)) == entry, f"{entry!r} in {language}.{name} never matches"
    assert not table.open & table.assents
    assert not table.open & table.leaning
