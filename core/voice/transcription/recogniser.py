"""Whisper on this machine, in one thread: sound in, text out.

Imports faster-whisper (half a second, 80 MB), so import it in the thread that decodes.

The options, and why (https://github.com/SYSTRAN/faster-whisper): int8 and a beam of 1 cost no word on human
speech and save a quarter of the time; the temperature ladder decodes bad sound six times; text of earlier
turns as context makes errors stick; timestamps cost tokens, and the times of words come without them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from core.errors import LanguageUnknown, SpeechModelUnusable
from core.safe_text import safe_text
from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.transcription.gate import Reading, judge, lost_its_way
from core.voice.transcription.language import LanguageMemory
from core.voice.transcription.models import known_model
from core.voice.transcription.short_window import ShortWindowModel, wider_windows
from core.voice.transcription.transcriber import Hints, Transcript, Word
from core.voice.transcription.vocabulary import mend

if TYPE_CHECKING:
    from faster_whisper.transcribe import Word as TimedWord

__all__ = ("LONGEST_PIECE", "Recogniser", "speech_pieces")

LONGEST_PIECE = 28.0
"""Seconds decoded at once: Whisper's window is 30."""

MOST_THREADS = 4
"""More than the physical cores make it slower, and few machines have fewer than four."""

_TOKENS_A_SECOND = 8.0  # of fast speech, in any language
_SPARE_TOKENS = 16
_MOST_TOKENS = 224  # half of the 448 that a window holds: CTranslate2 gives out no more
_HOTWORD_TOKENS = 180

# A threshold below the usual 0.5 keeps whispers; noise reaches 0.13. Padding keeps the breath of an "h".
_ACTIVITY = VadOptions(
    threshold=0.25,
    min_speech_duration_ms=100,
    max_speech_duration_s=LONGEST_PIECE,
    min_silence_duration_ms=400,
    speech_pad_ms=300,
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What was understood of one piece."""

    reading: Reading
    words: tuple[Word, ...] = ()


class Recogniser:
    """One loaded model; not thread-safe.

    Args:
        folder: a model in CTranslate2's format, as ``find_model`` gives it.
        name: what the screen calls the model.
        threads: of the decoder; by default what the machine has, up to `MOST_THREADS`.

    Raises:
        SpeechModelUnusable: the files are damaged, or no Whisper model.
    """

    def __init__(self, folder: Path, name: str, threads: int | None = None) -> None:
        self._name = name
        self._language = LanguageMemory()
        try:
            self._model = ShortWindowModel(
                str(folder),
                device="cpu",
                compute_type="int8",
                cpu_threads=threads or min(MOST_THREADS, os.cpu_count() or 1),
                local_files_only=True,
            )
        except MemoryError:
            raise SpeechModelUnusable(
                f"There is not enough memory for the speech model {name}.",
                hint="Choose a smaller one, such as base or tiny.",
            ) from None
        except Exception as error:  # tokenizers raises Exception itself
            reason = " ".join(safe_text(str(error)).split())[:200]
            raise SpeechModelUnusable(
                f"The speech model in {folder} cannot be loaded: {reason}.".replace("..", "."),
                hint=_another(folder, name),
            ) from error

    def warm(self) -> None:
        """Encode and decode a second of noise: the first time takes longer than all others."""
        noise = np.random.default_rng(0).normal(0, 0.01, SAMPLE_RATE).astype(np.float32)
        get_speech_timestamps(noise, _ACTIVITY)
        self._decode(noise, "en", "", words=False, most_tokens=1)

    def forget_language(self) -> None:
        """Listen anew for which language is spoken: somebody else speaks."""
        self._language = LanguageMemory()

    def transcribe(self, samples: Samples, hints: Hints, *, words: bool = False) -> Transcript:
        """The text of a recording of any length.

        Args:
            samples: the recording.
            hints: what is known before listening.
            words: find out when each word was said, too.

        Raises:
            LanguageUnknown: the model does not know the language that is asked for.
        """
        begun = time.perf_counter()
        pieces = [
            self._piece(samples[start:end], start / SAMPLE_RATE, hints, words=words)
            for start, end in speech_pieces(samples)
        ]
        verdicts = [judge(piece.reading, hints.hotwords) for piece in pieces]
        text = " ".join(verdict.text for verdict in verdicts if verdict.text)
        kept = [piece for piece, verdict in zip(pieces, verdicts, strict=True) if verdict.text]
        return Transcript(
            text=mend(text, hints.vocabulary, hints.hotwords),
            language=hints.language or self._language.choose(None) or self._default_language,
            confidence=_confidence([piece.reading for piece in kept or pieces]),
            seconds=len(samples) / SAMPLE_RATE,
            took=time.perf_counter() - begun,
            engine="local",
            model=self._name,
            words=tuple(word for piece in kept for word in piece.words),
            cost=Decimal(0),
            rejected="" if text else next((verdict.rejected for verdict in verdicts if verdict.rejected), ""),
        )

    def _piece(self, samples: Samples, offset: float, hints: Hints, *, words: bool) -> _Piece:
        """Decode a piece; again with a wider window where the short one led astray."""
        seconds = len(samples) / SAMPLE_RATE
        wanted = self._checked(hints.language)
        language = self._language.choose(wanted)
        hotwords = self._hotwords(hints.hotwords)
        piece = self._decode(samples, language, hotwords, words=words, offset=offset)
        for window in wider_windows(seconds):
            if not lost_its_way(piece.reading):
                break
            with self._model.at_least(window):
                piece = self._decode(samples, language, hotwords, words=words, offset=offset)
        if wanted is None and language is not None and seconds >= 1:
            self._language.understood(piece.reading.confidence)
        return piece

    def _decode(
        self,
        samples: Samples,
        language: str | None,
        hotwords: str,
        *,
        words: bool,
        offset: float = 0.0,
        most_tokens: int | None = None,
    ) -> _Piece:
        seconds = len(samples) / SAMPLE_RATE
        most = most_tokens or min(_MOST_TOKENS, int(_TOKENS_A_SECOND * seconds) + _SPARE_TOKENS)
        segments, info = self._model.transcribe(
            samples,
            language=language if language or self._model.model.is_multilingual else "en",
            beam_size=1,
            best_of=1,
            temperature=0.0,
            without_timestamps=True,
            word_timestamps=words,
            condition_on_previous_text=False,
            max_new_tokens=self._allowance(most, hotwords),
            hotwords=hotwords or None,
            no_speech_threshold=None,  # the gate judges, with all that is known
            log_prob_threshold=None,
            compression_ratio_threshold=None,
        )
        if language is None:
            self._language.detected(info.language, info.language_probability, seconds)
        # One window is one segment; asking for a second would decode the silence behind the last word.
        segment = next(iter(segments), None)
        if segment is None:
            return _Piece(Reading("", seconds, 0.0))
        reading = Reading(
            text=" ".join(safe_text(segment.text).split()),
            seconds=seconds,
            mean_log_probability=segment.avg_logprob,
            no_speech=segment.no_speech_prob,
            ended=len(segment.tokens) < most,
        )
        return _Piece(reading, tuple(_word(word, offset) for word in segment.words or ()))

    def _allowance(self, most: int, hotwords: str) -> int:
        """What to ask for to be given ``most`` tokens.

        CTranslate2 stops at half of the prompt and the new tokens together, however few of them are the
        prompt's (``WhisperReplica::generate`` in https://github.com/OpenNMT/CTranslate2, whisper.cc).
        """
        prompt = 4 if self._model.model.is_multilingual else 2
        prompt += 1 + self._tokens(hotwords) if hotwords else 0
        return max(most, 2 * most - prompt)

    def _tokens(self, text: str) -> int:
        return len(self._model.hf_tokenizer.encode(f" {text}", add_special_tokens=False).ids)

    def _checked(self, language: str | None) -> str | None:
        """The language wanted, if the model knows it."""
        if language is None or language in self._model.supported_languages:
            return language
        if not self._model.model.is_multilingual:
            model = known_model(self._name.removesuffix(".en"))
            raise LanguageUnknown(
                f"The speech model {self._name} knows English only, not {language}.",
                hint=f"Choose a model without .en, such as {model.name if model else 'base'}.",
            )
        raise LanguageUnknown(
            f"Whisper does not know the language {language}.",
            hint="Give it as two letters, such as en, de or fr.",
        )

    def _hotwords(self, hotwords: Sequence[str]) -> str:
        """As many as fit beside the longest answer."""
        line = ""
        for hotword in hotwords:
            longer = f"{line}, {hotword}" if line else hotword
            if self._tokens(longer) > _HOTWORD_TOKENS:
                break
            line = longer
        return line

    @property
    def _default_language(self) -> str:
        return "" if self._model.model.is_multilingual else "en"


def speech_pieces(samples: Samples) -> list[tuple[int, int]]:
    """Where somebody speaks, as pieces of at most `LONGEST_PIECE` seconds cut at pauses; in samples.

    Whisper is not asked about silence: it would make something up.
    """
    if len(samples) < SAMPLE_RATE // 20:
        return []
    pieces: list[tuple[int, int]] = []
    for stretch in get_speech_timestamps(samples, _ACTIVITY):
        start, end = int(stretch["start"]), int(stretch["end"])
        if pieces and end - pieces[-1][0] <= LONGEST_PIECE * SAMPLE_RATE:
            pieces[-1] = pieces[-1][0], end
        else:
            pieces.append((start, end))
    return pieces


def _another(folder: Path, name: str) -> str:
    """What to do about a model that does not load; only a folder of ours is fetched again."""
    if known_model(name):
        return f"Delete the folder {folder} and run `tensorwall voice setup --model {name}`."
    return "It is damaged or of another kind. Give another folder, or a name such as base."


def _word(word: TimedWord, offset: float) -> Word:
    text = " ".join(safe_text(word.word).split())
    return Word(text, offset + float(word.start), offset + float(word.end), float(word.probability))


def _confidence(readings: Sequence[Reading]) -> float:
    """Of all pieces, each by its length."""
    spoken = [reading for reading in readings if reading.text]
    seconds = sum(reading.seconds for reading in spoken)
    if not seconds:
        return 0.0
    mean = sum(min(0.0, reading.mean_log_probability) * reading.seconds for reading in spoken) / seconds
    return exp(mean)
