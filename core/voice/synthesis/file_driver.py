"""The voices of Windows and macOS through pyttsx3: each text is written to a file, read and deleted.

pyttsx3's own playing is not used anywhere: it cannot be stopped at once, and it tells of words when
they are made and not when they are heard.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.extras import install_command
from core.voice.audio import PcmChunk
from core.voice.synthesis.engine import VOICES_HINT, EngineFailed, EngineMissing, Hand
from core.voice.synthesis.sound_file import UnreadableSound, read_sound
from core.voice.synthesis.synthesiser import Voice
from core.voice.synthesis.words import estimated_marks

__all__ = ("FileEngine",)

_NAMES = {"sapi5": "Windows voice", "nsss": "macOS voice", "espeak": "eSpeak"}


class FileEngine:
    """One of pyttsx3's drivers, writing files; word marks are estimated from the length of the sound."""

    default_voice = ""

    def __init__(self, driver: str) -> None:
        """Load a driver.

        Args:
            driver: ``sapi5``, ``nsss`` or ``espeak``.

        Raises:
            EngineMissing: pyttsx3, or what its driver stands on, is not installed.
        """
        try:
            pyttsx3 = importlib.import_module("pyttsx3")
            self._engine: Any = pyttsx3.init(driver)
        except ImportError as error:
            raise EngineMissing(
                f"The package {error.name} is not installed.", f"Install it: {install_command('voice')}"
            ) from error
        self.name = _NAMES.get(driver, driver)
        self._driver = driver
        self._system_voice: str | None = self._engine.getProperty("voice")
        self._error: Exception | None = None
        self._engine.connect("error", self._failed)

    def voices(self) -> Sequence[Voice]:
        """The voices that are installed."""
        return [
            Voice(str(voice.id), str(voice.name or voice.id), tuple(map(_language, voice.languages)))
            for voice in self._engine.getProperty("voices")
        ]

    def speak(self, text: str, *, voice: str | None, rate: int, language: str | None, hand: Hand) -> None:
        """As `SpeechEngine.speak`; all of the sound comes in one piece."""
        chosen = self._choose(voice, language)
        if chosen is not None:
            self._engine.setProperty("voice", chosen)
        self._engine.setProperty("rate", rate)  # after the voice, which brings a rate of its own
        self._settle()
        sound = self._written_sound(text)
        hand(PcmChunk(sound.pcm, sound.sample_rate, estimated_marks(text, sound.seconds)))

    def _choose(self, voice: str | None, language: str | None) -> str | None:
        """The id of the voice that is asked for; else one of the language; else the system's."""
        if voice is None and language is None:
            return self._system_voice
        for known in self.voices():
            if known.id == voice or (voice is None and _speaks(known, language or "")):
                return known.id
        wanted = f"voice {voice!r}" if voice else f"voice for the language {language!r}"
        raise EngineFailed(f"This system has no {wanted}.", VOICES_HINT)

    def _written_sound(self, text: str) -> PcmChunk:
        self._error = None
        with tempfile.TemporaryDirectory(prefix="tensorwall-") as folder:
            # macOS writes AIFF, whatever the file is called.
            path = Path(folder, "speech.aiff" if self._driver == "nsss" else "speech.wav")
            self._engine.save_to_file(text, str(path))
            self._engine.runAndWait()
            self._settle()
            if self._error is not None:
                raise EngineFailed(f"{self.name}: {self._error}") from self._error
            try:
                return read_sound(path.read_bytes())
            except (OSError, UnreadableSound) as error:
                raise EngineFailed(f"{self.name} made no sound of the text: {error}.") from error

    def _settle(self) -> None:
        """Wait for eSpeak, which does what it is told on a thread of its own; the others are done.

        Otherwise pyttsx3 takes a change of rate for speech and cancels it, or leaves half a file.
        """
        if self._driver == "espeak":
            importlib.import_module("pyttsx3.drivers._espeak").Synchronize()

    def _failed(self, exception: Exception, **_told: object) -> None:
        self._error = exception


def _language(code: object) -> str:
    """A language as others write it: ``en-us`` for ``en_US``, which drivers give as text or bytes."""
    text = code.decode("utf-8", "replace") if isinstance(code, bytes) else str(code)
    return text.strip("\x00\x05").replace("_", "-").lower()


def _speaks(voice: Voice, language: str) -> bool:
    return any(known.split("-")[0] == language.split("-")[0].lower() for known in voice.languages)
