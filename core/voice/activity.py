"""Is somebody speaking? Silero's voice activity network, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import VoiceUnavailable
from core.voice.audio import FRAME_SAMPLES

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from core.voice.audio import Samples

__all__ = ("SileroActivity",)

_CONTEXT_SAMPLES = 64
"""Samples of the frame before that the network wants in front of each frame."""

_STATE_SHAPE = (1, 1, 128)
"""The two states that the network hands from frame to frame."""

_HINT = "Install the voice extra again: pip install --upgrade 'tensorwall[voice]'"


class SileroActivity:
    """How likely each frame is speech.

    The network is the one that comes inside faster-whisper (silero_vad_v6.onnx, MIT licence), whose own
    code runs it over whole recordings. Here it is given one frame at a time, with what it remembers
    carried from each to the next, and so gives what it would give for the whole: a tenth
    to a fifth of a millisecond a frame, on one thread.

    Not safe for several threads at once: the engine's thread is the only caller.
    """

    def __init__(self) -> None:
        """Load the network: a tenth of a second, once a process.

        Raises:
            VoiceUnavailable: faster-whisper is missing, or its network is another one.
        """
        self._session = _load()
        self.reset()

    def reset(self) -> None:
        """Forget what was heard; for sound that does not go on where the last frame ended."""
        import numpy as np

        self._window = np.zeros((1, _CONTEXT_SAMPLES + FRAME_SAMPLES), dtype=np.float32)
        self._hidden = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._cell = np.zeros(_STATE_SHAPE, dtype=np.float32)

    def __call__(self, frame: Samples) -> float:
        """How likely somebody speaks in the next frame, from 0 to 1.

        Raises:
            ValueError: it is not ``FRAME_SAMPLES`` long.
        """
        if frame.shape != (FRAME_SAMPLES,):
            raise ValueError(f"a frame has {FRAME_SAMPLES} samples, not the shape {frame.shape}")
        window = self._window
        window[0, :_CONTEXT_SAMPLES] = window[0, -_CONTEXT_SAMPLES:]
        window[0, _CONTEXT_SAMPLES:] = frame
        inputs = {"input": window, "h": self._hidden, "c": self._cell}
        speech, self._hidden, self._cell = self._session.run(None, inputs)
        return float(speech.item())


def _load() -> InferenceSession:
    """The network's session, checked: it is not part of faster-whisper's public face and may change."""
    try:
        from faster_whisper.vad import get_vad_model
    except ImportError as error:
        raise VoiceUnavailable("Voice needs faster-whisper, which is not installed.", hint=_HINT) from error
    session: InferenceSession = get_vad_model().session
    inputs = {item.name: item.shape[1:] for item in session.get_inputs()}
    expected = {
        "input": [_CONTEXT_SAMPLES + FRAME_SAMPLES],
        "h": list(_STATE_SHAPE[1:]),
        "c": list(_STATE_SHAPE[1:]),
    }
    if inputs != expected or len(session.get_outputs()) != 3:
        raise VoiceUnavailable(
            "The voice activity network of this faster-whisper is not one that TensorWall knows.",
            hint=_HINT,
        )
    return session
