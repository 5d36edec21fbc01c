"""One turn of the user from its first sound until it is committed or discarded."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from core.voice.audio import FRAME_SECONDS
from core.voice.turn_taking.actions import KeepStretch, Transcribe
from core.voice.turn_taking.policy import TurnPolicy
from core.voice.turn_taking.stretch import Stretch
from core.voice.turn_taking.voicing import Voicing

__all__ = ("OpenTurn",)


class _BeforeKey(NamedTuple):
    """What a key that went down within a turn has changed."""

    keyed: bool
    released_at: float | None
    held: bool
    until: float | None


class OpenTurn:
    """What is known of the turn that is open.

    Every request carries the turn's number and its revision. The revision grows when speech goes on
    after a final transcript was asked for, so that its answer is known to be stale.

    Attributes:
        number: from 1.
        revision: from 0.
        since: where its sound begins, pre-roll included.
        started: when it was begun.
        keyed: the talk key is, or was, what ends it; otherwise silence does.
        tentative: spoken over an answer, and not yet known to be words.
        interrupted: it stopped an answer.
        voiced: seconds of speech in it.
        spoke_until: when speech was last heard in it.
        released_at: when the key was let go; ``None`` while it is down.
        held: the key was held, rather than tapped.
        held_open: no countdown, by the user's wish.
        send_now: the user said that this is all.
        over: whatever is said after its end belongs to the next turn.
        decided: when it was taken as finished.
        until: where its sound ended then.
        text: the final transcript of this revision.
        confidence: how certain it is, from 0 to 1.
        failed: that transcript cannot be had.
        pause: how long the latest silence within it was.
        stretch: its speech after the latest transcript that is kept.
        speculated: replies that were asked for early.
        speculation: the text of the one that is under way.
    """

    __slots__ = (
        "_before_key",
        "_final_until",
        "_partial_until",
        "_partial_wanted",
        "confidence",
        "decided",
        "failed",
        "held",
        "held_open",
        "interrupted",
        "keyed",
        "number",
        "over",
        "pause",
        "released_at",
        "revision",
        "send_now",
        "since",
        "speculated",
        "speculation",
        "spoke_until",
        "started",
        "stretch",
        "tentative",
        "text",
        "until",
        "voiced",
    )

    def __init__(self, number: int, *, since: float, started: float, keyed: bool = False) -> None:
        self.number = number
        self.revision = 0
        self.since = since
        self.started = started
        self.keyed = keyed
        self.tentative = False
        self.interrupted = False
        self.voiced = 0.0
        self.spoke_until = -inf
        self.released_at: float | None = None
        self.held = False
        self.held_open = False
        self.send_now = False
        self.over = False
        self.decided: float | None = None
        self.until: float | None = None
        self.text: str | None = None
        self.confidence = 0.0
        self.failed = False
        self.pause = 0.0
        self.stretch = Stretch()
        self.speculated = 0
        self.speculation: str | None = None
        self._partial_wanted = False
        self._partial_until = started
        self._final_until: float | None = None
        self._before_key: _BeforeKey | None = None

    @property
    def partial_wanted(self) -> bool:
        """A partial transcript was asked for and has not come."""
        return self._partial_wanted

    @property
    def partial_until(self) -> float:
        """Where the sound of the latest partial transcript ended."""
        return self._partial_until

    @property
    def final_asked(self) -> bool:
        """The final transcript of this revision is asked for, or there."""
        return self._final_until is not None

    def ask_partial(self, until: float) -> Transcribe:
        """Ask for what can be understood so far."""
        self._partial_wanted = True
        self._partial_until = until
        return Transcribe(self.number, self.revision, self.since, until, final=False)

    def ask_final(self, until: float) -> Transcribe:
        """Ask for the whole; once a revision."""
        self._final_until = until
        return Transcribe(self.number, self.revision, self.since, until, final=True)

    def keep_stretch(self, goes_on: float) -> KeepStretch:
        """The final transcript stays good; what is said from then on is another stretch."""
        kept = KeepStretch(self.number, self.revision)
        self.stretch = Stretch(goes_on)
        return kept

    def partial_came(self) -> None:
        """The partial transcript is there, or cannot be had."""
        self._partial_wanted = False

    def hear(self, voicing: Voicing) -> None:
        """Take the latest frame."""
        if voicing.run:
            self.voiced += FRAME_SECONDS
        if voicing.speaking:
            if voicing.run == voicing.shortest_run:
                self.pause = max(0.0, voicing.onset - self.spoke_until)
            self.spoke_until = voicing.heard_until
        self.stretch.hear(voicing)

    def ends_stretch(self, policy: TurnPolicy) -> bool:
        """Whether the final transcript that was asked for in the latest pause is worth keeping."""
        until = self._final_until
        if until is None or self.failed:
            return False
        return self.stretch.ends(policy, until=until, pause=self.pause)

    def revise(self) -> None:
        """Speech goes on: what was asked for is stale."""
        self.revision += 1
        self.decided = None
        self.until = None
        self.text = None
        self.failed = False
        self._partial_wanted = False
        self._final_until = None

    def press(self) -> None:
        """The key went down within the turn: from now on the key ends it."""
        if not self.keyed or self.released_at is not None:
            self._before_key = _BeforeKey(self.keyed, self.released_at, self.held, self.until)
        self.keyed = True
        self.released_at = None
        self.held_open = False

    def unpress(self) -> bool:
        """The key was nothing: as before it, if there was a turn before it."""
        before, self._before_key = self._before_key, None
        if before is None:
            return False
        self.keyed, self.released_at, self.held, self.until = before
        return True

    def release(self, at: float, *, held: bool) -> None:
        """The key was let go."""
        self.released_at = at
        self.held = held
