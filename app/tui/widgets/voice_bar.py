"""One row under the composer while the microphone is open: what it does, how loud, which key does what."""

from __future__ import annotations

from textual.reactive import reactive

from app.tui.fitting import Span
from app.tui.voice.voice_line import VoiceStatus, voice_line
from app.tui.widgets.toned_line import TonedLine

__all__ = ("VoiceBar",)


class VoiceBar(TonedLine):
    """Shows a ``VoiceStatus``, and takes no room while there is none."""

    DEFAULT_CSS = """
    VoiceBar {
        display: none;
        height: 1;
        padding: 0 1;
        background: $background;
        &.-open { display: block; }
    }
    """

    status: reactive[VoiceStatus | None] = reactive(None)
    """What is shown; ``None`` while the microphone is closed."""

    def watch_status(self, status: VoiceStatus | None) -> None:
        """Appear with the microphone and leave with it."""
        self.set_class(status is not None, "-open")

    def spans(self, y: int, width: int) -> list[Span]:
        """The line for this width."""
        return voice_line(self.status, width) if self.status and not y else []
