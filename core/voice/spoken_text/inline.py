"""One word of Markdown, with whatever markup is on it, into what is said for it.

A "word" ends at white space that is not inside of code, a link, a formula or a tag, so that each of
these comes whole. How far a word reaches depends on a bounded stretch of text only: an opening mark
whose closing one is not within reach is taken literally, and nothing waits for it longer.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

from core.safe_text import safe_text
from core.voice.spoken_text.languages import Language
from core.voice.spoken_text.mapped_text import EMPTY, MappedText

__all__ = ("plain", "word_end")

_REACH = 400
"""Characters within which a span of markup must close to be one."""

_LONGEST_WORD = 120
"""Characters of a word after which no more markup belongs to it; what is longer is data, not language."""
_LONGEST_CODE = 60
"""Characters of inline code that are read aloud."""
_LONGEST_FORMULA = 40

_WIDE = r"\u2e80-\uffef"
"""CJK and full-width characters: they follow an address without a space, and are escaped within one."""
_WIDE_STOPS = "。！？；：，、"  # noqa: RUF001
_CLOSERS = "」』”’）》】"  # noqa: RUF001

_OPENERS = re.compile(r"[`\[<【]|\$\$?|\\[(\[]")
_LABEL = r"(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*"
_TARGET = r"(?:\((?:[^\s()]|\([^\s()]*\))*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])"
_SPANS = {
    "`": re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)"),
    "[": re.compile(rf"\[{_LABEL}\]{_TARGET}?"),
    "<": re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->"),
    "$": re.compile(r"\$(?![\s\d$])[^$]*?(?<![\s\\])\$(?!\d)"),
    "【": re.compile(r"【[^【】]*】"),
    "$$": re.compile(r"\$\$.+?\$\$"),
    "\\(": re.compile(r"\\\(.+?\\\)"),
    "\\[": re.compile(r"\\\[.+?\\\]"),
}
_MAY_GO_ON = {"`": ("",), "[": ("", "(", "["), "$": ("",)}
"""What after a span that has closed leaves open whether that was its end; empty: nothing is there yet."""
_CANNOT_OPEN = {
    "<": re.compile(r"<(?:[^a-zA-Z/!]|$)"),
    "$": re.compile(r"\$(?:[\s\d$]|$)"),
}


def word_end(text: str, *, complete: bool) -> int | None:
    """Where the word at the beginning of ``text`` ends, or ``None`` while that cannot be known.

    Args:
        text: the rest of a line; it does not begin with white space.
        complete: whether the line is known to its end.
    """
    position = 0
    while position < len(text):
        character = text[position]
        if character.isspace():
            return position
        if opener := _OPENERS.match(text, position):
            if position >= _LONGEST_WORD:
                break
            end = _span_end(text, position, opener[0], complete=complete)
            if end is None:
                return None
            position = end
            continue
        if character in _WIDE_STOPS:
            position += 1
            rest = text[position : max(position, _LONGEST_WORD)]
            position += len(rest) - len(rest.lstrip(_WIDE_STOPS + _CLOSERS))
            return position if complete or position >= _LONGEST_WORD or position < len(text) else None
        position += 2 if character == "\\" else 1
        if position >= _LONGEST_WORD:
            break
    if complete:
        return min(position, len(text))
    return position if _LONGEST_WORD <= position <= len(text) else None


def _span_end(text: str, position: int, opener: str, *, complete: bool) -> int | None:
    """The end of the markup that opens here, or of its opening mark where it does not close."""
    window = text[position : position + _REACH]
    whole = complete or len(text) - position > _REACH
    match = _SPANS[opener].match(window)
    if match and (whole or window[match.end() : match.end() + 1] not in _MAY_GO_ON.get(opener, ())):
        return position + match.end()
    impossible = _CANNOT_OPEN.get(opener)
    if whole or (impossible and len(window) > 1 and impossible.match(window)):
        marks = re.match(r"`+", window)
        return position + (len(marks[0]) if marks else len(opener))
    return None


_TOKEN = re.compile(
    rf"""
      (?P<math>\$\$.+?\$\$|\\\[.+?\\\]|\\\(.+?\\\)|\$(?![\s\d$])[^$]*?(?<![\s\\])\$(?!\d))
    | \\(?P<escaped>[!-/:-@\[-`{{-~])
    | (?P<ticks>`+)(?!`)(?P<code>.*?)(?<!`)(?P=ticks)(?!`)
    | (?P<note>\[\^[^\]]*\]|【[^】]*】|(?<=\S)\[\d{{1,3}}\](?!\())
    | (?P<image>!)?\[(?P<label>{_LABEL})\]{_TARGET}
    | <?(?P<scheme>(?:https?://|mailto:)(?:www\.)?)(?P<host>[^\s/?\#<>"'`|\[\]()*]+)(?P<path>[^\s<>"'`|\[\]{_WIDE}]*)>?
    | (?P<comment><!--.*?-->)
    | </?(?P<tag>[a-zA-Z][^<>]*)>
    | (?P<entity>&(?:\#\d{{1,7}}|\#[xX][0-9a-fA-F]{{1,6}}|[a-zA-Z][a-zA-Z0-9]{{1,30}});)
    | (?P<emphasis>(?<![0-9*])\*+|\*+(?![0-9*])|~~+|(?<![^\W_])_+|_+(?![^\W_]))
    | (?P<joint>[_\\])
    | (?P<bracket>[\[\]|`]+)
    """,
    re.VERBOSE,
)
_TAG = re.compile(
    r"(?:a|abbr|b|big|blockquote|br|center|code|del|details|div|dd|dl|dt|em|font|h[1-6]|hr|i|img|ins|kbd|li|mark"
    r"|ol|p|pre|q|s|small|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|u|ul)(?![\w@-])",
    re.IGNORECASE,
)
"""What is markup between angle brackets; anything else there is a word, such as ``<your name>``."""
_CLOSING_MARKS = ".,;:!?*_~)"
_SENTENCE_MARKS = ".,;:!?"
_CODE_WORD = re.compile(r"[^\W\d_]*\d+(?:\.\d+)+|[^\W_]+")
_OPERATOR = re.compile(r"[)\]\s]*(\+\+|[!=]==?|<=|>=|->|=>|[=+]|\*\*|(?<=\s)[-*<>](?=\s))[(\[\s]*")
_OPERATORS = {"===": "==", "!==": "!=", "**": "^", "*": "×", "-": "−"}  # noqa: RUF001
"""Operators in code by what is said for them; of others that `speakable` says nothing is needed here."""
_CODE_TAIL = re.compile(r"\+\+|#|%")
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z])")


def plain(word: str, start: int, language: Language) -> MappedText:
    """What is said for a word of Markdown that stands at ``start`` in the answer."""
    if word in ("*", "**"):
        return MappedText.verbatim(word, start)
    said, position = EMPTY, 0
    for match in _TOKEN.finditer(word):
        said += _audible(word[position : match.start()], start + position)
        said += _token(match, start, language)
        position = match.end()
    return said + _audible(word[position:], start + position)


def _token(match: re.Match[str], offset: int, language: Language) -> MappedText:
    start, end = offset + match.start(), offset + match.end()
    if match["math"]:
        return _formula(match["math"], start, end, language)
    if match["escaped"]:
        return MappedText.verbatim(match["escaped"], start + 1)
    if match["code"] is not None:
        return _code(match["code"], offset + match.start("code"), language)
    if match["label"] is not None:
        label = plain(match["label"], offset + match.start("label"), language)
        if not match["image"]:
            return label
        return MappedText.said(f"{language.image}: " if label.text else language.image, start, start) + label
    if match["scheme"]:
        return _address(match, offset)
    if match["entity"]:
        return MappedText.said(_heard(safe_text(unescape(match["entity"]))), start, end)
    if match["tag"] and not _TAG.match(match["tag"]):
        return _apart(_audible(match["tag"].rstrip("/"), offset + match.start("tag")), start, end)
    if match["joint"] or match["tag"] or match["comment"]:
        return MappedText.said(" ", start, end)
    return EMPTY


def _apart(text: MappedText, start: int, end: int) -> MappedText:
    """The text between spaces that stand for its brackets."""
    before, after = text.spans[0].start, text.spans[-1].end
    return MappedText.said(" ", start, before) + text + MappedText.said(" ", after, end)


def _address(match: re.Match[str], offset: int) -> MappedText:
    """Of an address only the host is said, and the mark of the sentence after it."""
    address = match["host"] + match["path"]
    whole = address.rstrip(_CLOSING_MARKS)
    start = offset + match.start("host")
    said = MappedText.verbatim(whole[: len(match["host"])], start)
    mark = address[len(whole) : len(whole) + 1]
    return said + (MappedText.verbatim(mark, start + len(whole)) if mark in _SENTENCE_MARKS else EMPTY)


def _code(code: str, start: int, language: Language) -> MappedText:
    """The words in inline code; what has none is left to the voice."""
    if len(code) > _LONGEST_CODE:
        return MappedText.said(language.code, start, start + len(code))
    words = list(_CODE_WORD.finditer(code))
    if not words:
        return _audible(code.strip(), start + len(code) - len(code.lstrip()))
    said, before = EMPTY, 0
    for word in words:
        between = code[before : word.start()]
        if said.text:
            said += MappedText.said(_joint(between, language), start + before, start + word.start())
        said += _split_camel(word[0], start + word.start())
        before = word.end()
    tail = _CODE_TAIL.match(code, before)
    return said + MappedText.verbatim(tail[0], start + before) if tail else said


def _joint(between: str, language: Language) -> str:
    """What is said between two words of code."""
    if between == ".":
        return f" {language.dot} "
    if between in ("-", "/", ":"):
        return between
    operator = _OPERATOR.fullmatch(between)
    return f" {_OPERATORS.get(operator[1], operator[1])} " if operator else " "


def _split_camel(word: str, start: int) -> MappedText:
    said, before = EMPTY, 0
    for joint in _CAMEL.finditer(word):
        said += MappedText.verbatim(word[before : joint.start()], start + before)
        said += MappedText.said(" ", start + joint.start(), start + joint.start())
        before = joint.start()
    return said + MappedText.verbatim(word[before:], start + before)


_TEX_NAME = re.compile(r"\\([a-zA-Z]+)")
_TEX_SPACES = re.compile(r"\\[,;:! ]|[{}\s]+")
_TEX_SIGNS = {
    "times": "×",  # noqa: RUF001
    "cdot": "×",  # noqa: RUF001
    "div": "÷",
    "pm": "±",
    "leq": "≤",
    "le": "≤",
    "geq": "≥",
    "ge": "≥",
    "neq": "≠",
    "ne": "≠",
    "approx": "≈",
    "to": "→",
    "rightarrow": "→",
    "sqrt": "√",
    "infty": "∞",
}
_TEX_WORDS = frozenset(
    {
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "theta",
        "lambda",
        "mu",
        "pi",
        "rho",
        "sigma",
        "tau",
        "phi",
    }
    | {"psi", "omega", "sin", "cos", "tan", "log", "ln", "exp", "min", "max"}
)
_POWERS = {"^2": "²", "^{2}": "²", "^3": "³", "^{3}": "³", "^\\circ": "°"}


def _formula(math: str, start: int, end: int, language: Language) -> MappedText:
    """A short formula on one line of writing, as signs that are said; any other is on screen."""
    inner = math.strip("$") if math.startswith("$") else math[2:-2]
    for power, sign in _POWERS.items():
        inner = inner.replace(power, sign)
    names = {name.lower() for name in _TEX_NAME.findall(inner)}
    if len(inner) > _LONGEST_FORMULA or names - _TEX_WORDS - _TEX_SIGNS.keys() or re.search(r"[_^&]", inner):
        return MappedText.said(language.formula, start, end)
    read = _TEX_NAME.sub(lambda name: f" {_TEX_SIGNS.get(name[1], name[1])} ", inner)
    read = _TEX_SPACES.sub(" ", read).replace("-", " − ")  # noqa: RUF001
    return MappedText.said(_heard(" ".join(read.split())), start, end)


def _audible(text: str, start: int) -> MappedText:
    """The text without characters that are seen but not said, or must not reach a speech engine."""
    if text.isascii() and text.isprintable():
        return MappedText.verbatim(text, start)
    said, before = EMPTY, 0
    for position, character in enumerate(text):
        if not _is_audible(character):
            said += MappedText.verbatim(text[before:position], start + before)
            before = position + 1
    return said + MappedText.verbatim(text[before:], start + before)


def _heard(text: str) -> str:
    return "".join(" " if character.isspace() else character for character in text if _is_audible(character))


_SILENT = frozenset({"So", "Sk", "Cf", "Cn", "Co", "Me"})
"""Unicode categories of emoji, lone accents, invisible marks and what has no meaning."""
_SPOKEN_ALL_THE_SAME = frozenset("°©®№\N{ZERO WIDTH NON-JOINER}")
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def _is_audible(character: str) -> bool:
    if character.isascii():
        return character.isprintable()
    if safe_text(character) != character or ord(character) in _VARIATION_SELECTORS:
        return False
    return unicodedata.category(character) not in _SILENT or character in _SPOKEN_ALL_THE_SAME
