"""eSpeak NG through the binding that pyttsx3 ships, as a maker of samples: it never opens a device."""

from __future__ import annotations

import ctypes
import importlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.extras import install_command
from core.voice.audio import PcmChunk, WordMark
from core.voice.availability import espeak_command
from core.voice.synthesis.engine import VOICES_HINT, EngineFailed, EngineMissing, Hand
from core.voice.synthesis.synthesiser import Voice
from core.voice.synthesis.words import closing_pause, word_spans

__all__ = ("EspeakEngine", "load_binding", "load_bundled_library")

_BINDING = "pyttsx3.drivers._espeak"
_DO_NOT_EXIT = 0x8000
"""``espeakINITIALIZE_DONT_EXIT``: without its data, report an error instead of ending the process."""
_BUFFER_MS = 60
_DEFAULT_LANGUAGE = "en-us"
_DIALECTS = {"en": "en-us", "zh": "cmn"}
"""Where a bare language would be taken for a dialect that fewer people expect, or is not known."""


class EspeakEngine:
    """eSpeak NG; one a process, as the library keeps its state in globals."""

    name = "eSpeak"
    default_voice = _DEFAULT_LANGUAGE

    def __init__(self) -> None:
        """Load and start the library.

        Raises:
            EngineMissing: pyttsx3, the library or its data is not there.
        """
        self._espeak, data = load_binding()
        output = self._espeak.AUDIO_OUTPUT_SYNCHRONOUS  # samples by callback, on the calling thread
        path = str(data).encode() if data else None
        self._sample_rate: int = self._espeak.Initialize(output, _BUFFER_MS, path, _DO_NOT_EXIT)
        if self._sample_rate <= 0:
            raise EngineMissing(
                "eSpeak NG has no voices: its data folder is missing.", f"Install it: {espeak_command()}"
            )
        self._espeak.SetSynthCallback(self._synthesised)
        self._receive: Callable[[bytes, list[_Event]], bool] | None = None
        self._broken: BaseException | None = None

    def voices(self) -> Sequence[Voice]:
        """The voices of the data folder, by language."""
        found = []
        for voice in self._espeak.ListVoices(None):
            # One byte of priority, then the language's name.
            languages = (voice.languages[1:].decode("utf-8", "replace"),) if voice.languages else ()
            identifier = voice.identifier.decode("utf-8", "replace")
            found.append(Voice(identifier, voice.name.decode("utf-8", "replace"), languages))
        return sorted(found, key=lambda voice: (voice.languages, voice.name))

    def speak(self, text: str, *, voice: str | None, rate: int, language: str | None, hand: Hand) -> None:
        """As `SpeechEngine.speak`; sound comes in pieces of 60 ms, each with the words that begin in it."""
        self._choose(voice, language)
        self._espeak.SetParameter(self._espeak.RATE, rate, 0)
        marker = _Marker(text)

        def receive(pcm: bytes, events: list[_Event]) -> bool:
            marks = marker.marks(events)
            return hand(PcmChunk(pcm, self._sample_rate, marks)) if pcm else True

        self._receive, self._broken = receive, None
        try:
            status = self._espeak.Synth(text, flags=self._flags(text))
        finally:
            self._receive = None
        if self._broken is not None:
            raise self._broken
        if status != self._espeak.EE_OK:
            raise EngineFailed(f"eSpeak NG refused the text (status {status}).")

    def _choose(self, voice: str | None, language: str | None) -> None:
        if voice is not None:
            if self._espeak.SetVoiceByName(voice.encode()) != self._espeak.EE_OK:
                raise EngineFailed(f"eSpeak NG has no voice {voice!r}.", VOICES_HINT)
            return
        wanted = self._espeak.VOICE()
        language = language or _DEFAULT_LANGUAGE
        wanted.languages = _DIALECTS.get(language, language).encode()
        if self._espeak.SetVoiceByProperties(ctypes.byref(wanted)) != self._espeak.EE_OK:
            raise EngineFailed(f"eSpeak NG has no voice for the language {language!r}.", VOICES_HINT)

    def _flags(self, text: str) -> int:
        """Plain text: no SSML, no phonemes.

        The pause that belongs to the last punctuation mark is left out unless it is asked for, and
        a text that ends without one, which goes on in the next, would be given a whole sentence's.
        """
        flags: int = self._espeak.CHARS_UTF8 | (self._espeak.ENDPAUSE if closing_pause(text) else 0)
        return flags

    def _synthesised(self, wav: Any, samples: int, events: Any) -> int:  # noqa: ANN401 - ctypes pointers
        """The library's callback; 1 tells it to stop. An exception would be lost in the C code."""
        if self._receive is None or not wav:
            return 0
        try:
            return 0 if self._receive(ctypes.string_at(wav, 2 * samples), self._words(events)) else 1
        except Exception as error:  # noqa: BLE001 - raised again by `speak`
            self._broken = error
            return 1

    def _words(self, events: Any) -> list[_Event]:  # noqa: ANN401 - a ctypes pointer
        """The word events of an array that ends with an event of type 0."""
        words = []
        for event in events:
            if event.type == self._espeak.EVENT_LIST_TERMINATED:
                break
            if event.type == self._espeak.EVENT_WORD:
                words.append(_Event(event.audio_position / 1000, event.text_position - 1))
        return words


@dataclass(frozen=True, slots=True)
class _Event:
    """A word begins to sound: when, and which character of the text the library takes it to begin with."""

    at: float
    place: int


class _Marker:
    """Makes word marks of the library's events, which are not to be taken at their word.

    Within what a reader takes for one word (``12,345``, a family of emoji) it reports several, some
    of them beyond the word's end: the first within each word counts. A word after a full stop that
    ended no sentence ("approx. five") it reports at the space before.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = deque(word_spans(text))
        self._passed = 0  # the end of the last word that was begun or passed over

    def marks(self, events: Sequence[_Event]) -> tuple[WordMark, ...]:
        """The words that these events begin."""
        marks = []
        for event in events:
            while self._words and self._words[0][1] <= event.place:
                _, self._passed = self._words.popleft()
            if self._words and self._begins(self._words[0][0], event.place):
                start, self._passed = self._words.popleft()
                marks.append(WordMark(event.at, start, self._passed))
        return tuple(marks)

    def _begins(self, start: int, place: int) -> bool:
        """Whether an event at a place is of the next word, which starts at ``start``."""
        after_full_stop = self._passed > 0 and self._text[self._passed - 1] == "."
        return start <= place or (after_full_stop and place >= self._passed)


def load_binding() -> tuple[Any, Path | None]:
    """The binding of pyttsx3, and the library's data folder where it is not the system's.

    Raises:
        EngineMissing: pyttsx3 or the library is not installed.
    """
    try:
        return importlib.import_module(_BINDING), None
    except ModuleNotFoundError as error:
        raise EngineMissing(
            "The package pyttsx3 is not installed.", f"Install it: {install_command('voice')}"
        ) from error
    except RuntimeError:  # it found no library by any of the names it knows
        data = load_bundled_library()
        return importlib.import_module(_BINDING), data


def load_bundled_library() -> Path:
    """Load the library of the ``espeak`` extra, so that the binding finds it by its name; gives its data.

    Raises:
        EngineMissing: the extra is not installed or does not fit this machine.
    """
    try:
        import espeakng_loader

        ctypes.CDLL(espeakng_loader.get_library_path())
        return Path(espeakng_loader.get_data_path())
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineMissing(
            "There is no eSpeak NG on this system.", f"Install it: {espeak_command()}"
        ) from error
