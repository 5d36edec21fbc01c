"""One line of facts fitted to a width: each has shorter forms, and what costs the reader least goes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size

__all__ = ("Field", "Span", "Tone", "fit")

Tone = Literal["plain", "dim", "strong", "good", "busy", "warning", "error", "badge"]

_GAP = 3


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one tone."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Field:
    """One fact in several widths, widest first; an empty variant leaves it out.

    Attributes:
        variants: what is said, from most to least.
        losses: what each step from one variant to the next costs the reader; the step that costs
            least of all fields is taken first.
    """

    variants: tuple[tuple[Span, ...], ...]
    losses: tuple[int, ...] = ()


def fit(fields: list[Field], width: int) -> list[Span]:
    """Take the step that costs least until the line fits; cut it where nothing else helps."""
    chosen = [0] * len(fields)
    while _length(_joined(fields, chosen)) > width:
        steps = [
            (field.losses[at], index)
            for index, (field, at) in enumerate(zip(fields, chosen, strict=True))
            if at < len(field.losses)
        ]
        if not steps:
            break
        chosen[min(steps)[1]] += 1
    _take_back(fields, chosen, width)
    return _cut(_joined(fields, chosen), width)


def _take_back(fields: list[Field], chosen: list[int], width: int) -> None:
    """A late, wide step may have made earlier ones needless: undo those that cost most."""
    steps = sorted(
        ((loss, index, at) for index, field in enumerate(fields) for at, loss in enumerate(field.losses)),
        reverse=True,
    )
    for _, index, at in steps:
        if chosen[index] == at + 1:
            chosen[index] = at
            if _length(_joined(fields, chosen)) > width:
                chosen[index] = at + 1


def _length(spans: list[Span]) -> int:
    return sum(cell_len(span.text) for span in spans)


def _joined(fields: list[Field], chosen: list[int]) -> list[Span]:
    spans: list[Span] = []
    for field, variant in zip(fields, chosen, strict=True):
        if field.variants[variant]:
            if spans:
                spans.append(Span(" " * _GAP))
            spans.extend(field.variants[variant])
    return spans


def _cut(spans: list[Span], width: int) -> list[Span]:
    kept: list[Span] = []
    room = width
    for span in spans:
        length = cell_len(span.text)
        if length > room:
            if room > 1:
                kept.append(Span(set_cell_size(span.text, room - 1) + "…", span.tone))
            break
        kept.append(span)
        room -= length
    return kept
