"""The assistant's own voice in the microphone, through a synthetic room, judged by the real Silero."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from core.voice.activity import SileroActivity
from core.voice.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples
from core.voice.engine.echo import CancelEcho, EchoPolicy, LetEchoIn, RestMicrophone
from core.voice.engine.microphone import Captured
from core.voice.engine.playback import Playback
from core.voice.engine.speaker import Speaker
from tests.core.voice.engine.spoken import ANSWER, QUESTION, spoken

_BLOCK = SAMPLE_RATE // 100
_SPEECH = 0.5
_REVERBERATION = 0.15


def _room(sound: Samples, *, gain: float, delay: float) -> Samples:
    """``sound`` as a microphone hears it from a speaker in a room, ``delay`` seconds later."""
    length = round(_REVERBERATION * SAMPLE_RATE)
    response = np.random.default_rng(1).standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    response[0] = 4
    response *= 10 ** (gain / 20) / np.linalg.norm(response)
    late = np.zeros(round(delay * SAMPLE_RATE))
    return np.concatenate((late, np.convolve(sound, response)))[: len(sound)].astype(np.float32)


def _through(policy: EchoPolicy, far: Samples, near: Samples) -> tuple[Samples, list[float]]:
    """What the policy makes of ``near`` while ``far`` is played, and how likely each frame is the user."""
    speaker = Speaker("a speaker", SAMPLE_RATE, 1, Playback(1.0), lambda: None)
    cleaned: list[Samples] = []
    for end in range(_BLOCK, len(near) + 1, _BLOCK):
        now = end / SAMPLE_RATE
        block = far[end - _BLOCK : end]
        speaker.played.write(block)
        speaker.clock.observe(speaker.played.written, now)
        if block.any():
            speaker.sounds_until = now
        cleaned.append(policy.clean(Captured(near[end - _BLOCK : end], now, now), speaker))
    whole = np.concatenate(cleaned)
    return whole, _judged(whole)


def _judged(sound: Samples) -> list[float]:
    activity = SileroActivity()
    starts = range(0, len(sound) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    return [activity(sound[start : start + FRAME_SAMPLES]) for start in starts]


def _rate(speech: list[float]) -> float:
    return sum(each > _SPEECH for each in speech) / len(speech)


def _noise(count: int) -> Samples:
    return (1e-4 * np.random.default_rng(2).standard_normal(count)).astype(np.float32)


@pytest.mark.parametrize("delay", [0.03, 0.15, 0.4])
def test_the_assistants_voice_alone_is_never_speech(delay: float) -> None:
    far = spoken(ANSWER)
    near = _room(far, gain=-10, delay=delay) + _noise(len(far))
    _, let_in = _through(LetEchoIn(), far, near)
    assert _rate(let_in) > 0.7
    policy = CancelEcho()
    _, cancelled = _through(policy, far, near)
    assert _rate(cancelled) == 0
    assert policy.reduction is not None
    assert policy.reduction > 15


def test_the_user_is_heard_over_the_assistant() -> None:
    far = spoken(ANSWER)
    user = np.zeros_like(far)
    begins = 3 * SAMPLE_RATE
    question = spoken(QUESTION)[: len(far) - begins]
    user[begins : begins + len(question)] = question
    alone = _judged(user)
    _, found = _through(CancelEcho(), far, user + _room(far, gain=-10, delay=0.15) + _noise(len(far)))
    over_it = [there for there, heard in zip(found, alone, strict=False) if heard > _SPEECH]
    assert _rate(over_it) > 0.7
    before = found[: begins // FRAME_SAMPLES]
    assert _rate(before) == 0


def test_the_canceller_sleeps_while_nothing_is_played() -> None:
    near = spoken(QUESTION)
    cleaned, _ = _through(CancelEcho(), np.zeros_like(near), near)
    assert np.array_equal(cleaned, near[: len(cleaned)])


def test_it_is_not_trusted_until_it_has_learned_the_room() -> None:
    far = spoken(ANSWER)
    policy = CancelEcho()
    assert policy.may_be_user(0)
    _through(policy, far[: SAMPLE_RATE // 2], _room(far, gain=-10, delay=0.15)[: SAMPLE_RATE // 2])
    assert not policy.may_be_user(1)
    assert policy.may_be_user(5), "the assistant was stopped early, and is silent"
    _through(policy, far, _room(far, gain=-10, delay=0.15))
    assert policy.may_be_user(10)


def test_half_duplex_hears_nothing_while_it_plays_and_a_moment_after() -> None:
    far = np.concatenate((spoken(ANSWER)[:SAMPLE_RATE], np.zeros(SAMPLE_RATE, np.float32)))
    near = np.full_like(far, 0.1)
    policy = RestMicrophone()
    cleaned, _ = _through(policy, far, near)
    assert not cleaned[: np.flatnonzero(far)[-1]].any()
    assert np.array_equal(cleaned[-SAMPLE_RATE // 2 :], near[-SAMPLE_RATE // 2 :])
    last = math.ceil(100 * np.flatnonzero(far)[-1] / SAMPLE_RATE) / 100
    assert not policy.may_be_user(last + 0.2)
    assert policy.may_be_user(last + 0.4)


def test_without_the_canceller_the_engine_rests_the_microphone_and_says_so() -> None:
    code = (
        "import sys, asyncio; sys.modules['pywebrtc_audio'] = None\n"
        "from core.voice.engine import AudioEngine\n"
        "async def first():\n"
        "    engine = AudioEngine(microphone=None, speaker=None, echo='cancel', activity=lambda frame: 0.0)\n"
        "    print(await anext(aiter(engine)))\n"
        "asyncio.run(first())\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "EchoNotCancelled()", ran.stderr
