from __future__ import annotations

from core.voice.transcription.language import LanguageMemory


def test_what_the_user_wants_goes_first() -> None:
    memory = LanguageMemory()
    memory.detected("de", 0.99, seconds=3)
    assert memory.choose("fr") == "fr"
    assert memory.choose(None) == "de"


def test_it_is_detected_until_it_is_sure() -> None:
    memory = LanguageMemory()
    assert memory.choose(None) is None
    memory.detected("nl", 0.9, seconds=0.4)  # too short
    memory.detected("de", 0.5, seconds=3)  # too unsure
    assert memory.choose(None) is None
    memory.detected("en", 0.7, seconds=2)
    assert memory.choose(None) == "en"


def test_text_that_makes_no_sense_has_it_detected_anew() -> None:
    memory = LanguageMemory()
    memory.detected("en", 0.9, seconds=2)
    memory.understood(0.7)
    assert memory.choose(None) == "en"
    memory.understood(0.2)
    assert memory.choose(None) is None
