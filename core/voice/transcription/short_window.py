"""Whisper that does not listen to silence it was padded with.

Whisper was trained on windows of 30 s, and faster-whisper fills every recording up to that: a phrase of
three seconds costs as much as half a minute. The encoder takes shorter windows too, at a tenth of the
time (figures: tests/bench/voice/transcription). Cut too close the decoder loses its way and repeats
itself, hence the margin, the floor, and `full_window` for whoever notices that it did.

Imports faster-whisper, which takes half a second: import it in the thread that decodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from faster_whisper import WhisperModel

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from numpy.typing import NDArray

__all__ = ("FULL_WINDOW", "ShortWindowModel", "window_frames")

FULL_WINDOW = 3000
"""Frames of 10 ms that Whisper was trained on."""

MARGIN = 130
"""Frames of padding that stay behind the speech: with less, words at the end are said twice."""

FLOOR = 500
"""The shortest window: below it short answers ("yes") are no longer recognised."""

STEP = 100
"""Windows are rounded up to this, so that few sizes occur."""


class ShortWindowModel(WhisperModel):  # type: ignore[misc]  # untyped package
    """A ``WhisperModel`` whose encoder is given the sound and a margin, instead of 30 s."""

    _full_window = False

    @contextmanager
    def full_window(self) -> Iterator[None]:
        """Within the block the encoder is given 30 s, as Whisper was trained."""
        before, self._full_window = self._full_window, True
        try:
            yield
        finally:
            self._full_window = before

    def encode(self, features: NDArray[np.float32]) -> StorageView:
        """What every path of ``transcribe`` gives its padded window to."""
        if not self._full_window:
            features = features[..., : window_frames(features)]
        return super().encode(features)


def window_frames(features: NDArray[np.float32]) -> int:
    """How many frames of a padded window to keep.

    Padding is exactly zero in every band, which sound never is: even silence has a logarithm.
    """
    heard = np.flatnonzero(features.reshape(-1, features.shape[-1]).any(axis=0))
    end = int(heard[-1]) + 1 if heard.size else 0
    wanted = max(FLOOR, end + MARGIN)
    return min(int(features.shape[-1]), -(-wanted // STEP) * STEP)
