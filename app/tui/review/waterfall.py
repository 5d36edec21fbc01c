"""The time a turn took, as bars on one axis. Pure: phases and widths in, cells out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.costs.ledger_records import CallRecord
from core.voice.receipt import Receipt

__all__ = ("Bar", "Phase", "Piece", "call_bar", "pieces", "span_of", "starts", "voice_bar")

Phase = Literal[
    "end of speech",
    "transcript",
    "first word",
    "first sound",
    "queue",
    "prompt",
    "thinking",
    "answering",
    "speech",
]


_SHORTEST = 1e-6
"""Seconds that an axis stands for at least."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Phases one after the other, each with its seconds; the first begins at ``start`` of the axis."""

    start: float
    phases: tuple[tuple[Phase, float], ...]

    @property
    def end(self) -> float:
        """Where the last phase ends, in seconds of the axis."""
        return self.start + sum(seconds for _, seconds in self.phases)


@dataclass(frozen=True, slots=True)
class Piece:
    """Cells ``start`` to ``end`` of a bar, in one phase."""

    phase: Phase
    start: int
    end: int


def call_bar(call: CallRecord, start: float) -> Bar:
    """Waiting in the provider's queue, the prompt on its way and read, thinking, answering; or speech."""
    whole = max(0.0, call.duration or 0.0)
    if call.audio_seconds or call.characters:
        return Bar(start, _present(("speech", whole)))
    first_token = whole if call.first_token is None else min(max(0.0, call.first_token), whole)
    first_content = whole if call.first_content is None else min(max(first_token, call.first_content), whole)
    queue = min(max(0.0, call.queue_time or 0.0), first_token)
    return Bar(
        start,
        _present(
            ("queue", queue),
            ("prompt", first_token - queue),
            ("thinking", first_content - first_token),
            ("answering", whole - first_content),
        ),
    )


def voice_bar(receipt: Receipt) -> Bar:
    """From the end of speech to the first sound of the answer."""
    return Bar(
        0.0,
        _present(
            ("end of speech", receipt.endpoint or 0.0),
            ("transcript", receipt.transcript or 0.0),
            ("first word", receipt.first_token or 0.0),
            ("first sound", receipt.first_audio or 0.0),
        ),
    )


def span_of(bars: Iterable[Bar]) -> float:
    """Seconds from the axis' beginning to the end of the last bar."""
    return max((bar.end for bar in bars), default=0.0)


def pieces(bar: Bar, span: float, width: int) -> list[Piece]:
    """The bar in cells of an axis ``width`` cells wide that stands for ``span`` seconds.

    Pieces follow each other without a gap and stay on the axis; a bar is never less than a cell,
    a phase that is too short for one is left out.
    """
    if not bar.phases or width < 1:
        return []
    scale = width / max(span, _SHORTEST)
    at = bar.start
    edges = [_cell(at, scale, width)]
    for _, seconds in bar.phases:
        at += seconds
        edges.append(_cell(at, scale, width))
    if edges[0] == edges[-1]:
        longest = max(bar.phases, key=lambda phase: phase[1])[0]
        first = min(edges[0], width - 1)
        return [Piece(longest, first, first + 1)]
    return [
        Piece(phase, start, end)
        for (phase, _), start, end in zip(bar.phases, edges, edges[1:], strict=False)
        if end > start
    ]


def _cell(seconds: float, scale: float, width: int) -> int:
    return min(width, max(0, round(seconds * scale)))


def _present(*phases: tuple[Phase, float]) -> tuple[tuple[Phase, float], ...]:
    return tuple((phase, seconds) for phase, seconds in phases if seconds > 0)


def starts(calls: Sequence[CallRecord], receipt: Receipt | None) -> list[float]:
    """When each call began, in seconds of the axis; that of a spoken turn begins with the end of speech."""
    if not calls:
        return []
    heard = (receipt.endpoint or 0.0) + (receipt.transcript or 0.0) if receipt else 0.0
    began = calls[0].started_at
    return [heard + max(0.0, (call.started_at - began).total_seconds()) for call in calls]
