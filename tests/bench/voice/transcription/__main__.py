"""What trimming the encoder's window saves, and whether it costs words.

``python -m tests.bench.voice.transcription``; needs ``python -m tests.voice_models`` once. The same human
speech is decoded with the window that fits it and with Whisper's 30 s, by the same code. The exit status is 1
where trimmed decoding is more than one point of word error rate worse, or its encoder takes more than a
quarter of the time.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass, field

from core.voice.transcription.recogniser import Recogniser
from core.voice.transcription.short_window import ShortWindowModel
from core.voice.transcription.transcriber import Hints
from tests.bench.voice.word_errors import word_errors
from tests.voice_models import Clip, speech_clips, whisper_base

ROUNDS = 3
THREADS = 2
MOST_POINTS = 1.0
LARGEST_SHARE = 0.25


@dataclass
class Figures:
    """What one way of decoding gave."""

    errors: int = 0
    words: int = 0
    encoder: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    @property
    def word_error_rate(self) -> float:
        """In percent."""
        return 100 * self.errors / self.words


class TimedModel:
    """Counts the time that a model's encoder takes."""

    def __init__(self, model: ShortWindowModel) -> None:
        self.seconds = 0.0
        self._encode = model.encode
        model.encode = self._timed

    def _timed(self, features: object) -> object:
        begun = time.perf_counter()
        encoded = self._encode(features)
        tuple(encoded.shape)  # the result is computed by now
        self.seconds += time.perf_counter() - begun
        return encoded


def main() -> int:
    """Decode, print and judge."""
    folder, clips = whisper_base(), speech_clips()
    if folder is None or not clips:
        print("skipped: no real weights or speech here; python -m tests.voice_models fetches them")
        return 0
    recogniser = Recogniser(folder, "base", THREADS)
    recogniser.warm()
    model = recogniser._model
    timer = TimedModel(model)
    figures = {"trimmed": Figures(), "30 s": Figures()}
    for number in range(ROUNDS):
        for clip in clips:
            _decode(recogniser, timer, clip, figures["trimmed"], counts=number == 0)
            with model.full_window():
                _decode(recogniser, timer, clip, figures["30 s"], counts=number == 0)
    seconds = sum(len(clip.samples()) for clip in clips) / 16_000
    print(f"Whisper base, int8, {THREADS} threads; {len(clips)} clips, {seconds:.0f} s of speech")
    print(f"{'window':<10}{'WER':>8}{'encoder, median':>18}{'recording to text':>20}")
    for name, found in figures.items():
        print(
            f"{name:<10}{found.word_error_rate:>7.1f}%{statistics.median(found.encoder) * 1000:>15.0f} ms"
            f"{statistics.median(found.whole) * 1000:>17.0f} ms"
        )
    trimmed, full = figures.values()
    points = trimmed.word_error_rate - full.word_error_rate
    share = sum(trimmed.encoder) / sum(full.encoder)
    print(f"trimmed: {points:+.1f} points of word error rate, {share:.2f} of the encoder's time")
    return int(points > MOST_POINTS or share > LARGEST_SHARE)


def _decode(recogniser: Recogniser, timer: TimedModel, clip: Clip, figures: Figures, *, counts: bool) -> None:
    timer.seconds, begun = 0.0, time.perf_counter()
    heard = recogniser.transcribe(clip.samples(), Hints(language="en"))
    figures.whole.append(time.perf_counter() - begun)
    figures.encoder.append(timer.seconds)
    if counts:
        figures.errors += word_errors(clip.words, heard.text)
        figures.words += len(clip.words.split())


if __name__ == "__main__":
    sys.exit(main())
