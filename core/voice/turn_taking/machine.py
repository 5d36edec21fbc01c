"""The turn machine: messages and a clock in, actions out."""

from __future__ import annotations

from core.safe_text import safe_text
from core.voice.turn_taking.actions import Action, State, WakeAt
from core.voice.turn_taking.answering import Answering
from core.voice.turn_taking.floor import Floor
from core.voice.turn_taking.messages import (
    AnswerEnded,
    AnswerHeard,
    CommitNow,
    FrameHeard,
    HoldOpen,
    ListeningChanged,
    Message,
    Muted,
    Stopped,
    TalkCancelled,
    TalkEnded,
    TalkStarted,
    TranscriptionFailed,
    TranscriptReady,
)
from core.voice.turn_taking.phase import Phase
from core.voice.turn_taking.policy import TurnPolicy
from core.voice.turn_taking.recording import Closing, Recording, Transcribing
from core.voice.turn_taking.resting import Resting

__all__ = ("TurnMachine",)


class TurnMachine:
    """Decides whose turn it is.

    It touches neither sound, nor clock, nor network: whoever drives it hands in what happens, with
    times of one monotonic clock, and does what the actions say, in their order.

    The driver's side of the bargain:
    every `Transcribe` is answered by one `TranscriptReady` or `TranscriptionFailed`, unless one of
    another revision or turn came after it, which makes it stale: it had better be given up,
    unless `KeepStretch` said that it stays good;
    every `Commit` to be sent by one `AnswerEnded`, unless an `Interrupt` or a later `Commit` came
    first, after which nothing more is said of that answer;
    `AnswerHeard` out of the blue is an answer that is read aloud without a spoken question.
    """

    def __init__(self, policy: TurnPolicy | None = None) -> None:
        self._floor = floor = Floor(policy or TurnPolicy())
        resting, answering = Resting(floor), Answering(floor)
        self._phases: dict[State, Phase] = {
            "off": resting,
            "ready": resting,
            "listening": resting,
            "muted": resting,
            "recording": Recording(floor),
            "closing": Closing(floor),
            "transcribing": Transcribing(floor),
            "thinking": answering,
            "speaking": answering,
        }
        self._wake_at: float | None = None

    @property
    def state(self) -> State:
        """What is going on, as the last `Show` said."""
        return self._floor.state

    @property
    def hands_free(self) -> bool:
        """Turns begin by themselves; the loop breaker may have switched it off."""
        return self._floor.hands_free

    @property
    def muted(self) -> bool:
        """The microphone is muted."""
        return self._floor.muted

    @property
    def turn(self) -> int | None:
        """Number of the turn that is open."""
        return None if self._floor.turn is None else self._floor.turn.number

    @property
    def needs_frames(self) -> bool:
        """Whether `FrameHeard` matters now; otherwise the microphone need not be analysed."""
        return self._floor.turn is not None or self._floor.hears_speech

    @property
    def policy(self) -> TurnPolicy:
        """How patient and how forward it is; another one counts at once."""
        return self._floor.policy

    @policy.setter
    def policy(self, policy: TurnPolicy) -> None:
        self._floor.adopt(policy)

    @property
    def language(self) -> str | None:
        """What the user speaks, such as ``en``; ``None`` while nobody knows. Endpoint words depend on it."""
        return self._floor.language

    @language.setter
    def language(self, language: str | None) -> None:
        self._floor.language = language

    def spoken(self, text: str) -> None:
        """This begins to be read aloud now; the same words in the microphone are its echo."""
        self._floor.echo.spoken(text, self._floor.now)

    def handle(self, message: Message) -> list[Action]:
        """Take in what happened; what was due before it is done first."""
        self._pass_time(message.at)
        self._floor.at = message.at
        self._dispatch(message)
        return self._actions()

    def advance(self, now: float) -> list[Action]:
        """Nothing happened until now; call it at the time of the latest `WakeAt`."""
        self._pass_time(now)
        return self._actions()

    @property
    def _phase(self) -> Phase:
        return self._phases[self._floor.state]

    def _pass_time(self, now: float) -> None:
        self._floor.now = max(self._floor.now, now)
        deadline = self._phase.deadline()
        if deadline is not None and self._floor.now >= deadline:
            self._phase.time_passed()

    def _actions(self) -> list[Action]:
        """What is to be done, and when to come again."""
        actions, self._floor.actions = self._floor.actions, []
        deadline = self._phase.deadline()
        if deadline is not None and deadline != self._wake_at:
            actions.append(WakeAt(deadline))
        self._wake_at = deadline
        return actions

    def _dispatch(self, message: Message) -> None:
        phase = self._phase
        match message:
            case FrameHeard():
                self._frame(message)
            case TranscriptReady() | TranscriptionFailed():
                self._transcript(message)
            case TalkStarted():
                phase.talk_started()
            case TalkEnded(held=held):
                phase.talk_ended(held=held)
            case TalkCancelled():
                phase.talk_cancelled()
            case ListeningChanged(hands_free=hands_free):
                self._change_mode(hands_free=hands_free)
            case Muted(muted=muted):
                self._change_mode(muted=muted)
            case CommitNow():
                phase.commit_now()
            case HoldOpen():
                phase.hold_open()
            case AnswerHeard():
                phase.answer_heard()
            case AnswerEnded():
                self._floor.echo.silent(message.at)
                phase.answer_ended()
            case Stopped():
                phase.stopped()

    def _frame(self, message: FrameHeard) -> None:
        floor = self._floor
        if not self.needs_frames or message.at <= floor.voicing.heard_until:
            return
        floor.voicing.hear(message.at, message.speech)
        if floor.turn is not None:
            floor.turn.hear(floor.voicing)
        self._phase.frame()

    def _transcript(self, message: TranscriptReady | TranscriptionFailed) -> None:
        """Pass on what belongs to the open turn as it is now; everything else is stale."""
        turn = self._floor.turn
        if turn is None or (message.turn, message.revision) != (turn.number, turn.revision):
            return
        if not message.final:
            turn.partial_came()
        if isinstance(message, TranscriptionFailed):
            if message.final:
                self._phase.final_failed()
            return
        text = " ".join(safe_text(message.text).split())
        if not message.final:
            self._phase.partial(text, message.confidence)
        elif turn.final_asked and turn.text is None:
            turn.text, turn.confidence = text, message.confidence
            self._phase.final()

    def _change_mode(self, *, hands_free: bool | None = None, muted: bool | None = None) -> None:
        floor = self._floor
        before = floor.hands_free, floor.muted, floor.opened
        floor.hands_free = floor.hands_free if hands_free is None else hands_free
        floor.muted = floor.muted if muted is None else muted
        floor.opened = floor.opened or hands_free is not None  # told first when the microphone is open
        if (floor.hands_free, floor.muted, floor.opened) != before:
            floor.loop_breaker.reset()
            if floor.turn is None:
                floor.voicing.reset()
            self._phase.mode_changed()
