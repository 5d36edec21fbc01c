"""What holds whatever happens, in any order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.voice.audio import FRAME_SECONDS
from core.voice.turn_taking.actions import (
    Action,
    Commit,
    Discard,
    DropSpeculation,
    Duck,
    Interrupt,
    Show,
    SpeculateReply,
    Transcribe,
    Unduck,
    WakeAt,
)
from core.voice.turn_taking.machine import TurnMachine
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
from core.voice.turn_taking.policy import TurnPolicy

POLICIES = st.builds(
    TurnPolicy,
    patience=st.sampled_from([0.3, 1.5, 6.0]),
    barge_in=st.booleans(),
    auto_send=st.sampled_from(["hold", "always", "never"]),
    speculate=st.booleans(),
    cap=st.sampled_from([5.0, 120.0]),
    early_transcripts=st.booleans(),
    partial_every=st.sampled_from([None, 0.7]),
)
TEXTS = st.sampled_from(
    [
        "",
        "Yes.",
        "Mm-hm.",
        "um",
        "Stop.",
        "What time is it?",
        "I like tea.",
        "I like tea and",
        "one two three",
    ]
)
SPEECH = st.sampled_from([0.0, 0.02, 0.4, 0.6, 0.95])
DELAYS = st.sampled_from([0.0, 0.01, 0.3, 2.0, 10.0])


class Books:
    """Keeps account of what a machine has asked for, and checks each action against it."""

    def __init__(self) -> None:
        self.open: int | None = None
        self.closed: set[int] = set()
        self.state = "off"
        self.ducked = False
        self.speculated: int | None = None
        self.asked: list[Transcribe] = []
        self.finals: set[tuple[int, int]] = set()
        self.answering = False
        self.wake_at: float | None = None

    def enter(self, actions: list[Action], now: float) -> None:
        for action in actions:
            self.check(action, now)

    def check(self, action: Action, now: float) -> None:
        match action:
            case Transcribe(turn=turn, revision=revision, since=since, until=until, final=final):
                assert turn not in self.closed
                assert self.open in (None, turn), "two turns are open"
                self.open = turn
                assert since <= until <= now + FRAME_SECONDS
                if final:
                    assert (turn, revision) not in self.finals, "one final transcript a revision"
                    self.finals.add((turn, revision))
                self.asked.append(action)
            case SpeculateReply(turn=turn, text=text):
                assert turn not in self.closed
                assert self.speculated is None
                assert text
                self.speculated = turn
            case DropSpeculation(turn=turn):
                assert self.speculated == turn
                self.speculated = None
            case Commit(turn=turn, text=text, send=send, spoke_until=spoke_until, decided=decided):
                self.close(turn)
                assert text == text.strip() != ""
                assert spoke_until <= decided <= now
                assert not (self.speculated is not None and not send)
                self.speculated = None
                self.answering = send
            case Discard(turn=turn):
                self.close(turn)
                assert self.speculated is None
            case Duck():
                assert not self.ducked
                assert self.state in ("thinking", "speaking")
                self.ducked = True
            case Unduck():
                assert self.ducked
                self.ducked = False
            case Interrupt():
                self.answering = False
            case Show(state=state, closes_at=closes_at):
                assert (state == "closing") or closes_at is None
                self.state = state
            case WakeAt(at=at):
                self.wake_at = at

    def close(self, turn: int) -> None:
        assert turn not in self.closed, "a turn ends once"
        assert self.open in (None, turn), "two turns are open"
        assert all(turn > earlier for earlier in self.closed), "turns are counted upwards"
        self.open = None
        self.closed.add(turn)


class AnyOrder(RuleBasedStateMachine):
    """Throws messages at a machine, late and stale ones too, as no loop ever would."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = TurnMachine(TurnPolicy())
        self.books = Books()
        self.now = 10.0

    @precondition(lambda self: self.now == 10.0)
    @rule(policy=POLICIES, language=st.sampled_from([None, "en", "de", "xx"]))
    def begin(self, policy: TurnPolicy, language: str | None) -> None:
        if self.books.state == "off" and not self.books.closed and self.books.open is None:
            self.machine = TurnMachine(policy)
            self.machine.language = language
            self.books = Books()

    @rule(seconds=DELAYS)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.books.enter(self.machine.advance(self.now), self.now)

    @rule(count=st.integers(1, 30), speech=SPEECH)
    def frames(self, count: int, speech: float) -> None:
        for _ in range(count):
            self.now += FRAME_SECONDS
            self.tell(FrameHeard(self.now, speech))

    @rule(
        spoken=st.sampled_from([3, 8, 30]),
        silent=st.sampled_from([2, 5, 9, 40]),
        text=TEXTS,
        late=st.booleans(),
    )
    def sentence(self, spoken: int, silent: int, text: str, late: bool) -> None:
        """Somebody speaks and pauses; transcripts come at once, or later by `transcript`."""
        for speech in [0.95] * spoken + [0.02] * silent:
            self.now += FRAME_SECONDS
            self.tell(FrameHeard(self.now, speech))
            while self.books.asked and not late:
                self.tell(answer_to(self.books.asked.pop(), text, self.now))

    @rule()
    def hands_free(self) -> None:
        """Hands-free, with the microphone open: the mode in which most can happen."""
        self.tell(Muted(self.now, muted=False))
        self.tell(ListeningChanged(self.now, hands_free=True))

    @rule(kind=st.sampled_from([TalkStarted, TalkCancelled, CommitNow, HoldOpen, Stopped]))
    def key(self, kind: type) -> None:
        self.tell(kind(self.now))

    @rule(kind=st.sampled_from([AnswerHeard, AnswerEnded]))
    def answer(self, kind: type) -> None:
        self.tell(kind(self.now))

    @rule(held=st.booleans())
    def release(self, held: bool) -> None:
        self.tell(TalkEnded(self.now, held))

    @rule(hands_free=st.booleans(), muted=st.booleans())
    def mode(self, hands_free: bool, muted: bool) -> None:
        self.tell(ListeningChanged(self.now, hands_free))
        self.tell(Muted(self.now, muted))

    @rule(text=TEXTS)
    def speak_aloud(self, text: str) -> None:
        self.machine.spoken(text)

    @precondition(lambda self: self.books.asked)
    @rule(text=TEXTS | st.none(), data=st.data())
    def transcript(self, text: str | None, data: st.DataObject) -> None:
        asked = self.books.asked.pop(data.draw(st.integers(0, len(self.books.asked) - 1)))
        self.tell(answer_to(asked, text, self.now))

    @rule(turn=st.integers(0, 5), revision=st.integers(0, 3), final=st.booleans(), late=DELAYS)
    def nonsense(self, turn: int, revision: int, final: bool, late: float) -> None:
        """What nobody asked for, and a frame that was heard already."""
        self.tell(FrameHeard(self.now - late, 0.95))
        if (turn, revision) not in self.books.finals:
            self.tell(TranscriptReady(self.now, turn, revision, "Who asked?", final))

    @invariant()
    def books_agree(self) -> None:
        machine, books = self.machine, self.books
        assert machine.state == books.state
        if books.ducked:
            assert machine.state in ("thinking", "speaking")
            assert books.wake_at is not None, "nobody would bring it back"
        if machine.state in ("recording", "closing", "transcribing"):
            assert machine.turn is not None
            assert books.open in (None, machine.turn)
        if machine.state in ("off", "ready", "listening", "muted"):
            assert machine.turn is None
            assert books.open is None
            assert books.speculated is None
            assert machine.muted == (machine.state == "muted")

    def teardown(self) -> None:
        """When everybody is quiet and all results are in, nothing is left open."""
        self.tell(TalkEnded(self.now))
        for _ in range(100):
            while self.books.asked:
                self.tell(answer_to(self.books.asked.pop(), "I like tea.", self.now))
            if self.machine.turn is None:
                break
            if self.machine.state == "closing":
                self.tell(CommitNow(self.now))
            for _ in range(60):
                self.now += FRAME_SECONDS
                self.tell(FrameHeard(self.now, 0.0))
            self.now += 10
            self.books.enter(self.machine.advance(self.now), self.now)
        assert self.machine.turn is None
        assert self.books.open is None
        assert not self.books.ducked or self.machine.state in ("thinking", "speaking")

    def tell(self, message: Message) -> None:
        self.books.enter(self.machine.handle(message), self.now)


def answer_to(asked: Transcribe, text: str | None, now: float) -> Message:
    if text is None:
        return TranscriptionFailed(now, asked.turn, asked.revision, asked.final)
    return TranscriptReady(now, asked.turn, asked.revision, text, asked.final)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_no_control_character_of_a_transcript_reaches_anybody(text: str) -> None:
    machine = TurnMachine()
    machine.handle(TalkStarted(0.0))
    for frame in range(1, 30):
        machine.handle(FrameHeard(frame * FRAME_SECONDS, 0.9))
    machine.handle(CommitNow(1.0))
    actions = machine.handle(TranscriptReady(1.1, 1, 0, text, final=True))
    for action in actions:
        if isinstance(action, Commit):
            assert action.text.isprintable() or any(ord(mark) > 0x9F for mark in action.text)
            assert "\x1b" not in action.text
