"""What the ten-second check makes of loudness and speed."""

from __future__ import annotations

import math

import pytest

from app.cli.sound_check import judge_microphone, judge_speed

SENTENCE = "This is your assistant. The quick brown fox jumps over the lazy dog."


@pytest.mark.parametrize(
    ("noise", "speech", "state", "found"),
    [
        ([-math.inf] * 50, None, "broken", "nothing but silence"),
        ([], None, "broken", "nothing but silence"),
        ([-62.0] * 50, None, "ok", "noise at -62 dB"),
        ([-38.0] * 50, None, "note", "noise at -38 dB"),
        ([-62.0] * 50, [-62.0] * 50 + [-25.0] * 60, "ok", "speech at -25 dB"),
        ([-62.0] * 50, [-61.0] * 110, "note", "nobody was heard"),
        ([-70.0] * 50, [-48.0] * 110, "note", "soft"),
        ([-60.0] * 50, [-3.0] * 110, "note", "too loud"),
        ([-35.0] * 50, [-25.0] * 110, "note", "noisy"),
    ],
)
def test_levels(noise: list[float], speech: list[float] | None, state: str, found: str) -> None:
    finding = judge_microphone(noise, speech)
    assert finding.state == state
    assert found in finding.finding
    assert bool(finding.mend) == (state != "ok")


@pytest.mark.parametrize(
    ("model", "text", "took", "state", "mend"),
    [
        ("base", SENTENCE, 0.3, "ok", "tensorwall voice setup --model small"),
        ("base", SENTENCE, 0.6, "ok", ""),
        ("base", SENTENCE, 1.5, "note", "tensorwall voice setup --model tiny"),
        ("tiny", SENTENCE, 3.0, "note", "tensorwall config set voice.transcriber groq"),
        ("small", SENTENCE, 0.1, "ok", "tensorwall voice setup --model turbo"),
        ("base", "Thank you.", 0.3, "note", ""),
        ("/home/me/models/mine", SENTENCE, 0.3, "ok", ""),
        ("/home/me/models/mine", SENTENCE, 1.3, "note", ""),
    ],
)
def test_speed(model: str, text: str, took: float, state: str, mend: str) -> None:
    finding = judge_speed(model, text, 4.3, took)
    assert (finding.state, finding.mend) == (state, mend)
