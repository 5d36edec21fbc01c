"""What every phase of turn-taking does with a message unless it knows better: nothing."""

from __future__ import annotations

from core.voice.turn_taking.floor import Floor
from core.voice.turn_taking.open_turn import OpenTurn

__all__ = ("Phase",)


class Phase:
    """One or two states of the machine and how they answer each message.

    Phases hold no facts of their own: those are the floor's and the open turn's.
    """

    def __init__(self, floor: Floor) -> None:
        self.floor = floor

    @property
    def turn(self) -> OpenTurn:
        """The turn that is open in this phase."""
        turn = self.floor.turn
        assert turn is not None, f"no turn is open in state {self.floor.state}"
        return turn

    def deadline(self) -> float | None:
        """When `time_passed` has something to do, if no message comes before."""
        return None

    def time_passed(self) -> None:
        """It is ``floor.now``."""

    def frame(self) -> None:
        """A frame was heard; the floor's `Voicing` knows it already."""

    def talk_started(self) -> None:
        """The key went down."""

    def talk_ended(self, *, held: bool) -> None:
        """The key was let go, or tapped again."""

    def talk_cancelled(self) -> None:
        """The key was nothing."""

    def partial(self, text: str, confidence: float) -> None:
        """What was understood so far of the open turn's present revision."""

    def final(self) -> None:
        """The final transcript of the open turn's present revision; in `OpenTurn.text`."""

    def final_failed(self) -> None:
        """There is no transcript; the open turn may ask for another."""

    def commit_now(self) -> None:
        """The user says that this is all."""

    def hold_open(self) -> None:
        """The user wants more time."""

    def answer_heard(self) -> None:
        """An answer begins to be heard."""

    def answer_ended(self) -> None:
        """An answer is over."""

    def stopped(self) -> None:
        """The user wants silence."""

    def mode_changed(self) -> None:
        """Hands-free or muting changed; the floor has the new modes."""
