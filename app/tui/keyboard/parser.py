"""The part of the kitty keyboard protocol that Textual's parser does not know.

A key arrives as ``CSI code[:alternates] ; modifiers[:event] ; text u``, where the event is 1 for a
press, 2 for a repeat and 3 for a release; keys with a legacy form end in another letter than ``u``.
See https://sw.kovidgoyal.net/kitty/keyboard-protocol/#report-events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from textual import events
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser
from textual.keys import Keys, _character_to_key

from app.tui.keyboard.keys import KeyboardReported, KeyReleased, KeyRepeated

__all__ = ("KeyEventParser",)

_KEY = re.compile(
    r"\x1b\[(?P<code>\d*)[\d:]*(?:;(?P<modifiers>\d*)(?P<event>:\d*)?[\d:]*)?(?P<text>;[\d:]*)?(?P<end>[u~ABCDEFHPQRS])"
)
_REPORT = re.compile(r"\x1b\[\?(?P<flags>\d+)u")
_REPEAT, _RELEASE = ":2", ":3"

Parsed = events.Key | KeyReleased | KeyboardReported


class KeyEventParser(XTermParser):
    """Textual's parser, with repeats, releases and the terminal's answer on what it supports.

    Nothing that a terminal sends raises: an unreadable key is ignored, for an exception here would
    end the input thread and the app with it.
    """

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        try:
            parsed = self._parsed(sequence, alt=alt)
        except (ValueError, OverflowError):  # a number that is none, or no character's
            parsed = [events.Key(Keys.Ignore, sequence)]
        return parsed  # type: ignore[return-value]  # the caller wants no more of them than a `key`

    def _parsed(self, sequence: str, *, alt: bool) -> Sequence[Parsed]:
        if report := _REPORT.fullmatch(sequence):
            return [KeyboardReported(int(report["flags"]))]
        match = _KEY.fullmatch(sequence)
        if match is None:
            return list(super()._sequence_to_key_events(sequence, alt))
        if match["event"] == _RELEASE:
            return [KeyReleased(_name(match["code"], match["end"]))]
        keys = list(super()._sequence_to_key_events(_plain(match), alt))
        if match["event"] == _REPEAT:
            return [KeyRepeated(key.key, key.character) for key in keys]
        return keys


def _plain(match: re.Match[str]) -> str:
    """The sequence without what Textual does not read: alternates and the event."""
    code, modifiers, text, end = match.group("code", "modifiers", "text", "end")
    return f"\x1b[{code}{'' if modifiers is None else f';{modifiers}'}{text or ''}{end}"


def _name(code: str, end: str) -> str:
    """What Textual calls a key, its modifiers apart."""
    number = int(code or "1")
    return FUNCTIONAL_KEYS.get(f"{number}{end}") or _character_to_key(chr(number))
