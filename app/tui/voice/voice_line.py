"""What the voice bar says, and how it shrinks: pure, so that every state and width can be tested.

What the microphone does is the one fact that is never left out, at whatever width.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

from app.cells import column, one_line
from app.tui.fitting import Field, Span, Tone, fit
from app.tui.voice.states import METERED

if TYPE_CHECKING:
    from core.voice.turn_taking.actions import State

__all__ = ("VoiceStatus", "voice_line")

_QUIETEST_DECIBELS = -60.0
_CLIPPING = 0.95
_AUDIBLE = 3.0
"""Decibels by which echo must be reduced to be worth a word: over headphones there is none to reduce."""
_RING = "○◔◑◕●"
_NAME_CELLS = (40, 18)

_SAID: dict[State, tuple[str, str, Tone]] = {
    "off": ("◌", "Opening the microphone", "busy"),
    "ready": ("○", "Microphone open", "plain"),
    "listening": ("◉", "Listening", "good"),
    "recording": ("●", "Recording", "error"),
    "closing": ("●", "Held open", "warning"),
    "transcribing": ("◌", "Understanding", "busy"),
    "thinking": ("◌", "Thinking", "busy"),
    "speaking": ("◉", "Speaking", "busy"),
    "muted": ("⊘", "Muted", "warning"),
}

_NEEDS_ONE = METERED | {"ready"}


@dataclass(frozen=True, slots=True)
class VoiceStatus:
    """Everything the bar can show.

    Attributes:
        is_there: a microphone is connected.
        elapsed: seconds that a recording has taken.
        closes_in: seconds until the turn is taken as finished, and ``closes_of``, from how many.
        level: loudness of the microphone, from 0 to 1; ``None`` while it is not analysed.
        hint: which key does what now.
        hands_free: a turn begins by speaking.
        language: what is spoken; empty until it is detected.
        voice: who reads aloud; untrusted.
        microphone: the device's name; untrusted.
        echo: by how many decibels the assistant's own voice is reduced.
    """

    state: State = "off"
    is_there: bool = True
    elapsed: float | None = None
    closes_in: float | None = None
    closes_of: float = 1.0
    level: float | None = None
    hint: str = ""
    hands_free: bool = False
    language: str = ""
    voice: str = ""
    microphone: str = ""
    echo: float | None = None


def voice_line(status: VoiceStatus, width: int) -> list[Span]:
    """The bar, at most ``width`` cells wide."""
    fields = [_state(status)]
    if status.level is not None:
        fields.append(_meter(status.level))
    if status.hint:
        fields.append(Field(((Span(status.hint, "dim"),), ()), (50,)))
    if status.hands_free:
        fields.append(Field(((Span("hands-free", "good"),), ()), (60,)))
    if status.language:
        fields.append(Field(((Span(status.language),), ()), (40,)))
    if status.microphone:
        fields.append(_device(status.microphone, status.echo))
    if status.voice:
        fields.append(_name(status.voice, (5, 8)))
    return fit(fields, width)


def _state(status: VoiceStatus) -> Field:
    sign, words, tone = _SAID[status.state]
    if not status.is_there and status.state in _NEEDS_ONE:
        sign, words, tone = "⊘", "No microphone", "error"
    if status.state == "closing" and status.closes_in is not None:
        left = max(0.0, min(1.0, status.closes_in / (status.closes_of or 1.0)))
        sign, words, tone = _RING[round(left * 4)], f"Done in {status.closes_in:.1f} s", "good"
    if status.elapsed is not None:
        words += f" {int(status.elapsed) // 60}:{int(status.elapsed) % 60:02}"
    bold: Tone = "strong" if tone == "plain" else tone
    return Field(((Span(sign, tone), Span(f" {words}", bold)), (Span(sign, tone),)), (95,))


def _meter(level: float) -> Field:
    """Loudness on the scale that ears have."""
    decibels = 20 * log10(level) if level > 0 else _QUIETEST_DECIBELS
    share = max(0.0, min(1.0, 1 - decibels / _QUIETEST_DECIBELS))
    tone: Tone = "error" if level >= _CLIPPING else "good"

    def bar(cells: int) -> tuple[Span, ...]:
        filled = round(share * cells)
        return Span("━" * filled, tone), Span("─" * (cells - filled), "dim")

    return Field((bar(20), bar(10), bar(6), ()), (20, 45, 80))


def _device(name: str, echo: float | None) -> Field:
    long, short = (column(one_line(name), cells).rstrip() for cells in _NAME_CELLS)
    if echo is None or abs(echo) < _AUDIBLE:
        return Field(((Span(long, "dim"),), (Span(short, "dim"),), ()), (10, 35))
    reduced = Span(f" echo -{abs(echo):.0f} dB", "dim")
    return Field(((Span(long, "dim"), reduced), (Span(long, "dim"),), (Span(short, "dim"),), ()), (7, 10, 35))


def _name(name: str, losses: tuple[int, int]) -> Field:
    long, short = (column(one_line(name), cells).rstrip() for cells in _NAME_CELLS)
    return Field(((Span(long, "dim"),), (Span(short, "dim"),), ()), losses)
