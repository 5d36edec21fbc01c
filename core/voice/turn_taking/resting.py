"""Nobody has the floor: off, ready, listening, muted."""

from __future__ import annotations

from core.voice.turn_taking.phase import Phase

__all__ = ("Resting",)


class Resting(Phase):
    """Waits for the key, for a voice, or for an answer that is read aloud unasked."""

    def frame(self) -> None:
        """A voice begins a turn, hands-free."""
        floor = self.floor
        if floor.hears_speech and floor.voicing.run >= floor.policy.onset_frames:
            floor.open_spoken_turn()
            floor.go("recording")

    def talk_started(self) -> None:
        """The key begins a turn, unless the microphone is muted."""
        floor = self.floor
        if floor.muted:
            floor.notice("The microphone is muted.")
        else:
            floor.open_keyed_turn()

    def answer_heard(self) -> None:
        """Something is read aloud that was not asked by voice."""
        self.floor.go("speaking")

    def mode_changed(self) -> None:
        """Another way to rest."""
        self.floor.rest()
