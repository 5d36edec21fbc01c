"""Changing the rate of a stream of sound."""

from __future__ import annotations

import numpy as np
import soxr

from core.voice.audio import SAMPLE_RATE, Samples

__all__ = ("Downsampler",)

_TAPS = 63
_EDGE = 7_200
"""Hertz from which on the low-pass cuts off, so that nothing above 8 kHz folds back."""


class Downsampler:
    """Brings a device's stream to 16 kHz and keeps back less than a millisecond of it.

    soxr's own filters keep back 20 to 40 ms, which would be heard as latency and would let an echo
    come before the sound that made it. So a short filter goes first and soxr only interpolates.

    Args:
        rate: of what is given to it, at least 16 kHz for the filter to matter.
    """

    def __init__(self, rate: float) -> None:
        self._stream = None
        if rate == SAMPLE_RATE:
            return
        self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="QQ")
        self._taps = _low_pass(rate) if rate > SAMPLE_RATE else np.ones(1, np.float32)
        self._before = np.zeros(len(self._taps) - 1, np.float32)

    def convert(self, samples: Samples) -> Samples:
        """The next samples of the stream at 16 kHz."""
        if self._stream is None or not len(samples):
            return samples
        joined = np.concatenate((self._before, samples))
        self._before = joined[len(samples) :]
        filtered = np.convolve(joined, self._taps, "valid")
        converted: Samples = self._stream.resample_chunk(filtered)
        return converted


def _low_pass(rate: float) -> Samples:
    """A windowed-sinc filter of unit gain."""
    offsets = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * _EDGE / rate * offsets) * np.hamming(_TAPS)
    return np.asarray(taps / taps.sum(), np.float32)
