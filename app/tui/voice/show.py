"""What the voice loop tells, on screen: bar, composer, transcript, toasts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from app.cells import one_line
from app.tui.voice.dictation import Dictation
from app.tui.voice.receipt_line import receipt_line
from app.tui.voice.states import HEARD, METERED
from app.tui.voice.voice_line import VoiceStatus
from core.voice.events import (
    Answered,
    AnswerFailed,
    Discarded,
    FinalText,
    Interrupted,
    LevelChanged,
    Noticed,
    PartialText,
    ReceiptReady,
    Speaking,
    StateChanged,
)

if TYPE_CHECKING:
    from textual.timer import Timer

    from app.tui.screens.chat import ChatScreen
    from app.tui.voice.spoken_answers import SpokenAnswers
    from core.voice.events import VoiceEvent
    from core.voice.turn_taking.actions import State

__all__ = ("VoiceShow",)

_TICK_SECONDS = 0.1
_NOTICE_SECONDS = 8.0
_REPEAT_SECONDS = 60.0
_SIGNS: dict[State, str] = {"ready": "○", "muted": "⊘", "transcribing": "○"}


class VoiceShow:
    """Brings each event on screen; keeps the readings in between.

    Args:
        screen: the chat screen.
        answers: knows which entry of the transcript is being spoken.

    Attributes:
        status: what the bar shows.
        dictation: speech on its way into the composer.
        was_dictated: what is in the composer was spoken, not typed.
    """

    def __init__(self, screen: ChatScreen, answers: SpokenAnswers) -> None:
        self.status = VoiceStatus()
        self.dictation = Dictation(screen.composer)
        self.was_dictated = False
        self._screen = screen
        self._answers = answers
        self._timer: Timer = screen.set_interval(_TICK_SECONDS, self._tick, pause=True)
        self._recording_since = 0.0
        self._closes_at: float | None = None
        self._receipt = ""
        self._told: dict[str, float] = {}

    @property
    def sign(self) -> str:
        """The microphone's state for the window's title, which no other screen covers."""
        return _SIGNS.get(self.status.state, "●")

    def update(self, **facts: object) -> None:
        """Show other readings in the bar."""
        self.status = replace(self.status, **facts)  # type: ignore[arg-type]
        self._screen.voice_bar.status = self.status

    def end(self) -> None:
        """The microphone is closed."""
        self._timer.stop()
        self.dictation.drop()
        self._mark_spoken(None)
        self._screen.voice_bar.status = None

    def take(self, event: VoiceEvent) -> None:
        """Show one event."""
        match event:
            case StateChanged():
                self._state_changed(event)
            case LevelChanged(level=level) if self.status.state in METERED:
                self.update(level=level)
            case PartialText(stable=stable, tail=tail):
                self.dictation.show(stable, tail)
            case FinalText():
                self._said(event)
            case Discarded(reason=reason):
                self.dictation.drop()
                if reason:
                    self._screen.notify(f"{reason.capitalize()}.", timeout=3, markup=False)
            case Speaking(clause=clause):
                self._mark_spoken((clause.start, clause.end) if clause else None)
            case Interrupted(heard=heard, unheard=unheard):
                self._mark_heard(len(heard) if unheard else None)
                self._show_receipt()
            case Answered():
                self._mark_heard(None)
                self._show_receipt()
            case ReceiptReady(receipt=receipt):
                self._receipt = receipt_line(receipt)
                if self.status.state not in ("thinking", "speaking"):
                    self._show_receipt()
            case AnswerFailed():
                pass  # the conversation tells
            case Noticed(text=text, hint=hint):
                self._tell(one_line(f"{text} {hint}"))
            case _:
                pass

    def _state_changed(self, event: StateChanged) -> None:
        now = asyncio.get_running_loop().time()
        state = event.state
        if state == "off":
            return  # the loop has ended, and the bar goes with it
        if state in HEARD:
            self.dictation.begin()
        if state == "recording" and self.status.state not in HEARD:
            self._recording_since = now
        self._closes_at = None if event.closes_in is None else now + event.closes_in
        self.update(
            state=state,
            elapsed=None,
            closes_in=event.closes_in,
            closes_of=event.closes_in or 1.0,
            level=(self.status.level or 0.0) if state in METERED else None,
        )
        if state in HEARD:
            self._timer.resume()
        else:
            self._timer.pause()
        self._tick()
        self._screen.changed()

    def _tick(self) -> None:
        """Move what moves by itself: the clock of a recording and the countdown."""
        now = asyncio.get_running_loop().time()
        if self._closes_at is not None:
            self.update(closes_in=max(0.0, self._closes_at - now))
        elif self.status.state == "recording":
            self.update(elapsed=now - self._recording_since)

    def _said(self, event: FinalText) -> None:
        if event.sent:
            self.dictation.drop()
        else:
            self.dictation.finish(event.text)
            self.was_dictated = True

    def _tell(self, notice: str) -> None:
        """A toast, once: a device that comes and goes would cover the screen."""
        now = asyncio.get_running_loop().time()
        if now - self._told.get(notice, float("-inf")) > _REPEAT_SECONDS:
            self._told[notice] = now
            self._screen.notify(notice, severity="warning", timeout=_NOTICE_SECONDS, markup=False)

    def _mark_spoken(self, span: tuple[int, int] | None) -> None:
        transcript, messages = self._screen.transcript, self._answers.messages()
        if span is None or not messages:
            transcript.mark_spoken(None)
        else:
            here = next(message for message in reversed(messages) if message.begin <= span[0])
            transcript.mark_spoken(here.id, span[0] - here.begin, span[1] - here.begin)

    def _mark_heard(self, characters: int | None) -> None:
        shown = {entry.id for entry in self._screen.transcript.entries}
        for message in self._answers.messages():
            if message.id in shown:
                self._screen.transcript.mark_heard(message.id, message.heard(characters))

    def _show_receipt(self) -> None:
        if self._receipt:
            self._screen.transcript.add_notice(self._receipt)
            self._receipt = ""
