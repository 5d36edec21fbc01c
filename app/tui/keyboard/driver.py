"""The driver that asks the terminal for key releases; Linux and macOS."""

from __future__ import annotations

from textual import constants
from textual.drivers import linux_driver

from app.tui.keyboard.parser import KeyEventParser

__all__ = ("KeyEventDriver",)

_ADD_EVENT_TYPES = "\x1b[=2;2u"
_ASK = "\x1b[?u"

# The driver makes its parser in the middle of its input loop. Ours reads all that Textual's reads.
linux_driver.XTermParser = KeyEventParser  # type: ignore[attr-defined]


class KeyEventDriver(linux_driver.LinuxDriver):
    """Textual's driver; the terminal's answer arrives as `KeyboardReported`.

    Textual pushes its own flags before and pops them after the app, ours with them. A terminal that
    does not know the protocol ignores both sequences.
    """

    def start_application_mode(self) -> None:
        """As Textual starts, also after the app was suspended, and then ask for more."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is not None and not constants.DISABLE_KITTY_KEY:
            self.write(_ADD_EVENT_TYPES + _ASK)
            self.flush()
