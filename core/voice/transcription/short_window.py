"""Whisper that does not listen to silence it was padded with.

Whisper was trained on windows of 30 s, and faster-whisper fills every recording up to that: a phrase of
three seconds costs as much as half a minute. The encoder takes shorter windows too, at a tenth of the
time (figures: tests/bench/voice/transcription). Cut too close the decoder loses its way and repeats
itself, hence the margin, the floor, and `wider_windows` for whoever notices that it did.

Imports faster-whisper, which takes half a second: import it in the thread that decodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import numpy as np
from faster_whisper import WhisperModel

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from numpy.typing import NDArray

__all__ = ("FULL_WINDOW", "ShortWindowModel", "wider_windows", "window_frames")

FULL_WINDOW = 3000
"""Frames of 10 ms that Whisper was trained on."""

MARGIN = 130
"""Frames of padding that stay behind the speech: with less, words at the end are said twice."""

FLOOR = 500
"""The shortest window: below it short answers ("yes") are no longer recognised."""

WIDE = 1500
"""A window in which short phrases that were said in circles come out right, at a fifth of the full one's
time."""

STEP = 100
"""Windows are rounded up to this, so that few sizes occur."""


class ShortWindowModel(WhisperModel):  # type: ignore[misc]  # untyped package
    """A ``WhisperModel`` whose encoder is given the sound and a margin, instead of 30 s."""

    _shortest = FLOOR

    @contextmanager
    def at_least(self, frames: int) -> Iterator[None]:
        """Within the block the encoder is given no window shorter than this."""
        before, self._shortest = self._shortest, frames
        try:
            yield
        finally:
            self._shortest = before

    def full_window(self) -> AbstractContextManager[None]:
        """Within the block the encoder is given 30 s, as Whisper was trained."""
        return self.at_least(FULL_WINDOW)

    def encode(self, features: NDArray[np.float32]) -> StorageView:
        """What every path of ``transcribe`` gives its padded window to."""
        return super().encode(features[..., : window_frames(features, self._shortest)])


def wider_windows(seconds: float) -> tuple[int, ...]:
    """The windows to try for so much speech when the shortest one led astray, the quickest first."""
    return (WIDE, FULL_WINDOW) if seconds * 100 + MARGIN + STEP <= WIDE else (FULL_WINDOW,)


def window_frames(features: NDArray[np.float32], shortest: int = FLOOR) -> int:
    """How many frames of a padded window to keep, and no fewer than ``shortest``.

    Padding is exactly zero in every band, which sound never is: even silence has a logarithm.
    """
    heard = np.flatnonzero(features.reshape(-1, features.shape[-1]).any(axis=0))
    end = int(heard[-1]) + 1 if heard.size else 0
    wanted = max(shortest, end + MARGIN)
    return min(int(features.shape[-1]), -(-wanted // STEP) * STEP)
