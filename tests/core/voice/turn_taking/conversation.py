"""A conversation in virtual time: somebody speaks, a transcriber answers, and all that happens is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.voice.audio import FRAME_SECONDS
from core.voice.turn_taking.actions import Action, Show, Transcribe, WakeAt
from core.voice.turn_taking.machine import TurnMachine
from core.voice.turn_taking.messages import (
    FrameHeard,
    ListeningChanged,
    Message,
    TalkEnded,
    TalkStarted,
    TranscriptionFailed,
    TranscriptReady,
)
from core.voice.turn_taking.policy import TurnPolicy

SPEECH = 0.95
SILENCE = 0.02


@dataclass
class Conversation:
    """Drives a machine as the loop does, with a clock of its own.

    Attributes:
        hears: what the transcriber understands from now on; ``None`` makes it fail.
        transcription: seconds that it takes.
    """

    policy: TurnPolicy = field(default_factory=TurnPolicy)
    language: str | None = "en"
    hears: str | None = ""
    confidence: float = 0.9
    transcription: float = 0.1
    now: float = 100.0
    log: list[tuple[float, Action]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine = TurnMachine(self.policy)
        self.machine.language = self.language
        self._wake_at: float | None = None
        self._asked: list[tuple[float, Transcribe]] = []

    def tell(self, message: Message) -> list[Action]:
        return self._take(self.machine.handle(message))

    def wait(self, seconds: float) -> None:
        """Time passes without any frame."""
        self._pass_until(self.now + seconds)

    def frames(self, seconds: float, speech: float) -> None:
        for _ in range(round(seconds / FRAME_SECONDS)):
            self._pass_until(self.now + FRAME_SECONDS)
            self.tell(FrameHeard(self.now, speech))

    def speak(self, seconds: float, text: str | None = None) -> None:
        """Somebody speaks, and would be understood so from now on."""
        self.hears = self.hears if text is None else text
        self.frames(seconds, SPEECH)

    def silence(self, seconds: float) -> None:
        self.frames(seconds, SILENCE)

    def hands_free(self) -> Conversation:
        self.tell(ListeningChanged(self.now, hands_free=True))
        self.silence(1)
        return self

    def press(self) -> None:
        self.tell(TalkStarted(self.now))

    def release(self, *, held: bool = True) -> None:
        self.tell(TalkEnded(self.now, held=held))

    def of(self, kind: type) -> list:
        """The actions of one kind so far."""
        return [action for _, action in self.log if isinstance(action, kind)]

    def last(self, kind: type):
        return self.of(kind)[-1]

    def when(self, kind: type) -> float:
        """When the last action of a kind was told."""
        return [at for at, action in self.log if isinstance(action, kind)][-1]

    @property
    def state(self) -> str:
        shown = self.of(Show)
        assert self.machine.state == (shown[-1].state if shown else "off")
        return self.machine.state

    def _pass_until(self, time: float) -> None:
        """Deliver transcripts and wake-ups that are due, in order."""
        while True:
            due = [at for at, _ in self._asked]
            if self._wake_at is not None:
                due.append(self._wake_at)
            if not due or min(due) > time:
                break
            self.now = max(self.now, min(due))
            if self._asked and self._asked[0][0] <= self.now:
                self._answer(self._asked.pop(0)[1])
            else:
                self._wake_at = None
                self._take(self.machine.advance(self.now))
        self.now = time

    def _answer(self, asked: Transcribe) -> None:
        place = self.now, asked.turn, asked.revision
        if self.hears is None:
            self.tell(TranscriptionFailed(*place, asked.final))
        else:
            self.tell(TranscriptReady(*place, self.hears, asked.final, self.confidence))

    def _take(self, actions: list[Action]) -> list[Action]:
        for action in actions:
            self.log.append((self.now, action))
            if isinstance(action, WakeAt):
                self._wake_at = action.at
            elif isinstance(action, Transcribe):
                self._asked.append((self.now + self.transcription, action))
        return actions
