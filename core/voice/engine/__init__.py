"""The audio engine: the one owner of microphone and speaker.

    microphone -> Microphone -> Listening (echo, kept sound, activity) -> frames
    speaker    <- Speaker <- Feed <- Mixer <- clauses given to `play`

Callbacks of the streams only copy. ``Worker`` is the one thread that does the work, and
``AudioEngine`` is what the voice loop holds. It is imported when voice is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.voice.engine.audio_engine import AudioEngine as AudioEngine

__all__ = ("AudioEngine",)


def __getattr__(name: str) -> object:
    """Bring in numpy and soxr only with the engine itself, not with the words it reports in."""
    if name != "AudioEngine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from core.voice.engine.audio_engine import AudioEngine

    return AudioEngine
