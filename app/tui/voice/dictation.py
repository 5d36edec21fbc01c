"""Speech that lands in the composer while it is understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cells import one_line

if TYPE_CHECKING:
    from app.tui.widgets.composer import Composer

__all__ = ("Dictation",)


class Dictation:
    """Shows what is understood behind what was typed, and leaves it there or takes it away.

    Attributes:
        active: a recording goes on, whether anything is understood yet or not.
    """

    def __init__(self, composer: Composer) -> None:
        self.active = False
        self._composer = composer
        self._before = ""

    def begin(self) -> None:
        """Somebody speaks: what is in the composer stays before it."""
        if not self.active:
            self.active, self._before = True, self._composer.text

    def show(self, stable: str, tail: str) -> None:
        """What is understood so far; the ``tail`` may still change, and looks so."""
        if self.active:
            sure, unsure = one_line(stable), one_line(tail)
            text = f"{sure} {unsure}" if sure and unsure else sure or unsure
            self._composer.show_dictated(self._joined(text), uncertain=len(unsure))

    def keep(self) -> None:
        """The user types: what is there is theirs from now on."""
        self._composer.show_dictated(self._composer.text, uncertain=0)
        self.active = False

    def finish(self, text: str) -> None:
        """This was said, and waits to be sent."""
        if not self.active:
            self._before = self._composer.text
        self._composer.show_dictated(self._joined(one_line(text)), uncertain=0)
        self.active = False

    def drop(self) -> None:
        """It was sent, or came to nothing: back to what was typed."""
        if self.active:
            self._composer.show_dictated(self._before, uncertain=0)
            self.active = False

    def _joined(self, text: str) -> str:
        if not self._before.strip() or not text:
            return text or self._before
        return f"{self._before.rstrip()} {text}"
