"""The assistant has the floor: thinking, speaking, and somebody who speaks over it."""

from __future__ import annotations

from core.voice.turn_taking.backchannel import interrupts
from core.voice.turn_taking.ending import close
from core.voice.turn_taking.open_turn import OpenTurn
from core.voice.turn_taking.phase import Phase

__all__ = ("Answering",)

_CUT_OFF = 1.5
"""Seconds; somebody who speaks on sooner than this after a turn had not finished it."""


class Answering(Phase):
    """An answer is on its way or heard.

    Speech over it opens a tentative turn and ducks the answer at once. Words stop it; a cough, an
    "mm-hm" or the answer's own echo does not, and it goes on without having lost a syllable.
    """

    def deadline(self) -> float | None:
        """When the answer is brought back."""
        return None if self.floor.ducked_at is None else self._quiet_until(self.floor.ducked_at)

    def time_passed(self) -> None:
        """Bring the answer back: no words came in time. They may still come, and stop it then."""
        ducked_at = self.floor.ducked_at
        if ducked_at is not None and self.floor.now >= self._quiet_until(ducked_at):
            self.floor.unduck()

    def frame(self) -> None:
        """Hear whether somebody speaks over the answer."""
        if self.floor.turn is None:
            self._notice_speech()
        else:
            self._follow_speech(self.floor.turn)

    def talk_started(self) -> None:
        """The key stops the answer; what was said over it until now is kept."""
        floor = self.floor
        floor.interrupt("key")
        if floor.muted:
            floor.notice("The microphone is muted.")
            floor.rest()
        elif floor.turn is None:
            floor.open_keyed_turn()
        else:
            floor.loop_breaker.reset()
            floor.turn.tentative = False
            floor.turn.keyed = True
            floor.go("recording")

    def partial(self, text: str, confidence: float) -> None:
        """Words may stop the answer; none, or not yet enough, decide nothing."""
        self._judge(text, confidence, final=False)

    def final(self) -> None:
        """Words stop the answer; otherwise it was nothing."""
        self._judge(self.turn.text or "", self.turn.confidence, final=True)
        if self.floor.turn is not None and self.floor.turn.tentative:
            self._dismiss()

    def final_failed(self) -> None:
        """Nobody knows what it was: the answer goes on."""
        self._dismiss()

    def answer_heard(self) -> None:
        """Thinking is over."""
        self.floor.go("speaking")

    def answer_ended(self) -> None:
        """What is being said over its last words becomes a turn like any other."""
        floor = self.floor
        floor.unduck()
        if not floor.hears_speech:
            floor.voicing.reset()
        if floor.turn is None:
            floor.rest()
        else:
            floor.turn.tentative = False
            floor.go("recording")

    def stopped(self) -> None:
        """Silence, and nobody has the floor."""
        floor = self.floor
        floor.voicing.ignore_until_pause()
        floor.interrupt("key")
        floor.discard()
        floor.rest()

    def mode_changed(self) -> None:
        """Muting, or hands-free switched off, ends listening over the answer, not the answer."""
        if not self.floor.hears_speech:
            self._dismiss()

    def _quiet_until(self, ducked_at: float) -> float:
        """When the answer is brought back if no words were understood until then."""
        policy = self.floor.policy
        goes_on = self.floor.voicing.speaking
        return ducked_at + (policy.confirm_longest if goes_on else policy.confirm_within)

    def _notice_speech(self) -> None:
        floor = self.floor
        if floor.voicing.speaking or (floor.voicing.run and floor.voicing.speech >= floor.policy.sure):
            floor.open_spoken_turn().tentative = True
            if floor.now >= floor.distrust_until:
                floor.duck()

    def _follow_speech(self, turn: OpenTurn) -> None:
        floor, policy, voicing = self.floor, self.floor.policy, self.floor.voicing
        silence = voicing.heard_until - turn.spoke_until
        if voicing.heard_until >= turn.started + policy.candidate_longest:
            voicing.ignore_until_pause()
            self._dismiss()
        elif voicing.speaking:
            if turn.final_asked:
                floor.revise(turn)
            if not turn.partial_wanted and self._words_are_due(turn):
                floor.ask_partial(turn)
        elif silence >= policy.early_silence and not turn.final_asked:
            if turn.voiced < policy.min_speech_over:
                self._dismiss()
            else:
                floor.ask_final(turn, voicing.heard_until)

    def _words_are_due(self, turn: OpenTurn) -> bool:
        policy, now = self.floor.policy, self.floor.voicing.heard_until
        if turn.partial_until == turn.started:
            return turn.voiced >= policy.confirm_first
        return now - turn.partial_until >= policy.confirm_every

    def _judge(self, text: str, confidence: float, *, final: bool) -> None:
        """Do these words stop the answer?"""
        floor, turn = self.floor, self.turn
        if floor.echo.echoes(text, begun=turn.started):
            floor.distrust_until = floor.now + floor.policy.distrust
            floor.voicing.ignore_until_pause()
            self._dismiss()
        elif confidence >= floor.policy.confirm_confidence and interrupts(text, floor.language, final=final):
            self._give_way(turn)

    def _give_way(self, turn: OpenTurn) -> None:
        """Words were spoken over the answer: stop it and let the user go on."""
        floor = self.floor
        if floor.state == "thinking" and turn.started - floor.committed < _CUT_OFF:
            floor.patience.resumed_after(turn.started - floor.committed)
        floor.interrupt("speech")
        turn.tentative = False
        turn.interrupted = True
        if floor.voicing.silence >= floor.policy.endpoint_silence:
            close(floor, turn)
        else:
            floor.go("recording")

    def _dismiss(self) -> None:
        """It was nothing: the answer goes on."""
        self.floor.unduck()
        self.floor.discard()
