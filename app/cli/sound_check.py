"""Ten seconds with microphone and speaker: is the room quiet, is speech heard, how soon is it understood."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.finding import Finding
from app.cli.output import note
from app.figures import duration
from core.errors import VoiceError

if TYPE_CHECKING:
    from core.voice.audio import PcmChunk, Samples
    from core.voice.engine import AudioEngine
    from core.voice.synthesis.synthesiser import Synthesiser
    from core.voice.transcription.transcriber import Transcriber

__all__ = ("SoundCheck", "judge_microphone", "judge_speed")

_SENTENCE = "This is your assistant. The quick brown fox jumps over the lazy dog."
_CLEAR_WORDS = ("quick", "brown", "fox", "lazy", "dog")
_QUIET = 2.0
_TALK = 4.0
_PATIENCE = 5.0
_FRAME = 512

_NOISY = -45.0
"""Decibels below full scale: a fan beside the microphone. A quiet room has -60 and less."""
_SOFT = -42.0
"""Speech softer than this sinks into the noise of a laptop's own microphone."""
_LOUD = -6.0
"""Speech louder than this distorts as soon as somebody laughs."""
_APART = 15.0
"""Decibels that speech wants above the noise; closer to it words get lost."""

_ECHO = 6.0
"""Decibels: less was cancelled where nothing of the speaker reaches the microphone."""

_SOON = 1.0
"""Seconds that a sentence may take to be understood before one waits for it."""
_OFFERED = ("tiny", "base", "small", "turbo")
"""Models for any language, each better than the one before and slower in proportion to its size."""


@dataclass(slots=True)
class SoundCheck:
    """The parts that are checked together.

    Attributes:
        transcriber: ``None`` where there is none to check: no weights, or it is a service.
        model: the name or folder of its model.
        person: somebody is there and can be asked to speak.
    """

    engine: AudioEngine
    synthesiser: Synthesiser
    transcriber: Transcriber | None
    model: str
    person: bool

    async def run(self) -> list[Finding]:
        """Open the devices, listen, speak, understand. What fails is among the findings."""
        try:
            await self.engine.open()
        except VoiceError as error:
            await self.engine.aclose()
            return [Finding("sound", "broken", error.message, error.hint)]
        troubles: list[Finding] = []
        heard = asyncio.Event()
        watching = asyncio.create_task(self._watch(troubles, heard))
        try:
            noise = await self._listen("Please be quiet for two seconds…", _QUIET)
            spoken, speaker = await self._speak(heard)
            speech = None
            if self.person:
                speech = await self._listen("Now say something, for four seconds…", _TALK)
        finally:
            await self.engine.aclose()
            await watching
        findings = [judge_microphone(_levels(noise), None if speech is None else _levels(speech)), speaker]
        if self.transcriber is not None:
            findings += await self._understand(self.transcriber, spoken, speech)
        return [*findings, *troubles]

    async def _watch(self, troubles: list[Finding], heard: asyncio.Event) -> None:
        from core.voice.engine.events import ClauseEnded, DeviceLost, MicrophoneTrouble

        async for event in self.engine:
            match event:
                case ClauseEnded():
                    heard.set()
                case MicrophoneTrouble(kind=kind, hint=hint) if (
                    kind != "zeros"
                ):  # the microphone's row has it
                    troubles.append(Finding("trouble", "note", f"the microphone: {kind}", hint))
                case DeviceLost(direction=direction, reason=reason):
                    troubles.append(Finding(direction, "broken", f"it cannot be used: {reason}"))
                    heard.set()

    async def _listen(self, request: str, seconds: float) -> Samples:
        note(request)
        since = self.engine.now()
        await asyncio.sleep(seconds)
        return self.engine.recording(since, since + seconds)

    async def _speak(self, heard: asyncio.Event) -> tuple[list[PcmChunk], Finding]:
        """Say the sentence; its sound, and whether it came out."""
        note("The assistant speaks…")
        chunks: list[PcmChunk] = []
        heard.clear()
        try:
            async for chunk in self.synthesiser.speak(_SENTENCE):
                chunks.append(chunk)
                self.engine.play(0, chunk)
        except VoiceError as error:
            return [], Finding("speaker", "broken", error.message, error.hint)
        self.engine.end(0)
        seconds = sum(chunk.seconds for chunk in chunks)
        try:
            await asyncio.wait_for(heard.wait(), seconds + _PATIENCE)
        except TimeoutError:
            finding = Finding("speaker", "broken", "it takes no sound", "Choose another: --speaker NAME")
            return chunks, finding
        return chunks, self._judge_echo()

    def _judge_echo(self) -> Finding:
        name = self.engine.speaker_name or "the speaker"
        reduction = self.engine.echo_reduction
        audible = reduction is not None and reduction > _ECHO
        echo = f"; its echo in the microphone is cancelled by {reduction:.0f} dB" if audible else ""
        return Finding("speaker", "ok", f"{name}{echo}")

    async def _understand(
        self, transcriber: Transcriber, spoken: list[PcmChunk], speech: Samples | None
    ) -> list[Finding]:
        from core.voice.transcription.transcriber import Hints

        findings = []
        try:
            await transcriber.warm()
            if speech is not None:
                note("Understanding…")
                text = (await transcriber.transcribe(speech, Hints())).text
                said = f"“{text}”" if text else "nothing was understood"
                findings.append(Finding("understood", "ok" if text else "note", said))
            if spoken:
                own = await transcriber.transcribe(_at_16_khz(spoken), Hints(language="en"))
                findings.append(judge_speed(self.model, own.text, own.seconds, own.took))
        except VoiceError as error:
            findings.append(Finding("transcription", "broken", error.message, error.hint))
        return findings


def judge_microphone(noise: list[float], speech: list[float] | None) -> Finding:
    """What loudness tells about a microphone.

    Args:
        noise: decibels below full scale, frame by frame, while nobody spoke.
        speech: while somebody did; ``None`` where nobody was asked to.
    """
    if not noise or max(noise) == -math.inf:
        mend = "It may be muted, or the terminal may not be allowed to use it: see `tensorwall doctor`."
        return Finding("microphone", "broken", "it gives nothing but silence", mend)
    floor = _percentile(noise, 50)
    quiet = f"noise at {floor:.0f} dB"
    if speech is None:
        if floor > _NOISY:
            return Finding("microphone", "note", quiet, "Move it away from the noise.")
        return Finding("microphone", "ok", quiet)
    loud = _percentile(speech, 90)
    figures = f"speech at {loud:.0f} dB, {quiet}"
    if loud - floor < _APART and loud < _SOFT:
        return Finding("microphone", "note", f"{figures}: nobody was heard", "Speak up, or choose another.")
    if loud < _SOFT:
        return Finding(
            "microphone", "note", f"{figures}: soft", "Turn its level up in the system's settings."
        )
    if loud > _LOUD:
        return Finding("microphone", "note", f"{figures}: too loud", "Turn its level down, or move away.")
    if loud - floor < _APART:
        return Finding("microphone", "note", f"{figures}: noisy", "Move closer to it, or use a headset.")
    return Finding("microphone", "ok", figures)


def judge_speed(model: str, text: str, seconds: float, took: float) -> Finding:
    """Whether a model is quick enough here, and the one that would be best.

    Args:
        model: its name or folder.
        text: what it understood of the assistant's own sentence.
        seconds: how long the sentence is.
        took: how long understanding took.
    """
    from core.voice.transcription.models import known_model, model_name

    clear = sum(word in text.lower() for word in _CLEAR_WORDS)
    finding = f"Whisper {model_name(model)} understood {seconds:.1f} s in {duration(took)}"
    known = known_model(model)
    if clear < len(_CLEAR_WORDS) // 2 and known is not None and known.name != "tiny":
        return Finding("transcription", "note", f"{finding}, but not the words: “{text}”")
    if known is None:
        return Finding("transcription", "ok" if took < _SOON else "note", finding)
    times = {other.name: took * other.size / known.size for other in map(known_model, _OFFERED) if other}
    best = next((name for name in reversed(_OFFERED) if times[name] <= _SOON), None)
    if best is None:
        mend = "tensorwall config set voice.transcriber groq"
        return Finding("transcription", "note", f"{finding}: slow, and any other would be", mend)
    mend = f"tensorwall voice setup --model {best}"
    if took > _SOON:
        return Finding("transcription", "note", f"{finding}: {best} would take {duration(times[best])}", mend)
    if _OFFERED.index(best) > 0 and times[best] > took * 1.5:
        better = f"{finding}; {best} is better and would take {duration(times[best])}"
        return Finding("transcription", "ok", better, mend)
    return Finding("transcription", "ok", finding)


def _levels(samples: Samples) -> list[float]:
    """Decibels below full scale, frame by frame."""
    import numpy as np

    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.mean(np.square(frames), axis=1)
    return [10 * math.log10(value) if value else -math.inf for value in power.tolist()]


def _percentile(levels: list[float], percent: int) -> float:
    return sorted(levels)[min(len(levels) - 1, len(levels) * percent // 100)]


def _at_16_khz(chunks: list[PcmChunk]) -> Samples:
    import numpy as np
    import soxr

    from core.voice.audio import SAMPLE_RATE

    pcm = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2").astype(np.float32) / 32768
    samples: Samples = soxr.resample(pcm, chunks[0].sample_rate, SAMPLE_RATE)
    return samples
