"""What the voice loop tells, as lines for a person or for a program."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from app.cli.output import complain, emit, note
from app.figures import duration, money
from core.voice.events import (
    Answered,
    AnswerFailed,
    Discarded,
    FinalText,
    FirstAudio,
    FirstToken,
    Interrupted,
    LevelChanged,
    Noticed,
    PartialText,
    ReceiptReady,
    Speaking,
    StateChanged,
    VoiceEvent,
)
from core.voice.receipt import Receipt

__all__ = ("as_json", "print_line", "receipt_line")

_NAMES: dict[type, str] = {
    StateChanged: "state",
    PartialText: "partial",
    FinalText: "final",
    Discarded: "discarded",
    FirstToken: "first_token",
    FirstAudio: "first_audio",
    Speaking: "speaking",
    Interrupted: "interrupted",
    Answered: "answer",
    ReceiptReady: "receipt",
    Noticed: "notice",
    AnswerFailed: "notice",
}


def as_json(event: VoiceEvent) -> str | None:
    """The event as one line of JSON; ``None`` for the microphone's loudness, ten times a second."""
    if isinstance(event, LevelChanged):
        return None
    values: dict[str, Any] = asdict(event)
    if isinstance(event, ReceiptReady):
        values = {name: _plain(value) for name, value in asdict(event.receipt).items()}
    elif isinstance(event, Speaking):
        values["clause"] = event.clause and {
            "text": event.clause.spoken,
            "start": event.clause.start,
            "end": event.clause.end,
        }
    # Escaped, so that nothing in a text acts on a terminal.
    return json.dumps({"event": _NAMES[type(event)], **values}, ensure_ascii=True)


def print_line(event: VoiceEvent) -> None:
    """Say the event to a person: answers on stdout, the rest on stderr."""
    match event:
        case StateChanged(state=state):
            if line := _STATES.get(state):
                note(line)
        case FinalText(text=text):
            note(f"you: {text}")
        case Discarded(reason=reason) if reason:
            note(reason)
        case Answered(text=text) if text:
            emit(text)
        case Interrupted(heard=heard, unheard=unheard):
            if heard.strip():
                emit(heard.rstrip())
            if unheard:
                words = len(unheard.split())
                note(f"interrupted; {words} words were not heard: say “continue” to hear them")
        case ReceiptReady(receipt=receipt):
            note(receipt_line(receipt))
        case Noticed(text=text, hint=hint):
            complain(text, hint=hint, label="")
        case _:
            pass


_STATES = {
    "ready": "Enter: talk",
    "listening": "listening",
    "recording": "recording",
    "transcribing": "understanding",
    "thinking": "thinking",
}


def receipt_line(receipt: Receipt) -> str:
    """The latency receipt in one line: each part, and what speculation cost."""
    parts = [
        f"{name} {duration(value)}"
        for name, value in (
            ("endpoint", receipt.endpoint),
            ("transcript", receipt.transcript),
            ("first token", receipt.first_token),
            ("first audio", receipt.first_audio),
            ("total", receipt.total),
        )
        if value is not None
    ]
    if receipt.discarded:
        cost = money(receipt.speculation_cost)
        parts.append(f"{receipt.discarded} of {receipt.speculated} guesses discarded, {cost}")
    return " · ".join(parts)


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value
