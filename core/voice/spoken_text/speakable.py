"""Numbers with their signs and units, dates and symbols, put into words that any voice can read."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.voice.spoken_text.languages import Language
from core.voice.spoken_text.mapped_text import EMPTY, MappedText

__all__ = ("speakable",)

_Said = Callable[[MappedText, "re.Match[str]", Language], MappedText]


def speakable(text: MappedText, language: Language) -> MappedText:
    """The text of a clause, without markup, as it is given to a voice."""
    for pattern, said in _RULES if language.symbols else ():
        text = _replaced(text, pattern, said, language)
    return _tidy(text)


def _replaced(text: MappedText, pattern: re.Pattern[str], said: _Said, language: Language) -> MappedText:
    result, position = EMPTY, 0
    for match in pattern.finditer(text.text):
        result += text.part(position, match.start()) + said(text, match, language)
        position = match.end()
    return result + text.part(position) if position else text


_AMOUNT = r"\d+(?:[.,]\d+)*"
_DATE = re.compile(r"(?<![\d-])(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\d-])(?:T(?=\d\d:))?")
_CURRENCY_BEFORE = re.compile(
    rf"(?P<country>\b[A-Z]{{1,2}})?(?P<sign>[$€£¥₹])[ ]?(?P<amount>{_AMOUNT})"
    rf"(?:(?P<dash>[ ]?[–—-][ ]?(?P=sign)?)(?P<upto>{_AMOUNT}))?"  # noqa: RUF001
    r"(?:(?P<scale>(?i:k|m|bn|b|t))(?!\w)|(?P<word>[ ](?i:thousand|million|billion|trillion)\b))?"
)
_CURRENCY_AFTER = re.compile(rf"({_AMOUNT})([ ]?)(R\$|[$€£¥₹])(?!\d)")
_RANGE = re.compile(rf"(?<![\w.,-])({_AMOUNT}%?)[ ]?[–—][ ]?(?={_AMOUNT})")  # noqa: RUF001
_RANGE_WITH_HYPHEN = re.compile(r"(?<![\w.,/-])((\d{1,3}|\d{4})%?)-(?=(\d{1,3}|\d{4})(?![.,/-]?\d|-))")
_VERSION = re.compile(r"(\b[Vv]ersion )?\bv(?=\d+(?:\.\d+)*\b)")
_NUMBER_SIGN = re.compile(r"(?<!\w)#(?=\d)")
_APPROXIMATELY = re.compile(r"(?<!\w)~[ ]?(?=[$€£]?\d)")
_NEGATIVE = re.compile(r"(?<![\w)\]])[−–-](?=\d)")  # noqa: RUF001
_UNIT = re.compile(
    rf"(?<![\w.,])({_AMOUNT})([ ]?)(km/h|km|cm|mm|m²|m|kg|mg|g|ml|l|°C|°F|ms|s|min|h"
    r"|KB|MB|GB|TB|kB|kHz|MHz|GHz|Hz|kWh|kW|W)(?![\w/²³])"
)
_DECADE = re.compile(r"(?:1\d|20)?[1-9]?0")
_BEFORE_DECADE = re.compile(r"\b(?:the|early|mid|late|my|your|his|her|our|their)[ -]$", re.IGNORECASE)
_POWER = re.compile(r"(?<=[\w)])(?:\^|(?<=\d)[ ]?\*\*[ ]?)(?=[\w(−-])")  # noqa: RUF001
_SHARP = re.compile(r"(?<=\b[A-G])#(?!\w)")
_PERCENT = re.compile(r"(?<=\d)[ ]?%")
_SIGN = re.compile(r"[ ]?(<=|>=|!=|==|->|=>|[=+−×÷<>≤≥≠≈→⇒&²³±√∞])[ ]?")  # noqa: RUF001
_TIMES = re.compile(r"(?<=\d)[ ]?\*[ ]?(?=\d)")
_ALIASES = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "->": "→", "=>": "→", "⇒": "→"}


def _date(text: MappedText, match: re.Match[str], language: Language) -> MappedText:
    year, month, day = match[1], language.months[int(match[2]) - 1], match[3].lstrip("0")
    said = language.date.format(day=day, month=month, year=year)
    return text.instead(match.start(), match.end(), said + (" " if match[0].endswith("T") else ""))


def _currency_before(text: MappedText, match: re.Match[str], language: Language) -> MappedText:
    country, sign = match["country"] or "", match["sign"]
    if (forms := language.currencies.get(country + sign)) is not None:
        country = ""
    elif (forms := language.currencies.get(sign)) is None:
        return text.part(match.start(), match.end())
    said = EMPTY
    if country:
        said = text.part(*match.span("country")) + text.instead(*match.span("sign"), " ")
    said += text.part(*match.span("amount"))
    if match["upto"]:
        said += text.instead(*match.span("dash"), f" {language.until} ") + text.part(*match.span("upto"))
    if match["scale"] and (scale := language.scales.get(match["scale"].lower())):
        said += text.instead(*match.span("scale"), f" {scale}")
    elif match["scale"] or match["word"]:
        said += text.part(*match.span("scale" if match["scale"] else "word"))
    alone = match["amount"] == "1" and not (match["upto"] or match["scale"] or match["word"])
    return said + said.after(len(said), " " + forms[not alone])


def _currency_after(text: MappedText, match: re.Match[str], language: Language) -> MappedText:
    forms = language.currencies.get(match[3].upper())
    if forms is None:
        return text.part(match.start(), match.end())
    said = text.instead(match.start(2), match.end(), " " + forms[match[1] != "1"])
    return text.part(match.start(1), match.end(1)) + said


def _range(text: MappedText, match: re.Match[str], language: Language) -> MappedText:
    first = text.part(match.start(1), match.end(1))
    return first + text.instead(match.end(1), match.end(), f" {language.until} ")


def _range_with_hyphen(text: MappedText, match: re.Match[str], language: Language) -> MappedText:
    """A range goes upwards; a telephone number, a score or a difference seldom does."""
    return (
        _range(text, match, language)
        if int(match[2]) < int(match[3]) and (len(match[2]) == 4) == (len(match[3]) == 4)
        else text.part(match.start(), match.end())
    )


def _unit(text: MappedText, match: re.Match[str], language: Language) -> MappedText:
    if match[3] == "s" and not match[2] and _is_decade(text.text[: match.start()], match[1]):
        return text.part(match.start(), match.end())
    said = text.instead(match.start(2), match.end(), " " + language.units[match[3]][match[1] != "1"])
    return text.part(match.start(1), match.end(1)) + said


def _is_decade(before: str, number: str) -> bool:
    """Whether a number with an "s" is years, as in "the 1990s" and "in her 30s", rather than seconds."""
    return _DECADE.fullmatch(number) is not None and (
        len(number) == 4 or _BEFORE_DECADE.search(before) is not None
    )


def _sign(text: MappedText, match: re.Match[str], language: Language) -> MappedText:
    word = language.symbols[_ALIASES.get(match[1], match[1])]
    return text.instead(match.start(), match.end(), f" {word} ")


def _symbol(symbol: str) -> _Said:
    def said(text: MappedText, match: re.Match[str], language: Language) -> MappedText:
        return text.instead(match.start(), match.end(), f" {language.symbols[symbol]} ")

    return said


def _word(choose: Callable[[Language], str]) -> _Said:
    def said(text: MappedText, match: re.Match[str], language: Language) -> MappedText:
        return text.instead(match.start(), match.end(), choose(language) + " ")

    return said


_RULES: tuple[tuple[re.Pattern[str], _Said], ...] = (
    (_DATE, _date),
    (_APPROXIMATELY, _symbol("≈")),
    (_CURRENCY_BEFORE, _currency_before),
    (_CURRENCY_AFTER, _currency_after),
    (_RANGE, _range),
    (_RANGE_WITH_HYPHEN, _range_with_hyphen),
    (_UNIT, _unit),
    (_POWER, _symbol("^")),
    (_NEGATIVE, _symbol("−")),  # noqa: RUF001
    (_VERSION, _word(lambda language: language.version)),
    (_SHARP, _symbol("#")),
    (_NUMBER_SIGN, _word(lambda language: language.number)),
    (_PERCENT, _symbol("%")),
    (_TIMES, _symbol("×")),  # noqa: RUF001
    (_SIGN, _sign),
)
"""In order: what takes a sign together with a number comes before what takes the sign alone."""

_UNWANTED = re.compile(r"[*_~`|\\#{}\[\]<>]+|(?<=\s)\s+|^\s+|\s+$|\s+(?=[.,!?;:](?:\s|$))")


def _tidy(text: MappedText) -> MappedText:
    """Without marks that a voice would stumble over or take as its own markup, and with single spaces."""
    for _ in range(2):  # taking out a mark may leave spaces side by side
        text = _replaced(text, _UNWANTED, lambda *_: EMPTY, None)  # type: ignore[arg-type]
    return text
