"""Bold, italic, code, links and the like within one block's text.

CommonMark's inline rules (https://spec.commonmark.org/0.31.2/#inlines) with strikethrough and bare
links. HTML stays text but for ``<br>``; escaped brackets and parentheses keep their backslash, since a
model that writes them means mathematics.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntFlag
from html import unescape

from core.safe_text import safe_text

__all__ = ("Emphasis", "Inline", "parse_inline")


class Emphasis(IntFlag):
    """How a run of text is set apart; may be combined."""

    NONE = 0
    BOLD = 1
    ITALIC = 2
    CODE = 4
    STRIKE = 8
    LINK = 16


@dataclass(slots=True)
class Inline:
    """Text without its markup.

    Attributes:
        text: what is shown, and what is copied.
        runs: (end, emphasis) of each run, in order; the last one ends with the text.
        links: (start, end, address) of each link.
    """

    text: str
    runs: list[tuple[int, Emphasis]]
    links: list[tuple[int, int, str]] = field(default_factory=list)


_SPECIAL = re.compile(r"""\\|`+|\*+|_+|~~+|!?\[|\]|<|&|https?://""")
_DESTINATION = re.compile(
    r"""\(\s*(?:<([^<>\n]*)>|((?:[^\s()<>]|\([^\s()]*\))*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)"""
)
_OPEN_DESTINATION = re.compile(r"\([^\s()]*$")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ANGLED = re.compile(r"<((?:https?://|mailto:)[^\s<>]*)>")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`|\[\]]+")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_KEEP_BACKSLASH = frozenset("()[]")


@dataclass(slots=True)
class _Delimiter:
    node: int
    character: str
    count: int
    original: int
    opens: bool
    closes: bool


@dataclass(slots=True)
class _Bracket:
    node: int
    delimiters: int


class _Parser:
    def __init__(self, text: str, *, unfinished: bool) -> None:
        self._text = text
        self._unfinished = unfinished
        self._nodes: list[str] = []
        self._spans: list[tuple[int, int, Emphasis]] = []  # of nodes, end exclusive
        self._links: list[tuple[int, int, str]] = []
        self._delimiters: list[_Delimiter] = []
        self._brackets: list[_Bracket] = []

    def parse(self) -> Inline:
        text, position = self._text, 0
        while match := _SPECIAL.search(text, position):
            if match.start() > position:
                self._nodes.append(text[position : match.start()])
            position = self._special(match[0], match.start(), match.end())
        if position < len(text):
            self._nodes.append(text[position:])
        self._match_delimiters(0)
        return self._result()

    def _special(self, token: str, start: int, end: int) -> int:
        """Take one token; returns where to go on."""
        match token[0]:
            case "\\":
                return self._escape(start)
            case "`":
                return self._code(token, end)
            case "*" | "_" | "~":
                self._delimiter(token, start, end)
                return end
            case "!" | "[":
                self._brackets.append(_Bracket(len(self._nodes), len(self._delimiters)))
                self._nodes.append(token)
                return end
            case "]":
                return self._close_bracket(end)
            case "<":
                return self._angle(start)
            case "&":
                if match := _ENTITY.match(self._text, start):
                    self._nodes.append(safe_text(unescape(match[0])))
                    return match.end()
                self._nodes.append("&")
                return end
            case _:
                return self._bare_link(start, end)

    def _escape(self, start: int) -> int:
        following = self._text[start + 1 : start + 2]
        if following == "\n":
            self._nodes.append("\n")
        elif following in _PUNCTUATION and following not in _KEEP_BACKSLASH:
            self._nodes.append(following)
        else:
            self._nodes.append("\\" + following)
        return start + 2

    def _code(self, ticks: str, end: int) -> int:
        position = end
        while (position := self._text.find(ticks, position)) >= 0:
            stop = position + len(ticks)
            while stop < len(self._text) and self._text[stop] == "`":
                stop += 1
            if stop - position == len(ticks):
                self._add_code(self._text[end:position])
                return stop
            position = stop
        if self._unfinished and len(ticks) == 1:
            self._add_code(self._text[end:])
            return len(self._text)
        self._nodes.append(ticks)
        return end

    def _add_code(self, code: str) -> None:
        code = code.replace("\n", " ")
        if code.startswith(" ") and code.endswith(" ") and code.strip():
            code = code[1:-1]
        self._spans.append((len(self._nodes), len(self._nodes) + 1, Emphasis.CODE))
        self._nodes.append(code)

    def _delimiter(self, run: str, start: int, end: int) -> None:
        before = self._text[start - 1 : start] or " "
        after = self._text[end : end + 1] or " "
        left = not after.isspace() and (
            after not in _PUNCTUATION or before.isspace() or before in _PUNCTUATION
        )
        right = not before.isspace() and (
            before not in _PUNCTUATION or after.isspace() or after in _PUNCTUATION
        )
        if run[0] == "_":
            opens = left and (not right or before in _PUNCTUATION)
            closes = right and (not left or after in _PUNCTUATION)
        else:
            opens, closes = left, right
        if run[0] == "*" and not (opens or closes) and len(run) == 2 and _is_cjk(before) != _is_cjk(after):
            opens, closes = _is_cjk(after), _is_cjk(before)
        node = len(self._nodes)
        self._nodes.append(run)
        if opens or closes:
            self._delimiters.append(_Delimiter(node, run[0], len(run), len(run), opens, closes))

    def _close_bracket(self, end: int) -> int:
        node = len(self._nodes)
        self._nodes.append("]")
        if not self._brackets:
            return end
        bracket = self._brackets.pop()
        address = ""
        if match := _DESTINATION.match(self._text, end):
            address = match[1] or match[2] or ""
        elif self._unfinished:
            match = _OPEN_DESTINATION.match(self._text, end)
        if match is None:
            return end
        self._match_delimiters(bracket.delimiters)
        self._nodes[bracket.node] = self._nodes[node] = ""
        self._spans.append((bracket.node, node, Emphasis.LINK))
        self._links.append((bracket.node, node, address))
        self._brackets.clear()  # links do not nest
        return match.end()

    def _angle(self, start: int) -> int:
        if match := _BREAK.match(self._text, start):
            self._nodes.append("\n")
            return match.end()
        if match := _ANGLED.match(self._text, start):
            self._add_link(match[1].removeprefix("mailto:"), match[1])
            return match.end()
        self._nodes.append("<")
        return start + 1

    def _bare_link(self, start: int, end: int) -> int:
        match = _ADDRESS.match(self._text, start)
        before = self._text[start - 1 : start]
        if match is None or before.isalnum() or (self._brackets and not self._unfinished):
            self._nodes.append(self._text[start:end])
            return end
        address = match[0].rstrip(".,;:!?*_~")
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(".,;:!?*_~")
        self._add_link(address, address)
        return start + len(address)

    def _add_link(self, text: str, address: str) -> None:
        node = len(self._nodes)
        self._nodes.append(text)
        self._spans.append((node, node + 1, Emphasis.LINK))
        self._links.append((node, node + 1, address))

    def _match_delimiters(self, bottom: int) -> None:
        """CommonMark's "process emphasis" over the delimiters from ``bottom`` on."""
        stack = self._delimiters
        floor: dict[tuple[str, bool, int], int] = {}
        index = bottom
        while index < len(stack):
            closer = stack[index]
            if not closer.closes or not closer.count:
                index += 1
                continue
            key = (closer.character, closer.opens, closer.original % 3)
            lowest = floor.get(key, bottom)
            opener_index = self._find_opener(index, lowest)
            if opener_index < 0:
                floor[key] = index
                index += 1
                continue
            opener = stack[opener_index]
            self._emphasise(opener, closer.node, min(opener.count, closer.count))
            used = 2 if min(opener.count, closer.count) >= 2 else 1
            opener.count -= used
            closer.count -= used
            for between in stack[opener_index + 1 : index]:
                between.count = 0
            if not closer.count:
                index += 1
        if self._unfinished and bottom == 0:
            for opener in reversed(stack):
                if opener.opens and opener.count and opener.node < len(self._nodes) - 1:
                    self._emphasise(opener, len(self._nodes), opener.count)
                    opener.count -= min(opener.count, 2)
        del stack[bottom:]

    def _find_opener(self, closer_index: int, lowest: int) -> int:
        closer = self._delimiters[closer_index]
        for index in range(closer_index - 1, lowest - 1, -1):
            opener = self._delimiters[index]
            if opener.character != closer.character or not opener.opens or not opener.count:
                continue
            if closer.character == "~" and opener.count != closer.count:
                continue
            odd = (opener.closes or closer.opens) and (opener.original + closer.original) % 3 == 0
            if odd and (opener.original % 3 or closer.original % 3):
                continue
            return index
        return -1

    def _emphasise(self, opener: _Delimiter, end: int, count: int) -> None:
        used = 2 if count >= 2 else 1
        if opener.character == "~":
            emphasis, used = Emphasis.STRIKE, 2
        else:
            emphasis = Emphasis.BOLD if used == 2 else Emphasis.ITALIC
        self._spans.append((opener.node + 1, end, emphasis))
        self._nodes[opener.node] = self._nodes[opener.node][used:]
        if end < len(self._nodes):
            self._nodes[end] = self._nodes[end][used:]

    def _result(self) -> Inline:
        emphases = [0] * len(self._nodes)
        for start, end, emphasis in self._spans:
            bit = int(emphasis)
            for node in range(start, end):
                emphases[node] |= bit
        starts: list[int] = []
        runs: list[tuple[int, Emphasis]] = []
        length, previous = 0, -1
        for piece, bits in zip(self._nodes, emphases, strict=True):
            starts.append(length)
            if not piece:
                continue
            length += len(piece)
            if bits == previous:
                runs[-1] = (length, runs[-1][1])
            else:
                runs.append((length, Emphasis(bits)))
            previous = bits
        starts.append(length)
        links = [(starts[a], starts[b], address) for a, b, address in self._links if address]
        return Inline("".join(self._nodes), runs, links)


def _is_cjk(character: str) -> bool:
    return "\u2e80" <= character <= "\uffef"


def parse_inline(text: str, *, unfinished: bool = False) -> Inline:
    """Take the markup out of ``text``.

    With ``unfinished``, emphasis, code and links that have not been closed yet count as closed by the
    end, so that a text that is still arriving does not flicker between raw and set.
    """
    if not _SPECIAL.search(text):
        return Inline(text, [(len(text), Emphasis.NONE)] if text else [])
    return _Parser(text, unfinished=unfinished).parse()
