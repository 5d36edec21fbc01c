"""Words and their times as subtitles, SubRip or WebVTT: cues of two short lines that can be read in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.voice.transcription.transcriber import Word

__all__ = ("Cue", "as_srt", "as_vtt", "cues", "srt_time")

LINE = 42
"""Characters of a line, as broadcasters have it."""

LONGEST = 6.0
"""Seconds that a cue stays."""

PAUSE = 0.8
"""Seconds of silence that end a cue."""

SHORTEST = 1.0
"""Seconds that even one word stays, where the next leaves room."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle, from ``start`` to ``end`` in seconds."""

    start: float
    end: float
    text: str

    def numbered(self, number: int) -> str:
        """As it stands in the file, with the empty line that ends it."""
        return f"{number}\n{srt_time(self.start)} --> {srt_time(self.end)}\n{self.text}\n"


def cues(words: Sequence[Word]) -> Iterator[Cue]:
    """Cues that end with sentences and pauses where they can."""
    groups = list(_groups(words))
    for place, group in enumerate(groups):
        start, end = group[0].start, max(group[-1].end, group[0].start)
        latest = groups[place + 1][0].start if place + 1 < len(groups) else end + SHORTEST
        yield Cue(start, max(end, min(start + SHORTEST, latest)), _two_lines([word.text for word in group]))


def as_srt(cues: Iterable[Cue]) -> str:
    """A whole SubRip file."""
    return "\n".join(cue.numbered(number) for number, cue in enumerate(cues, 1))


def as_vtt(cues: Iterable[Cue]) -> str:
    """A whole WebVTT file; what would be markup in it is escaped."""
    return "\n".join(["WEBVTT\n", *(_vtt_cue(cue) for cue in cues)])


def _vtt_cue(cue: Cue) -> str:
    times = f"{srt_time(cue.start)} --> {srt_time(cue.end)}".replace(",", ".")
    text = cue.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{times}\n{text}\n"


def srt_time(seconds: float) -> str:
    """Hours, minutes, seconds and milliseconds, as SubRip writes them."""
    whole = round(max(0.0, seconds) * 1000)
    minutes, milliseconds = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02},{milliseconds % 1000:03}"


def _groups(words: Iterable[Word]) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if group and _ends(group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _ends(group: list[Word], following: Word) -> bool:
    """Whether the cue is over before this word."""
    length = sum(len(word.text) + 1 for word in group)
    last = group[-1]
    return (
        length + len(following.text) > 2 * LINE
        or following.end - group[0].start > LONGEST
        or following.start - last.end > PAUSE
        or (last.text.endswith((".", "!", "?", "…", "。")) and length > LINE // 2)
    )


def _two_lines(texts: list[str]) -> str:
    """On one line, or on two that are about as long; words that belong together (``-hearted``) are joined."""
    joined: list[str] = []
    for text in texts:
        if joined and text[:1] in "-'’,.;:!?%":  # noqa: RUF001
            joined[-1] += text
        else:
            joined.append(text)
    whole = " ".join(joined)
    if len(whole) <= LINE:
        return whole
    breaks = range(1, len(joined))
    best = min(breaks, key=lambda at: abs(len(" ".join(joined[:at])) - len(" ".join(joined[at:]))), default=0)
    return f"{' '.join(joined[:best])}\n{' '.join(joined[best:])}" if best else whole
