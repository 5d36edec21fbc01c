"""What is said for what cannot be read aloud, in each language of ``languages.toml`` beside this file.

Numbers stay as they are written: every voice reads them in its own language. Only what voices leave out
or get wrong is put into words: signs, currencies, units, and what is shown and not read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ("LANGUAGES", "Language", "language_of")

_TABLES = Path(__file__).with_name("languages.toml")
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")
"""The languages of the file; the first stands in for any other."""


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language.

    Attributes:
        code: for a block of code; ``named_code`` names its language.
        table: for a table; ``named_table`` names its columns.
        conjunction: joins the last two of a list.
        dot: the dot in ``a.b``.
        until: between the ends of a range.
        number: for ``#`` before digits.
        date: how ``{day}``, ``{month}`` and ``{year}`` are put together.
        months: January first.
        scales: for ``k``, ``m`` and ``b`` after an amount of money.
        symbols: for signs between and before numbers and words; empty where they are left to the voice.
        currencies: singular and plural by sign.
        units: singular and plural by abbreviation.
        abbreviations: words in lower case whose full stop ends no sentence.
        before_numbers: those that are abbreviations only before a number; "no" is one of them.
        ordinals: whether a number and a full stop is an ordinal, as in "am 3. Mai".
        continuing: what a user says to have an answer read on, in lower case.
    """

    code: str
    named_code: str
    table: str
    named_table: str
    formula: str
    diagram: str
    image: str
    conjunction: str
    dot: str
    until: str
    version: str
    number: str
    date: str
    months: tuple[str, ...]
    scales: Mapping[str, str]
    symbols: Mapping[str, str]
    currencies: Mapping[str, tuple[str, str]]
    units: Mapping[str, tuple[str, str]]
    abbreviations: frozenset[str]
    before_numbers: frozenset[str]
    ordinals: bool
    continuing: frozenset[str]


def language_of(code: str | None) -> Language:
    """The words of a language such as ``de`` or ``de-AT``; English where it is not known.

    A language that the file does not have gets English announcements, but no words for signs: its
    voices read "5 %" better than "5 percent".
    """
    short = (code or "").lower().replace("_", "-").partition("-")[0]
    if not short or short in LANGUAGES:
        return _language(short or LANGUAGES[0])
    return _other_language()


@cache
def _language(code: str) -> Language:
    table = _tables()[code]
    words: dict[str, Any] = {name: value for name, value in table.items() if isinstance(value, str | bool)}
    return Language(
        **words,
        months=tuple(table["months"]),
        scales=table["scales"],
        symbols=table["symbols"],
        currencies={sign: _forms(words) for sign, words in table["currencies"].items()},
        units={unit: _forms(words) for unit, words in table["units"].items()},
        abbreviations=frozenset(table["abbreviations"]),
        before_numbers=frozenset(table["before_numbers"]),
        continuing=frozenset(table["continuing"]),
    )


@cache
def _other_language() -> Language:
    return replace(_language(LANGUAGES[0]), symbols={}, currencies={}, units={})


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(_TABLES.read_text(encoding="utf-8"))


def _forms(words: str | list[str]) -> tuple[str, str]:
    """Singular and plural; where the file has one word it is both."""
    return (words, words) if isinstance(words, str) else (words[0], words[1])
