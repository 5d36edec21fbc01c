"""What keys do while the microphone is open, or open it: talk, send, discard, stop, take over."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from app.tui.commands import find_command
from app.tui.key_names import key_names
from app.tui.voice.push_to_talk import Decision
from app.tui.voice.states import HEARD
from app.tui.voice.talk_key import TalkKey

if TYPE_CHECKING:
    from textual import events

    from app.tui.voice.control import VoiceControl
    from app.tui.widgets.composer import Composer
    from core.voice.loop import VoiceLoop
    from core.voice.turn_taking.actions import State

__all__ = ("VoiceKeys", "is_installed")


class VoiceKeys:
    """Turns keys into commands for the voice loop.

    Args:
        composer: where what is said lands.
        voice: the voice loop of the screen, open or not.

    Attributes:
        talk: the talk key.
    """

    def __init__(self, composer: Callable[[], Composer], voice: VoiceControl) -> None:
        self.talk = TalkKey(self._decided)
        self._composer = composer
        self._voice = voice
        self._has_draft = False
        self._was_heard = False

    def take(self, event: events.Key) -> bool:
        """Whether a key pressed in the composer is for voice; it has been dealt with then."""
        if self.press(event):
            return True
        if not self._voice.is_dictating:
            return False
        if event.key == "enter":
            self._finish()
            return True
        if event.is_printable or event.key in ("backspace", "delete"):
            self._take_over()
        return False

    def press(self, event: events.Key) -> bool:
        """Whether a key pressed anywhere is the talk key."""
        settings = self._voice.settings
        if settings is None or settings.mode == "off":
            return False
        if event.is_printable and not is_installed():
            return False  # it goes on typing; other keys say what is missing
        return self.talk.press(event, typing=self._is_typing)

    def escape(self) -> bool:
        """Discard what is being said, or stop what is being answered; whether there was either."""
        show = self._voice.show
        if show is None:
            return False
        if self._voice.is_dictating or self.talk.active:
            self.talk.ended()
            show.dictation.drop()
            self._command(lambda loop: loop.talk_cancelled())
            return True
        loop = self._voice.loop
        if loop is not None and loop.state in ("transcribing", "thinking", "speaking"):
            loop.stop()
            return True
        return False

    def follow(self, state: State) -> None:
        """What the loop does now: a recording that ended by itself ends the key's, too."""
        if state in HEARD:
            self._was_heard = True
        elif self.talk.active and self._was_heard:
            self.talk.ended()

    def hint(self, state: State) -> str:
        """Which key does what now."""
        match state:
            case "ready" | "listening":
                return self.talk.hint(typing=self._is_typing)
            case "recording" if self.talk.is_held:
                return "let go when done   Esc discards"
            case "recording" | "closing":
                return "Enter sends   Esc discards"
            case "transcribing" | "thinking" | "speaking":
                return "Esc stops"
            case "muted":
                return f"{self._key_of('voice.mute')} unmutes"
            case _:
                return ""

    @property
    def _is_typing(self) -> bool:
        return bool(self._composer().text.strip())

    def _key_of(self, command_id: str) -> str:
        command = find_command(command_id)
        assert command is not None, command_id
        keys = self._composer().keymap.get(command_id, command.keys)
        return key_names(keys) or f"/{command.slash}"

    def _decided(self, decision: Decision, character: str) -> None:
        match decision:
            case Decision.START:
                self._start()
            case Decision.END_HELD:
                self._command(lambda loop: loop.talk_ended(held=not self._has_draft))
            case Decision.END_TAPPED:
                self._command(lambda loop: loop.talk_ended(held=False))
            case Decision.CANCEL:
                self._command(lambda loop: loop.talk_cancelled())
            case Decision.TYPE:
                self._composer().insert(character)

    def _start(self) -> None:
        self._has_draft = self._is_typing
        self._was_heard = False
        if self._voice.loop is None:
            self._voice.open()
        else:
            self._voice.loop.talk_started()

    def _finish(self) -> None:
        """This is all, send it."""
        if self.talk.active:
            self.talk.ended()
            self._command(lambda loop: loop.talk_ended(held=True))
        else:
            self._command(lambda loop: loop.commit_now())

    def _take_over(self) -> None:
        """The user types into what is being said: it is theirs, and nothing is sent by itself."""
        show = self._voice.show
        assert show is not None
        show.dictation.keep()
        show.was_dictated = True
        self.talk.ended()
        self._command(lambda loop: loop.talk_cancelled())

    def _command(self, command: Callable[[VoiceLoop], None]) -> None:
        if self._voice.loop is not None:
            command(self._voice.loop)


@cache
def is_installed() -> bool:
    """Whether the voice extra is there; what else may be missing is told when it is opened."""
    return all(find_spec(name) is not None for name in ("sounddevice", "numpy"))
