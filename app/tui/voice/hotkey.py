"""The key that talks from any window: the ``hotkey`` extra, for those who ask for it.

It sees every key that is pressed anywhere, keeps none, and wants permission for that on macOS
(Input Monitoring, for the terminal). On Linux it needs X11; Wayland shows keys to nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING

from core.errors import InputError, VoiceUnavailable

if TYPE_CHECKING:
    from pynput import keyboard

__all__ = ("Chord", "Hotkey")


class Chord:
    """Keys that count when all of them are down, however often each repeats."""

    def __init__(self, keys: Iterable[Hashable]) -> None:
        self._keys = frozenset(keys)
        self._down: set[Hashable] = set()
        self.is_down = False

    def press(self, key: Hashable) -> bool:
        """Whether this press completes the chord."""
        if key in self._keys:
            self._down.add(key)
        was_down, self.is_down = self.is_down, self._down == self._keys
        return self.is_down and not was_down

    def release(self, key: Hashable) -> bool:
        """Whether this release ends it."""
        self._down.discard(key)
        was_down, self.is_down = self.is_down, self._down == self._keys
        return was_down and not self.is_down


class Hotkey:
    """Listens on a thread of its own until closed; what it hears is told on the event loop.

    Args:
        combination: as pynput writes it, such as ``<ctrl>+<alt>+space``.
        pressed: called when it goes down.
        released: called when it comes up.

    Raises:
        VoiceUnavailable: pynput is missing, or cannot see keys here.
        InputError: this is no combination.
    """

    def __init__(self, combination: str, pressed: Callable[[], None], released: Callable[[], None]) -> None:
        keyboard = _import_keyboard()
        try:
            self._chord = Chord(keyboard.HotKey.parse(combination))
        except ValueError:
            raise InputError(
                f"{combination} is no combination of keys.", hint="Write it as <ctrl>+<alt>+space."
            ) from None
        self._loop = asyncio.get_running_loop()
        self._pressed, self._released = pressed, released
        self._listener = keyboard.Listener(on_press=self._on_press, on_release=self._on_release)
        self._listener.start()

    def close(self) -> None:
        """Stop listening; returns when the thread has ended."""
        self._listener.stop()
        self._listener.join()

    def _on_press(self, key: keyboard.Key) -> None:
        if self._chord.press(self._listener.canonical(key)):
            self._loop.call_soon_threadsafe(self._pressed)

    def _on_release(self, key: keyboard.Key) -> None:
        if self._chord.release(self._listener.canonical(key)):
            self._loop.call_soon_threadsafe(self._released)


def _import_keyboard() -> keyboard:  # the module itself
    from importlib.util import find_spec

    from core.extras import install_command

    if find_spec("pynput") is None:
        raise VoiceUnavailable(
            "The key that talks from any window needs pynput.",
            hint=f"Install it: {install_command('hotkey')}",
        )
    try:
        from pynput import keyboard
    except ImportError as error:  # no display, or none that shows keys
        raise VoiceUnavailable(
            "The key that talks from any window cannot be heard here.",
            hint="It needs X11 on Linux, and Input Monitoring for the terminal on macOS.",
        ) from error
    return keyboard
