"""Which language is spoken: detected once, then remembered; and what languages are called."""

from __future__ import annotations

__all__ = ("LanguageMemory", "language_code")

SURE = 0.6
"""Probability from which a detected language is remembered; a short "okay" is many languages."""

LONG_ENOUGH = 1.0
"""Seconds of speech from which it is."""

DOUBT = 0.35
"""Confidence in a text below which the language is listened for anew: it may have been the wrong one."""


class LanguageMemory:
    """Remembers the language that was heard: detecting it costs a second pass, and errs on short phrases."""

    def __init__(self) -> None:
        self._heard: str | None = None

    def choose(self, wanted: str | None) -> str | None:
        """The language to listen for: what the user wants, else what was heard; ``None`` to detect it."""
        return wanted or self._heard

    def detected(self, language: str, probability: float, seconds: float) -> None:
        """A language was detected in so many seconds of speech."""
        if probability >= SURE and seconds >= LONG_ENOUGH:
            self._heard = language

    def understood(self, confidence: float) -> None:
        """What came of listening for the remembered language."""
        if confidence < DOUBT:
            self._heard = None


_CODES = {
    "arabic": "ar", "catalan": "ca", "chinese": "zh", "czech": "cs", "danish": "da", "dutch": "nl",
    "english": "en", "finnish": "fi", "french": "fr", "german": "de", "greek": "el", "hebrew": "he",
    "hindi": "hi", "hungarian": "hu", "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko",
    "norwegian": "no", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru",
    "spanish": "es", "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi",
}  # fmt: skip


def language_code(language: str) -> str:
    """The code of a language that a service may call by its English name; empty where it is unknown."""
    plain = language.strip().casefold()
    return _CODES.get(plain, plain if len(plain) in (2, 3) and plain.isalpha() else "")
