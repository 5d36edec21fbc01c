"""Who has the floor: what all phases of turn-taking share, and the few steps they share too."""

from __future__ import annotations

from math import inf
from typing import Literal

from core.voice.audio import FRAME_SECONDS
from core.voice.turn_taking.actions import (
    Action,
    Commit,
    Discard,
    DropSpeculation,
    Duck,
    Interrupt,
    Notice,
    Show,
    SpeculateReply,
    State,
    Unduck,
)
from core.voice.turn_taking.echo_text import EchoGuard
from core.voice.turn_taking.loop_breaker import LoopBreaker
from core.voice.turn_taking.open_turn import OpenTurn
from core.voice.turn_taking.patience import Patience
from core.voice.turn_taking.policy import TurnPolicy
from core.voice.turn_taking.voicing import Voicing

__all__ = ("Floor",)


class Floor:
    """The facts of the conversation: modes, the open turn, what was said, what is to be done.

    Attributes:
        policy: the rules; change them by `adopt`.
        now: the latest time that is known.
        at: when that happened which is being answered; before ``now`` where it was told late.
        state: what was last shown.
        closes_at: when the countdown ends, in state ``closing``.
        hands_free: turns begin by themselves.
        muted: the microphone is muted.
        opened: the microphone was opened, and is kept warm.
        language: what the user speaks; ``None`` while unknown.
        turn: the turn of the user that is open.
        ducked_at: since when the answer is ducked.
        distrust_until: until then, speech over an answer does not duck it.
        committed: when the user had stopped speaking in the turn that was last committed.
        actions: what is to be done, in order.
    """

    def __init__(self, policy: TurnPolicy) -> None:
        self.policy = policy
        self.now = self.at = -inf
        self.state: State = "off"
        self.closes_at: float | None = None
        self.hands_free = False
        self.muted = False
        self.opened = False
        self.language: str | None = None
        self.turn: OpenTurn | None = None
        self.ducked_at: float | None = None
        self.distrust_until = -inf
        self.committed = -inf
        self.actions: list[Action] = []
        self.voicing = Voicing(policy)
        self.echo = EchoGuard()
        self.loop_breaker = LoopBreaker(policy.similar_turns)
        self.patience = Patience(policy.patience)
        self._turns = 0
        self._used_until = -inf

    def adopt(self, policy: TurnPolicy) -> None:
        """Go by another policy from now on; what was learned of the user's pauses stays if it may."""
        if policy.patience != self.policy.patience:
            self.patience = Patience(policy.patience)
        self.policy = self.voicing.policy = policy

    @property
    def resting(self) -> State:
        """The state while nobody has the floor."""
        if self.muted:
            return "muted"
        if self.hands_free:
            return "listening"
        return "ready" if self.opened else "off"

    @property
    def hears_speech(self) -> bool:
        """Whether speech by itself begins a turn now, or interrupts the answer."""
        answering = self.state in ("thinking", "speaking")
        return self.hands_free and not self.muted and (self.policy.barge_in or not answering)

    def tell(self, *actions: Action) -> None:
        """Have something done."""
        self.actions.extend(actions)

    def go(self, state: State, closes_at: float | None = None) -> None:
        """Change the state; it is shown when it is another one."""
        if (state, closes_at) != (self.state, self.closes_at):
            self.state, self.closes_at = state, closes_at
            self.tell(Show(state, closes_at))

    def rest(self) -> None:
        """Nobody has the floor any more."""
        self.go(self.resting)

    def open_turn(self, *, since: float, started: float, keyed: bool = False) -> OpenTurn:
        """Begin a turn; sound that an earlier turn has used is not used again."""
        self._turns += 1
        self.turn = OpenTurn(self._turns, since=max(since, self._used_until), started=started, keyed=keyed)
        return self.turn

    def open_keyed_turn(self) -> None:
        """The key went down."""
        self.voicing.reset()
        self.opened = True
        self.loop_breaker.reset()
        self.open_turn(since=self.at - self.policy.key_margin, started=self.at, keyed=True)
        self.go("recording")

    def open_spoken_turn(self) -> OpenTurn:
        """Somebody began to speak."""
        voicing = self.voicing
        turn = self.open_turn(since=voicing.onset - self.policy.pre_roll, started=voicing.heard_until)
        turn.voiced = voicing.run * FRAME_SECONDS
        turn.spoke_until = voicing.heard_until
        return turn

    def go_on(self, turn: OpenTurn) -> None:
        """Speech goes on after a pause: the transcript up to there may be worth keeping."""
        if turn.ends_stretch(self.policy):
            self.tell(turn.keep_stretch(goes_on=self.voicing.onset))
        self.revise(turn)

    def cut_stretch(self, turn: OpenTurn, at: float) -> None:
        """Have the speech up to there transcribed for good, in the midst of it."""
        self.ask_final(turn, at)
        self.tell(turn.keep_stretch(goes_on=at))
        self.revise(turn)

    def revise(self, turn: OpenTurn) -> None:
        """Speech goes on: forget what was understood and asked for early."""
        self.drop_speculation(turn)
        turn.revise()

    def speculate(self, turn: OpenTurn, text: str) -> None:
        """Ask for the answer to this text early."""
        turn.speculated += 1
        turn.speculation = text
        self.tell(SpeculateReply(turn.number, turn.revision, text))

    def drop_speculation(self, turn: OpenTurn) -> None:
        """Throw away the reply that was asked for early."""
        if turn.speculation is not None:
            turn.speculation = None
            self.tell(DropSpeculation(turn.number))

    def discard(self, reason: str = "") -> None:
        """The open turn came to nothing."""
        turn = self.turn
        if turn is None:
            return
        self.turn = None
        self.drop_speculation(turn)
        if turn.text is not None:
            self._used_until = turn.spoke_until
        self.tell(Discard(turn.number, reason))

    def commit(self, turn: OpenTurn, text: str, *, send: bool) -> None:
        """The open turn is what the user said."""
        self.turn = None
        if not send or turn.speculation != text:
            self.drop_speculation(turn)
        decided = turn.decided if turn.decided is not None else self.now
        self._used_until = turn.until if turn.until is not None else decided
        released = turn.released_at if turn.keyed else None
        spoke_until = released if released is not None else min(max(turn.spoke_until, turn.since), decided)
        self.committed = spoke_until
        self.tell(Commit(turn.number, turn.revision, text, send, spoke_until, decided))

    def duck(self) -> None:
        """Make the answer quieter."""
        if self.ducked_at is None:
            self.ducked_at = self.now
            self.tell(Duck())

    def unduck(self) -> None:
        """Bring the answer back."""
        if self.ducked_at is not None:
            self.ducked_at = None
            self.tell(Unduck())

    def interrupt(self, by: Literal["speech", "key"]) -> None:
        """Stop the answer, because somebody spoke words over it or a key says so."""
        self.tell(Interrupt(by))
        self.unduck()
        self.echo.silent(self.now)

    def notice(self, text: str) -> None:
        """Tell the user one line."""
        self.tell(Notice(text))

    def ask_partial(self, turn: OpenTurn) -> None:
        """Have what was said so far transcribed to look at."""
        self.tell(turn.ask_partial(self.voicing.heard_until))

    def ask_final(self, turn: OpenTurn, until: float) -> None:
        """Have the turn transcribed, as if this were its end."""
        self.tell(turn.ask_final(until))
