"""Voices of a service: text leaves the machine, and it costs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace

from core.errors import SynthesisFailed, TensorWallError, VoiceError
from core.voice.audio import PcmChunk
from core.voice.synthesis.harmless import harmless_to_speak
from core.voice.synthesis.portions import portions
from core.voice.synthesis.sound_file import UnreadableSound, read_sound
from core.voice.synthesis.synthesiser import Voice
from core.voice.synthesis.words import estimated_marks

__all__ = ("CloudSynthesiser",)

_INPUT_LIMIT = 200
"""Characters that Groq's Orpheus voices take in one request (https://console.groq.com/docs/text-to-speech)."""


class CloudSynthesiser:
    """A `Synthesiser` over a service that turns a text and the name of a voice into a WAV.

    Attributes:
        voice: name of the voice; may be changed at any time and counts from the next text on.
    """

    def __init__(
        self,
        call: Callable[[str, str], Awaitable[bytes]],
        *,
        voice: str,
        label: str,
        voices: Sequence[Voice] = (),
        longest: int = _INPUT_LIMIT,
    ) -> None:
        """Nothing is sent yet.

        Args:
            call: asks the service; given the text and the voice, it gives the bytes of a sound file
                or raises one of ``core.errors``.
            voice: name of the voice.
            label: the service, as the screen names it.
            voices: those it has.
            longest: characters it takes at a time.
        """
        self.voice = voice
        self._call = call
        self._service = label
        self._voices = tuple(voices)
        self._longest = longest

    @property
    def label(self) -> str:
        """The service and the voice."""
        return f"{self._service} {self.voice}"

    async def warm(self) -> None:
        """Nothing: a request made for nothing would cost."""

    async def speak(self, text: str) -> AsyncGenerator[PcmChunk, None]:
        """As `Synthesiser.speak`: one piece of sound a request; word marks are estimated."""
        text = harmless_to_speak(text)
        spoken = 0.0
        for start, end in portions(text, self._longest):
            if not text[start:end].strip():
                continue
            sound = await self._sound(text[start:end])
            marks = tuple(
                replace(mark, at=mark.at + spoken, start=mark.start + start, end=mark.end + start)
                for mark in estimated_marks(text[start:end], sound.seconds)
            )
            spoken += sound.seconds
            yield replace(sound, marks=marks)

    async def _sound(self, text: str) -> PcmChunk:
        try:
            return read_sound(await self._call(text, self.voice))
        except VoiceError:
            raise
        except TensorWallError as error:
            raise SynthesisFailed(
                f"{self._service} did not speak: {error.message}", hint=error.hint
            ) from error
        except UnreadableSound as error:
            raise SynthesisFailed(f"{self._service} sent what is no speech: {error}.") from error

    async def voices(self) -> Sequence[Voice]:
        """As `Synthesiser.voices`."""
        return self._voices

    async def aclose(self) -> None:
        """Nothing is held: the connection is the caller's."""
