"""The user has the floor: recording, closing, transcribing."""

from __future__ import annotations

from core.voice.turn_taking.ending import close, finish, settle, speculate
from core.voice.turn_taking.phase import Phase

__all__ = ("Closing", "Recording", "Transcribing")


class _UserSpeaks(Phase):
    """What the three have in common: a turn is open."""

    def talk_started(self) -> None:
        """From now on the key ends the turn."""
        floor, turn = self.floor, self.turn
        floor.loop_breaker.reset()
        turn.press()
        if turn.final_asked:
            floor.revise(turn)
        floor.go("recording")

    def talk_cancelled(self) -> None:
        """Escape: forget the turn. One that is over has no key to cancel any more."""
        if not self.turn.over:
            self._forget()

    def stopped(self) -> None:
        """Escape: forget the turn."""
        self._forget()

    def answer_heard(self) -> None:
        """An answer must not speak into the user's turn."""
        self.floor.interrupt("key" if self.turn.keyed else "speech")

    def final(self) -> None:
        """The text is there before the turn is over: the answer may be asked for early."""
        speculate(self.floor, self.turn)

    def final_failed(self) -> None:
        """It is tried again when the turn is over."""
        self.turn.failed = True

    def mode_changed(self) -> None:
        """The microphone was muted, or hands-free switched off: what was not finished is forgotten."""
        if self.floor.muted or not (self.floor.hands_free or self.turn.keyed):
            self.floor.discard()
            self.floor.rest()

    def _forget(self) -> None:
        self.floor.voicing.ignore_until_pause()
        self.floor.discard()
        self.floor.rest()

    def _finish_now(self) -> None:
        floor, turn = self.floor, self.turn
        finish(floor, turn, decided=floor.now, until=max(floor.now, turn.since))


class Recording(_UserSpeaks):
    """The user speaks, or the key is down."""

    def deadline(self) -> float | None:
        """When the recording ends although no frame says so."""
        policy, turn = self.floor.policy, self.turn
        if turn.released_at is not None:
            return turn.released_at + policy.release_grace + policy.frames_late
        return turn.started + policy.cap

    def time_passed(self) -> None:
        """The grace after the key's release is over, or the recording has grown too long."""
        floor, turn = self.floor, self.turn
        if turn.released_at is not None:
            self._end_after_release(turn.released_at)
        elif floor.now >= turn.started + floor.policy.cap:
            floor.notice(f"The recording ended by itself after {floor.policy.cap:.0f} seconds.")
            turn.over = True
            self._finish_now()

    def frame(self) -> None:
        """Speech goes on, pauses, or is over."""
        floor, turn, voicing = self.floor, self.turn, self.floor.voicing
        if voicing.speaking:
            if turn.final_asked:
                floor.go_on(turn)
            self._cut_if_endless()
            self._show_progress()
        elif turn.voiced and voicing.silence >= floor.policy.early_silence:
            self._begin_final()
        if turn.released_at is not None:
            self._end_after_release(turn.released_at)
        elif not turn.keyed and voicing.silence >= floor.policy.endpoint_silence:
            self._pause()

    def talk_ended(self, *, held: bool) -> None:
        """The last word may still sound: end when it does not."""
        if self.turn.keyed and self.turn.released_at is None:
            self.turn.release(self.floor.at, held=held)
            self._end_after_release(self.floor.at)

    def talk_cancelled(self) -> None:
        """A tap within an open turn changes nothing; otherwise the key's recording is forgotten."""
        turn = self.turn
        if not turn.unpress():
            self._forget()
        elif turn.until is not None:
            finish(self.floor, turn, decided=self.floor.now, until=turn.until)
        elif turn.released_at is not None:
            self._end_after_release(turn.released_at)

    def commit_now(self) -> None:
        """Enter: this is all."""
        self.turn.send_now = self.turn.over = True
        self._finish_now()

    def hold_open(self) -> None:
        """The next pause gets no countdown; with the key down none has."""
        self.turn.held_open = not self.turn.keyed

    def _show_progress(self) -> None:
        """Ask for a partial transcript when enough was said since the last."""
        every, turn, heard_until = self.floor.policy.partial_every, self.turn, self.floor.voicing.heard_until
        if every is None or turn.partial_wanted:
            return
        if heard_until - turn.partial_until >= max(every, 0.1 * turn.stretch.length(heard_until)):
            self.floor.ask_partial(turn)

    def _cut_if_endless(self) -> None:
        """Speech without any pause is transcribed in pieces all the same, cut where it is quietest."""
        policy, turn = self.floor.policy, self.turn
        too_long = turn.stretch.length(self.floor.voicing.heard_until) >= policy.stretch_longest
        if too_long and policy.early_transcripts and turn.stretch.quietest is not None:
            self.floor.cut_stretch(turn, turn.stretch.quietest)

    def _begin_final(self) -> None:
        """Begin the final transcript already: this pause may be the end."""
        policy, turn, heard_until = self.floor.policy, self.turn, self.floor.voicing.heard_until
        if turn.final_asked or not policy.early_transcripts:
            return
        if turn.voiced >= (policy.min_speech_keyed if turn.keyed else policy.min_speech):
            self.floor.ask_final(turn, heard_until)

    def _pause(self) -> None:
        """It is silent: was that all?"""
        floor, turn = self.floor, self.turn
        if turn.voiced < floor.policy.min_speech and not turn.interrupted:
            self._finish_now()
        else:
            close(floor, turn)

    def _end_after_release(self, released: float) -> None:
        """End once no word sounds any more, and soon in any case."""
        policy, voicing, now = self.floor.policy, self.floor.voicing, self.floor.now
        last = released + policy.release_grace
        quiet = voicing.heard_until >= released and voicing.silence >= policy.release_silence
        if quiet or voicing.heard_until >= last or now >= last + policy.frames_late:
            finish(self.floor, self.turn, decided=now, until=min(now, last))


class Closing(_UserSpeaks):
    """Silence, and a countdown that the user sees."""

    def deadline(self) -> float | None:
        """The end of the countdown, should frames stay away."""
        closes_at = self.floor.closes_at
        return None if closes_at is None else closes_at + self.floor.policy.frames_late

    def time_passed(self) -> None:
        """The countdown is over."""
        close(self.floor, self.turn)

    def frame(self) -> None:
        """Speech goes on, or the countdown does."""
        floor, turn, voicing = self.floor, self.turn, self.floor.voicing
        if voicing.speaking:
            floor.patience.resumed_after(turn.pause)
            floor.go_on(turn)
            turn.held_open = False
            floor.go("recording")
        elif voicing.run == 0:
            close(floor, turn)

    def final(self) -> None:
        """The words say how long to wait; meanwhile the answer may be asked for early."""
        close(self.floor, self.turn)
        if self.floor.turn is not None:
            speculate(self.floor, self.turn)

    def commit_now(self) -> None:
        """Enter: this is all."""
        self.turn.send_now = self.turn.over = True
        self._finish_now()

    def hold_open(self) -> None:
        """No countdown any more."""
        self.turn.held_open = True
        self.floor.go("closing", None)


class Transcribing(_UserSpeaks):
    """The turn is finished; its text is on the way."""

    def talk_started(self) -> None:
        """Pressing again goes on with the turn, so that nothing of it is lost."""
        if self.turn.over:
            self.floor.notice("The last recording is still being turned into text.")
        else:
            super().talk_started()

    def frame(self) -> None:
        """Somebody who goes on speaking had not finished."""
        floor, turn = self.floor, self.turn
        goes_on = floor.voicing.run >= floor.policy.onset_frames
        if goes_on and floor.hears_speech and not (turn.keyed or turn.over):
            floor.go_on(turn)
            floor.go("recording")

    def final(self) -> None:
        """What was waited for."""
        settle(self.floor, self.turn)

    def final_failed(self) -> None:
        """The turn is lost, and the user is told."""
        self.floor.discard("the recording could not be turned into text")
        self.floor.rest()

    def hold_open(self) -> None:
        """It was not all after all."""
        turn = self.turn
        if not turn.keyed:
            turn.decided = None
            turn.held_open = True
            self.floor.go("closing", None)

    def mode_changed(self) -> None:
        """Its recording is over, so that muting does not concern it."""
