"""The talk key on the keyboard: which presses are meant, what they decide, and the ladder's alarm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.tui.key_names import key_names
from app.tui.keyboard.keys import KeyRepeated, bare_key
from app.tui.voice.push_to_talk import FIRST_REPEAT_SECONDS, Decision, HoldKey, Ladder, choose_ladder

if TYPE_CHECKING:
    from textual import events

__all__ = ("TalkKey",)


class TalkKey:
    """Feeds key events to a ladder and passes its decisions on.

    Args:
        decide: carries a decision out, with the character that the key types.
        clock: seconds of the event loop.
    """

    def __init__(
        self, decide: Callable[[Decision, str], None], clock: Callable[[], float] | None = None
    ) -> None:
        self.keys: Sequence[str] = ()
        self.releases = False
        self._mode = "auto"
        self._decide = decide
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._ladder: Ladder = choose_ladder(self._mode, releases=False)
        self._anywhere = HoldKey()
        self._alarm: asyncio.TimerHandle | None = None
        self._character = ""
        self._pressed_at = float("-inf")

    def use(self, keys: str, mode: str) -> None:
        """Take over the user's keys and the ``voice.mode`` setting."""
        self.keys = tuple(key.strip() for key in keys.split(",") if key.strip())
        self._mode = mode
        self._choose()

    def terminal_tells_releases(self, releases: bool) -> None:
        """What the terminal answered."""
        self.releases = releases
        self._choose()

    @property
    def active(self) -> bool:
        """Whether it wants a recording to go on."""
        return self._ladder.active or self._anywhere.active

    @property
    def is_held(self) -> bool:
        """Whether it is down, and letting it go will end the recording."""
        return self._ladder.is_held or self._anywhere.is_held

    def hint(self, *, typing: bool = False) -> str:
        """How to talk, as in ``hold Space to talk``; a key that types talks only in an empty prompt."""
        usable = [key for key in self.keys if not (typing and _types(key))]
        return self._ladder.hint.format(key_names(usable[0])) if usable else ""

    def press(self, event: events.Key, *, typing: bool) -> bool:
        """Whether this key press is for talking; it has been dealt with then.

        Args:
            event: what was pressed.
            typing: there is a prompt already, in which a key that types is what it says.
        """
        if event.key not in self.keys:
            return False
        now = self._clock()
        types = _types(event.key)
        if types and typing and not self._ladder.active and not self._may_repeat(now):
            return False
        if isinstance(event, KeyRepeated):
            return self.active or not types
        self._pressed_at = now
        self._character = event.character or ""
        self._carry_out(self._ladder.press(now, types=types))
        return True

    def release(self, key: str) -> None:
        """A key came up."""
        if any(bare_key(wanted) == key for wanted in self.keys):
            self._carry_out(self._ladder.release(self._clock()))

    def press_anywhere(self) -> None:
        """The key that talks from any window went down; its releases are always told."""
        self._carry_out(self._anywhere.press(self._clock()))

    def release_anywhere(self) -> None:
        """It came up."""
        self._carry_out(self._anywhere.release(self._clock()))

    def let_go(self) -> None:
        """The window lost the focus."""
        self._carry_out(self._ladder.let_go(self._clock()))

    def ended(self) -> None:
        """The recording ended in another way."""
        self._ladder.ended(self._clock())
        self._anywhere.ended(self._clock())
        self._set_alarm()

    def _may_repeat(self, now: float) -> bool:
        """Whether a press may come from the key still being down: its repeats may not tell themselves."""
        return not self.releases and now - self._pressed_at <= FIRST_REPEAT_SECONDS

    def _choose(self) -> None:
        if self.active:
            self.ended()
        self._ladder = choose_ladder(self._mode, releases=self.releases)

    def _advance(self) -> None:
        self._alarm = None
        self._carry_out(self._ladder.advance(self._clock()))

    def _carry_out(self, decisions: list[Decision]) -> None:
        self._set_alarm()
        for decision in decisions:
            self._decide(decision, self._character)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if (at := self._ladder.wake_at) is not None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(max(0.0, at - self._clock()), self._advance)


def _types(key: str) -> bool:
    """Whether a key stands for a character."""
    return key == "space" or len(key) == 1
