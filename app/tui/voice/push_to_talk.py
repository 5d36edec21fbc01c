"""What a press of the talk key means: a hold, a tap, or the keyboard's own repeating.

Recording starts with the first key-down, always; whether it was a hold or a tap shows afterwards.
Three ladders, for what a terminal tells and the user wants; all pure: every call says when, in
seconds of one clock, and returns what follows of it. A ladder that waits for time to pass says
until when in ``wake_at``.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Literal, Protocol

__all__ = ("Decision", "HoldKey", "Ladder", "RepeatingKey", "ToggleKey", "choose_ladder")

TAP_SECONDS = 0.25
"""A key that comes up sooner was tapped, not held; the quickest words take longer."""

FIRST_REPEAT_SECONDS = 0.75
"""By then a held key repeats: systems begin after 0.2 to 0.66 s, some travel time included."""

CONFIRM_SECONDS = 0.2
"""A second repeat follows the first within this; slower keyboards repeat five times a second."""

_WINDOW_OF_INTERVALS = 6
_SHORTEST_WINDOW, _FIRST_WINDOW, _LONGEST_WINDOW = 0.18, 0.3, 0.75


class Decision(Enum):
    """What the key asks for."""

    START = auto()
    """Record."""
    END_HELD = auto()
    """The key was held and is up: that is all."""
    END_TAPPED = auto()
    """Stop recording, by a second tap or because nobody can see the key any more."""
    CANCEL = auto()
    """It was only a tap: forget what was recorded."""
    TYPE = auto()
    """The tapped key types a character: type it."""


class Ladder(Protocol):
    """One way to understand the talk key.

    Attributes:
        hint: how to use it, as the screen says it; ``{}`` is the key's name.
        active: whether it wants a recording to go on.
        is_held: whether it is down as far as is known, and its release will end the recording.
        wake_at: when to call ``advance``, if nothing happens before.
    """

    hint: str
    active: bool
    wake_at: float | None

    @property
    def is_held(self) -> bool:
        """As above."""

    def press(self, now: float, *, types: bool = False) -> list[Decision]:
        """The key went down, or repeats on a terminal that does not tell one from the other.

        ``types``: the key stands for a character, which a tap has to type.
        """

    def release(self, now: float) -> list[Decision]:
        """The key came up."""

    def advance(self, now: float) -> list[Decision]:
        """Time passed."""

    def let_go(self, now: float) -> list[Decision]:
        """The window lost the focus: a release that happens now is never told."""

    def ended(self, now: float) -> None:
        """The recording ended without this key: it was cancelled, too long, or taken as finished."""


class HoldKey:
    """Releases are told: hold to talk. A tap types the key's character, or latches where it has none."""

    hint: str = "hold {} to talk"

    def __init__(self) -> None:
        self.active = False
        self.wake_at: float | None = None
        self._down_at: float | None = None
        self._types = False

    @property
    def is_held(self) -> bool:
        """Whether it is down."""
        return self._down_at is not None

    def press(self, now: float, *, types: bool = False) -> list[Decision]:
        """Begin, or end what a tap latched; a second press without a release means that it was lost."""
        if self.active:
            was_down = self._down_at is not None
            self._stop()
            return [Decision.END_HELD if was_down else Decision.END_TAPPED]
        self.active, self._down_at, self._types = True, now, types
        return [Decision.START]

    def release(self, now: float) -> list[Decision]:
        """Decide what it was."""
        if self._down_at is None:
            return []
        held = now - self._down_at >= TAP_SECONDS
        self._down_at = None
        if held:
            self._stop()
            return [Decision.END_HELD]
        if self._types:
            self._stop()
            return [Decision.CANCEL, Decision.TYPE]
        return []

    def advance(self, now: float) -> list[Decision]:  # noqa: ARG002
        """Nothing waits for time: the release will be told."""
        return []

    def let_go(self, now: float) -> list[Decision]:
        """A hold ends; what is latched goes on."""
        if self._down_at is None:
            return []
        held = now - self._down_at >= TAP_SECONDS
        self._stop()
        return [Decision.END_TAPPED if held else Decision.CANCEL]

    def ended(self, now: float) -> None:  # noqa: ARG002
        """Wait for the next press."""
        self._stop()

    def _stop(self) -> None:
        self.active, self._down_at = False, None


class ToggleKey:
    """Repeats are told, and the user wants to tap: once to start, once to stop."""

    hint: str = "{} starts and stops"

    def __init__(self) -> None:
        self.active = False
        self.wake_at: float | None = None
        self.is_held = False

    def press(self, now: float, *, types: bool = False) -> list[Decision]:  # noqa: ARG002
        """Start or stop."""
        self.active = not self.active
        return [Decision.START if self.active else Decision.END_TAPPED]

    def release(self, now: float) -> list[Decision]:  # noqa: ARG002
        """Means nothing."""
        return []

    def advance(self, now: float) -> list[Decision]:  # noqa: ARG002
        """Nothing waits for time."""
        return []

    def let_go(self, now: float) -> list[Decision]:  # noqa: ARG002
        """Goes on: no key is down."""
        return []

    def ended(self, now: float) -> None:  # noqa: ARG002
        """Wait for the next press."""
        self.active = False


class RepeatingKey:
    """Only presses arrive, and a held key's repeats look like them.

    A lone press is a tap: one starts, the next one stops. A press that follows soon after another is
    doubtful until one more shows it to be a repeat, or none does. The pace of the repeats is learned,
    and a gap well beyond it is the release.

    Args:
        hold: a release that shows by such a gap ends the recording; otherwise only taps count.
    """

    hint: str = "{} starts and stops"

    def __init__(self, *, hold: bool = True) -> None:
        self.active = False
        self.wake_at: float | None = None
        self._hold = hold
        self._phase: Literal["up", "pressed", "doubtful", "repeating"] = "up"
        self._last = float("-inf")
        self._interval: float | None = None
        self._starts_hold = False

    @property
    def is_held(self) -> bool:
        """Whether repeats show it to be down."""
        return self._phase == "repeating" and self.active and self._hold and self._starts_hold

    @property
    def window(self) -> float:
        """Seconds without a repeat that mean a release."""
        if self._interval is None:
            return _FIRST_WINDOW
        return min(_LONGEST_WINDOW, max(_SHORTEST_WINDOW, _WINDOW_OF_INTERVALS * self._interval))

    def press(self, now: float, *, types: bool = False) -> list[Decision]:  # noqa: ARG002
        """A tap or a repeat."""
        decisions = self.advance(now)
        gap, self._last = now - self._last, now
        match self._phase:
            case "pressed" if gap <= FIRST_REPEAT_SECONDS:
                self._phase, self.wake_at = "doubtful", now + CONFIRM_SECONDS
                return decisions
            case "doubtful" | "repeating":
                self._learn(gap)
                self._phase, self.wake_at = "repeating", now + self.window
                return decisions
            case _:
                return decisions + self._tap()

    def release(self, now: float) -> list[Decision]:  # noqa: ARG002
        """Not told here; one that comes all the same changes nothing."""
        return []

    def advance(self, now: float) -> list[Decision]:
        """Settle doubts and holds whose time is over."""
        if self.wake_at is None or now < self.wake_at:
            return []
        was, self.wake_at = self._phase, None
        if was == "doubtful":
            return self._tap()
        self._phase = "up"
        if self.active and self._hold and self._starts_hold:
            self.active = False
            return [Decision.END_HELD]
        return []

    def let_go(self, now: float) -> list[Decision]:
        """A hold ends; what was started by a tap goes on."""
        if not self.is_held:
            return []
        self.ended(now)
        return [Decision.END_TAPPED]

    def ended(self, now: float) -> None:
        """Repeats that still come are no new press."""
        self.active = False
        if self._phase == "doubtful":
            self._phase, self.wake_at = "repeating", now + FIRST_REPEAT_SECONDS

    def _tap(self) -> list[Decision]:
        self._phase = "pressed"
        self.active = not self.active
        self._starts_hold = self.active
        return [Decision.START if self.active else Decision.END_TAPPED]

    def _learn(self, gap: float) -> None:
        self._interval = gap if self._interval is None else max(gap, 0.8 * self._interval)


def choose_ladder(mode: str, *, releases: bool) -> Ladder:
    """The ladder for the ``voice.mode`` setting on a terminal that tells releases, or does not."""
    if mode == "toggle":
        return ToggleKey() if releases else RepeatingKey(hold=False)
    return HoldKey() if releases else RepeatingKey()
