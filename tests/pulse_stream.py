"""Sound into and out of a PulseAudio server, to the millisecond: its "simple" interface through ctypes.

PortAudio is not used for this: it is part of what is tested, and it does not say when a sample is heard.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ("RATE", "PulseFailed", "PulseStream")

RATE = 16_000
"""Samples a second of every stream here, in both directions, one channel."""

_PLAYBACK, _RECORD = 1, 2
_S16LE = 3
_BYTES = 2
_BY_SERVER = 0xFFFFFFFF  # (uint32_t) -1: the server chooses
_MOST_BYTES = 4 * 1024 * 1024  # what a PulseAudio server holds of one stream
_BLOCK = RATE // 100


class PulseFailed(Exception):
    """The server refused, or went away."""


class _SampleSpec(ctypes.Structure):
    _fields_ = (("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8))


class _BufferAttributes(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")
    )


class PulseStream:
    """One stream at the server; also a context manager.

    The server holds all of a sound that is played, so that a busy machine does not tear holes into it.
    """

    def __init__(self, server: str, device: str, direction: int, attributes: _BufferAttributes) -> None:
        self._pulse = _load()
        error = ctypes.c_int()
        spec = _SampleSpec(_S16LE, RATE, 1)
        self._handle: int | None = self._pulse.pa_simple_new(
            server.encode(), b"tests", direction, device.encode(), b"tests",
            ctypes.byref(spec), None, ctypes.byref(attributes), ctypes.byref(error),
        )  # fmt: skip
        if not self._handle:
            raise PulseFailed(f"{device}: {self._pulse.pa_strerror(error).decode()}")

    @classmethod
    def play(cls, server: str, device: str, samples: NDArray[np.float32]) -> tuple[Self, float]:
        """Play ``samples`` (from -1 to 1) at once.

        Returns:
            The stream, and when its first sample is heard, on ``time.monotonic()``'s clock.
        """
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        assert 0 < len(pcm) < _MOST_BYTES, "too long for one piece"
        stream = cls(
            server,
            device,
            _PLAYBACK,
            _BufferAttributes(_MOST_BYTES, _MOST_BYTES, _BYTES, _BY_SERVER, _BY_SERVER),
        )
        try:
            stream._call("pa_simple_write", pcm, ctypes.c_size_t(len(pcm)))
            ends = time.monotonic() + stream.latency()
        except PulseFailed:
            stream.close()
            raise
        return stream, ends - len(samples) / RATE

    @classmethod
    def record(cls, server: str, device: str) -> Self:
        """Record ``device``; see `blocks`."""
        block = _BLOCK * _BYTES
        return cls(
            server,
            device,
            _RECORD,
            _BufferAttributes(_MOST_BYTES, _BY_SERVER, _BY_SERVER, _BY_SERVER, block),
        )

    def blocks(self) -> Iterator[tuple[float, NDArray[np.float32]]]:
        """10 ms at a time: when its first sample sounded (roughly), and the samples; without end.

        Raises:
            PulseFailed: the server went away.
        """
        buffer = ctypes.create_string_buffer(_BLOCK * _BYTES)
        while True:
            self._call("pa_simple_read", buffer, ctypes.c_size_t(len(buffer)))
            # The latency is that of the sample to be read next.
            began = time.monotonic() - self.latency() - _BLOCK / RATE
            yield began, np.frombuffer(buffer.raw, "<i2").astype(np.float32) / 32768

    def latency(self) -> float:
        """Seconds until what was written last is heard, or since what is read next was."""
        error = ctypes.c_int()
        microseconds = self._pulse.pa_simple_get_latency(self._open_handle(), ctypes.byref(error))
        if error.value:
            raise PulseFailed(self._pulse.pa_strerror(error).decode())
        return float(microseconds) / 1e6

    def close(self) -> None:
        """Let go of the stream, what has not been heard yet included; again does nothing."""
        if self._handle:
            self._pulse.pa_simple_free(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, name: str, *arguments: object) -> None:
        error = ctypes.c_int()
        if getattr(self._pulse, name)(self._open_handle(), *arguments, ctypes.byref(error)) < 0:
            raise PulseFailed(self._pulse.pa_strerror(error).decode())

    def _open_handle(self) -> ctypes.c_void_p:
        assert self._handle, "the stream is closed"
        return ctypes.c_void_p(self._handle)


def _load() -> ctypes.CDLL:
    pulse = ctypes.CDLL("libpulse-simple.so.0")
    pulse.pa_simple_new.restype = ctypes.c_void_p
    pulse.pa_simple_free.argtypes = (ctypes.c_void_p,)
    pulse.pa_simple_get_latency.restype = ctypes.c_uint64
    pulse.pa_strerror.restype = ctypes.c_char_p
    return pulse
