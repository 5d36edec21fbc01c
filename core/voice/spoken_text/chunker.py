"""An answer, as it arrives, into clauses to be spoken one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from core.voice.spoken_text.announcements import announcement
from core.voice.spoken_text.boundaries import Boundary, boundary, ends_with_mark
from core.voice.spoken_text.clause import Clause
from core.voice.spoken_text.languages import Language, language_of
from core.voice.spoken_text.mapped_text import EMPTY, MappedText
from core.voice.spoken_text.markdown import Break, MarkdownEvent, MarkdownReader, Word
from core.voice.spoken_text.shown import Shown
from core.voice.spoken_text.speakable import speakable

__all__ = ("ClauseChunker",)

_FIRST_LETTERS = 10
"""Letters and digits of the first clause at least: enough to be worth a breath, and soon there."""
_FIRST_LONGEST = 100
_LATER_SHORTEST = (30, 60)
"""Characters of the second clause and of those after it at least, while sentences are short: longer
clauses sound better, and by then there is time."""
_LONGEST = 200
"""Characters of a clause, as far as words allow; a common limit of speech services."""
_WIDE = "\u2e80"
"""From here on (CJK and above) a character is about a syllable, and counts as several."""
_WIDE_LETTERS = 3


@dataclass(frozen=True, slots=True)
class _Joined:
    """A word that waits to be spoken.

    Attributes:
        gap: what is said between the word before and it; empty at the beginning of a clause.
        ends: how well a clause ends before it.
    """

    gap: MappedText
    text: MappedText
    ends: Boundary


class ClauseChunker:
    """Cuts an answer into clauses and makes them speakable, while the answer is still arriving.

    The first clause is short, so that speaking begins early; later ones are whole sentences. The
    clauses depend on the text alone, not on the pieces it came in.

    Args:
        language: of the answer, such as ``de``; words for code, units and signs are said in it.
        longest: characters of a clause, as far as words allow.
    """

    def __init__(self, *, language: str | None = None, longest: int = _LONGEST) -> None:
        self._language: Language = language_of(language)
        self._longest = longest
        self._reader = MarkdownReader(self._language)
        self._waiting: list[_Joined] = []
        self._broken: Break | None = None
        self._clauses: list[Clause] = []
        self._number = 0

    def feed(self, text: str) -> list[Clause]:
        """Add text of the answer; gives the clauses that this completes."""
        self._take(self._reader.feed(text))
        return self._spoken()

    def finish(self) -> list[Clause]:
        """End the answer; gives the clauses that are left."""
        self._take(self._reader.finish())
        self._speak(len(self._waiting))
        return self._spoken()

    def _spoken(self) -> list[Clause]:
        clauses, self._clauses = self._clauses, []
        return clauses

    def _take(self, events: list[MarkdownEvent]) -> None:
        for event in events:
            match event:
                case Word():
                    self._add(event)
                case Break():
                    self._end_line(event)
                case Shown():
                    self._speak(len(self._waiting))
                    phrase = announcement(event, self._language)
                    self._say(MappedText.said(phrase, event.start, event.end))

    def _end_line(self, line: Break) -> None:
        if self._broken is None or self._broken.kind == "line":
            self._broken = line
        if line.kind == "block" and self._is_long_enough(Boundary.SENTENCE):
            self._speak(len(self._waiting))

    def _add(self, word: Word) -> None:
        broken, self._broken = self._broken, None
        gap, ends = EMPTY, Boundary.NONE
        if self._waiting:
            ends = self._boundary(word, broken)
            if self._is_long_enough(ends):
                self._speak(len(self._waiting))
            else:
                gap = self._gap(word, broken)
                self._make_room(len(gap) + len(word.text))
        if not self._waiting:
            gap, ends = EMPTY, Boundary.NONE
        self._waiting.append(_Joined(gap, word.text, ends))

    def _boundary(self, word: Word, broken: Break | None) -> Boundary:
        if broken and broken.kind == "block":
            return Boundary.SENTENCE
        before = "".join(joined.gap.text + joined.text.text for joined in self._waiting[-3:])
        found = boundary(before, word.text.text, self._language)
        return max(found, Boundary.PAUSE) if broken else found

    def _gap(self, word: Word, broken: Break | None) -> MappedText:
        """What is said between two words: a pause where a line ended without one."""
        before = self._waiting[-1].text
        start, end = before.spans[-1].end, word.text.spans[0].start
        if broken is None and word.space == " " and end == start + 1:
            return MappedText.verbatim(" ", start)
        if broken is None:
            return MappedText.said(" " if word.space else "", start, end)
        if ends_with_mark(before.text) or (broken.kind == "line" and word.text.text[0].islower()):
            return MappedText.said(" ", start, end)
        return MappedText.said(". " if broken.kind == "block" else ", ", start, end)

    def _is_long_enough(self, ends: Boundary) -> bool:
        if self._number == 0:
            letters = sum(_letters(joined.text.text) for joined in self._waiting)
            return ends >= Boundary.PAUSE and letters >= _FIRST_LETTERS
        shortest = _LATER_SHORTEST[min(self._number, len(_LATER_SHORTEST)) - 1]
        return ends == Boundary.SENTENCE and self._length() >= shortest

    def _length(self) -> int:
        return sum(len(joined.gap) + len(joined.text) for joined in self._waiting)

    def _make_room(self, coming: int) -> None:
        """Speak as much as is needed for the next word not to make the clause too long."""
        longest = min(_FIRST_LONGEST, self._longest) if self._number == 0 else self._longest
        while self._waiting and self._length() + coming > longest:
            self._speak(self._best_end())

    def _best_end(self) -> int:
        """How many words to speak so that the cut is heard least: the last of the best boundaries."""
        best, place = Boundary.NONE, len(self._waiting)
        for index, joined in enumerate(self._waiting[1:], start=1):
            if joined.ends >= max(best, Boundary.PAUSE):
                best, place = joined.ends, index
        return place

    def _speak(self, words: int) -> None:
        """Make a clause of the first ``words`` words that wait."""
        spoken, self._waiting = self._waiting[:words], self._waiting[words:]
        text = EMPTY
        for joined in spoken:
            text += (joined.gap if text.text else EMPTY) + joined.text
        self._say(speakable(text, self._language))

    def _say(self, text: MappedText) -> None:
        if any(map(str.isalnum, text.text)):
            clause = Clause(self._number, text.spans[0].start, text.spans[-1].end, text.text, text.pieces())
            self._clauses.append(clause)
            self._number += 1


def _letters(text: str) -> int:
    return sum(_WIDE_LETTERS if character >= _WIDE else 1 for character in text if character.isalnum())
