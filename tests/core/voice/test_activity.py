"""Voice activity: as good frame by frame as over a whole recording."""

from types import SimpleNamespace

import pytest

np = pytest.importorskip("numpy")
vad = pytest.importorskip("faster_whisper.vad")

from core.errors import VoiceUnavailable  # noqa: E402
from core.voice.activity import SileroActivity  # noqa: E402
from core.voice.audio import FRAME_SAMPLES, SAMPLE_RATE  # noqa: E402

VOWELS = [(730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480)]
"""Formants of a, i, o and e, in hertz (Peterson and Barney 1952)."""


def voice(seconds: float, pitch: float = 120.0):
    """Vowels in the rhythm of syllables: harmonics of a pitch, shaped by formants."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros_like(time)
    for place, formants in enumerate(VOWELS):
        sounding = (np.floor(time * 4) % len(VOWELS)) == place
        for harmonic in range(1, int(4000 / pitch)):
            hertz = harmonic * pitch
            gain = sum(1 / (1 + ((hertz - formant) / 80) ** 2) for formant in formants)
            sound += sounding * gain * np.sin(2 * np.pi * hertz * time)
    sound *= 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def noise(seconds: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    return (0.05 * rng.standard_normal(round(seconds * SAMPLE_RATE))).astype(np.float32)


def frames(sound):
    whole = len(sound) // FRAME_SAMPLES * FRAME_SAMPLES
    return sound[:whole].reshape(-1, FRAME_SAMPLES)


def test_frame_by_frame_agrees_with_the_whole_recording():
    # It ends in silence, as the batch function silences the last samples of what it is given.
    silence = np.zeros(FRAME_SAMPLES, dtype=np.float32)
    sound = np.concatenate([noise(1.024), voice(3.008), noise(1.024, seed=1), voice(1.024, 200), silence])
    activity = SileroActivity()
    ours = [activity(frame) for frame in frames(sound)]
    theirs = vad.get_vad_model()(frames(sound).ravel().copy()).ravel()
    assert len(ours) == len(theirs)
    assert np.abs(np.array(ours) - theirs).max() <= 0.001


def test_a_voice_is_speech_and_noise_is_none():
    activity = SileroActivity()
    assert max(activity(frame) for frame in frames(noise(2))) < 0.35
    assert np.mean([activity(frame) >= 0.5 for frame in frames(voice(2))]) > 0.8


def test_after_a_reset_the_same_sound_is_judged_the_same():
    activity = SileroActivity()
    first = [activity(frame) for frame in frames(voice(1))]
    assert [activity(frame) for frame in frames(voice(1))] != first
    activity.reset()
    assert [activity(frame) for frame in frames(voice(1))] == first


def test_two_do_not_share_what_they_heard():
    one, other = SileroActivity(), SileroActivity()
    for frame in frames(voice(1)):
        one(frame)
    silence = np.zeros(FRAME_SAMPLES, dtype=np.float32)
    assert other(silence) < 0.1
    assert one(silence) != other(silence)


@pytest.mark.parametrize("samples", [0, FRAME_SAMPLES - 1, 2 * FRAME_SAMPLES])
def test_a_frame_of_another_length_is_refused(samples):
    with pytest.raises(ValueError, match="512 samples"):
        SileroActivity()(np.zeros(samples, dtype=np.float32))


def test_another_network_is_refused_with_what_to_do(monkeypatch):
    def item(name, *shape):
        return SimpleNamespace(name=name, shape=list(shape))

    other = SimpleNamespace(
        get_inputs=lambda: [item("input", "batch", "length"), item("state", 2, "batch", 128)],
        get_outputs=lambda: [item("output", "batch", 1), item("state", 2, "batch", 128)],
    )
    monkeypatch.setattr(vad, "get_vad_model", lambda: SimpleNamespace(session=other))
    with pytest.raises(VoiceUnavailable) as caught:
        SileroActivity()
    assert "pip install" in caught.value.hint


def test_without_faster_whisper_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faster_whisper.vad", None)
    with pytest.raises(VoiceUnavailable) as caught:
        SileroActivity()
    assert "faster-whisper" in caught.value.message
    assert "tensorwall[voice]" in caught.value.hint
