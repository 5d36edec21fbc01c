"""A Whisper model of random weights: a second to make, run by the real code, and it writes nonsense.

One layer 64 wide instead of six 512 wide, and a vocabulary of made-up words with Whisper's own special tokens
at their own places. What it writes runs on until it is cut off: give it few tokens (``max_new_tokens``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

__all__ = ("make_random_whisper",)

_WIDTH = 64
_MELS = 80
_FRAMES = 1500
_TOKENS = 448
_WORDS = 50_257
_LANGUAGES = 99
_TIMESTAMPS = 1501
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvwz" for vowel in "aeiou"]


def make_random_whisper(directory: Path, seed: int = 0) -> Path:
    """Write the model's files into ``directory``, which must exist.

    Returns:
        The directory, for ``WhisperModel(str(directory))``.
    """
    from ctranslate2.specs.whisper_spec import WhisperSpec

    vocabulary = [
        *_words(),
        *_special_tokens(),
        *(f"<|{number * 0.02:.2f}|>" for number in range(_TIMESTAMPS)),
    ]
    token = {text: number for number, text in enumerate(vocabulary)}
    spec = WhisperSpec(num_encoder_layers=1, num_encoder_heads=1, num_decoder_layers=1, num_decoder_heads=1)
    _RandomWeights(seed).fill(spec, len(vocabulary))
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids = [token[text] for text in _special_tokens() if text.startswith("<|start")]
    spec.config.suppress_ids_begin = [token["<|endoftext|>"]]
    spec.config.lang_ids = [token[f"<|{code}|>"] for code in _languages()]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(directory))
    _save_tokenizer(token, directory / "tokenizer.json")
    return directory


def _words() -> list[str]:
    three = (" " + a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES)
    # A space alone and an empty text are in the real vocabulary too, and looked for.
    return ["", " ", *(word for word, _ in zip(three, range(_WORDS - 2), strict=False))]


def _languages() -> list[str]:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    return list(_LANGUAGE_CODES)[:_LANGUAGES]


def _special_tokens() -> list[str]:
    tasks = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
    return [f"<|{name}|>" for name in ("endoftext", "startoftranscript", *_languages(), *tasks)]


def _save_tokenizer(token: dict[str, int], file: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel(token, unk_token=""))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=" ", prepend_scheme="always")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in _special_tokens()])
    tokenizer.save(str(file))


class _RandomWeights:
    """Fills each part of the model, with as much spread as keeps its signals at their size."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def fill(self, spec: Any, vocabulary: int) -> None:
        encoder, decoder = spec.encoder, spec.decoder
        for convolution, inputs in ((encoder.conv1, _MELS), (encoder.conv2, _WIDTH)):
            convolution.weight = self._matrix(_WIDTH, inputs, 3)
            convolution.bias = np.zeros(_WIDTH, np.float32)
        for side, length in ((encoder, _FRAMES), (decoder, _TOKENS)):
            side.position_encodings.encodings = self._matrix(length, _WIDTH) * 0.1
            self._norm(side.layer_norm)
            (layer,) = side.layer
            self._attention(layer.self_attention, 3 * _WIDTH, _WIDTH)
            if side is decoder:
                self._attention(layer.attention, _WIDTH, 2 * _WIDTH, _WIDTH)
            self._norm(layer.ffn.layer_norm)
            self._linear(layer.ffn.linear_0, 4 * _WIDTH, _WIDTH)
            self._linear(layer.ffn.linear_1, _WIDTH, 4 * _WIDTH)
        decoder.embeddings.weight = decoder.projection.weight = self._matrix(vocabulary, _WIDTH)

    def _attention(self, spec: Any, *outputs: int) -> None:
        self._norm(spec.layer_norm)
        for linear, size in zip(spec.linear, outputs, strict=True):
            self._linear(linear, size, _WIDTH)

    def _linear(self, spec: Any, outputs: int, inputs: int) -> None:
        spec.weight = self._matrix(outputs, inputs)
        spec.bias = np.zeros(outputs, np.float32)

    def _norm(self, spec: Any) -> None:
        spec.gamma, spec.beta = np.ones(_WIDTH, np.float32), np.zeros(_WIDTH, np.float32)

    def _matrix(self, *shape: int) -> np.ndarray:
        spread = np.sqrt(np.prod(shape[1:]))
        return (self._random.standard_normal(shape) / spread).astype(np.float32)
