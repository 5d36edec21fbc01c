"""Sound from files of any kind that PyAV reads, a little at a time: a two-hour film needs no more memory."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from core.errors import InputError, VoiceUnavailable
from core.extras import install_command
from core.voice.audio import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from av.container import InputContainer

__all__ = ("AudioFile",)


class AudioFile:
    """The first sound track of a file; a context manager.

    Args:
        source: the file's path, or an open file that can be sought in.
        name: what errors call it.

    Raises:
        InputError: it is missing, empty, or holds no sound.
        VoiceUnavailable: a package is missing.
    """

    def __init__(self, source: Path | BinaryIO, name: str) -> None:
        self._name = name
        self._container = self._open(source)
        if not self._container.streams.audio:
            self._container.close()
            raise InputError(f"There is no sound in {name}.", hint="Give a file with an audio track.")

    def __enter__(self) -> AudioFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    @property
    def seconds(self) -> float | None:
        """How long it says it is; ``None`` where it does not say."""
        stream = self._container.streams.audio[0]
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return self._container.duration / 1e6 if self._container.duration else None

    def measured_seconds(self) -> float:
        """How long it really is, whatever it says: read to its end and not decoded; nothing is left to read.

        Raises:
            InputError: it is damaged.
        """
        import av

        seconds = Fraction(0)
        try:
            for packet in self._container.demux(audio=0):
                if packet.duration and packet.time_base:
                    seconds += packet.duration * packet.time_base
        except (av.FFmpegError, ValueError) as error:
            raise InputError(f"{self._name} is damaged after {float(seconds):.0f} s.") from error
        return float(seconds)

    def samples(self) -> Iterator[Samples]:
        """Its sound, mono at ``SAMPLE_RATE``, in pieces of a fraction of a second.

        Raises:
            InputError: it is damaged from here on; what came before is good.
        """
        import av
        import numpy as np

        # As 16 bits: there the channels are mixed so that nothing gets louder than full scale.
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        seconds = 0.0
        frames = self._container.decode(audio=0)
        while True:
            try:
                frame = next(frames, None)
                parts = resampler.resample(frame)  # None: what it still holds
            except (av.FFmpegError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                raise InputError(
                    f"{self._name} is damaged after {seconds:.0f} s: {reason}.",
                    hint="What came before was transcribed.",
                ) from error
            for part in parts:
                piece = part.to_ndarray().reshape(-1).astype(np.float32) / np.float32(32768)
                seconds += len(piece) / SAMPLE_RATE
                yield piece
            if frame is None:
                return

    def _open(self, source: Path | BinaryIO) -> InputContainer:
        try:
            import av
        except (ImportError, OSError) as error:
            raise VoiceUnavailable(
                f"Sound files cannot be read: {error}.", hint=f"Install it: {install_command('voice')}"
            ) from error
        self._check(source)
        av.logging.set_level(None)  # what is wrong is ours to say
        try:
            # By its whole path, or "10:30.wav" would be taken for the protocol "10".
            opened: Any = av.open(str(source.absolute()) if isinstance(source, Path) else source, "r")
        except (av.FFmpegError, ValueError) as error:
            raise InputError(
                f"{self._name} is no sound that can be read.",
                hint="Give a file such as WAV, MP3, FLAC, OGG, M4A or a video.",
            ) from error
        return opened  # type: ignore[no-any-return]

    def _check(self, source: Path | BinaryIO) -> None:
        """Say what is wrong with a path before a decoder would, in its own words."""
        if not isinstance(source, Path):
            return
        if source.is_dir():
            raise InputError(f"{self._name} is a folder.", hint="Give one sound file.")
        try:
            with source.open("rb") as file:
                empty = not file.read(1)
        except FileNotFoundError:
            raise InputError(f"There is no file {self._name}.", hint="Check the path.") from None
        except OSError as error:
            raise InputError(f"{self._name} cannot be read: {error.strerror}.") from None
        if empty:
            raise InputError(f"{self._name} is empty.")
