"""The voice bar's text, in every state and width."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from app.tui.voice.voice_line import VoiceStatus, voice_line
from core.voice.turn_taking.actions import State

FULL = VoiceStatus(
    state="recording",
    elapsed=64.2,
    level=0.1,
    hint="release Space to send   Esc discards",
    hands_free=True,
    language="en",
    voice="eSpeak en-us",
    microphone="Built-in Audio Analog Stereo",
    echo=-24.3,
)


def text(status: VoiceStatus, width: int) -> str:
    return "".join(span.text for span in voice_line(status, width))


def test_everything_is_said_where_there_is_room():
    said = text(FULL, 160)
    for part in (
        "● Recording 1:04",
        "release Space",
        "hands-free",
        "en",
        "eSpeak en-us",
        "Built-in",
        "-24 dB",
    ):
        assert part in said
    assert said.count("━") == 13  # -20 dB of 60


def test_no_echo_to_reduce_is_not_told_as_reduced():
    assert "echo" in text(FULL, 160)
    assert "echo" not in text(replace(FULL, echo=-1.0), 160)


def test_what_matters_less_goes_first():
    assert "eSpeak" not in text(FULL, 90)
    assert "● Recording 1:04" in text(FULL, 40)
    assert "━" in text(FULL, 40)


@given(
    state=st.sampled_from(get_args(State)),
    width=st.integers(1, 200),
    level=st.none() | st.floats(0, 1),
    name=st.text(max_size=80),
)
def test_the_microphones_state_is_seen_at_every_width(
    state: State, width: int, level: float | None, name: str
):
    status = replace(FULL, state=state, elapsed=None, level=level, microphone=name, voice=name)
    said = text(status, width)
    assert cell_len(said) <= width
    assert said[0] == text(status, 500)[0]
    if width >= 30:
        assert text(VoiceStatus(state), 500).split("   ")[0] in said


@pytest.mark.parametrize(("left", "ring"), [(1.5, "●"), (1.1, "◕"), (0.75, "◑"), (0.4, "◔"), (0.0, "○")])
def test_the_countdown_is_a_ring_that_empties(left: float, ring: str):
    said = text(VoiceStatus("closing", closes_in=left, closes_of=1.5), 80)
    assert said == f"{ring} Done in {left:.1f} s"


def test_a_turn_that_is_held_open_says_so():
    assert text(VoiceStatus("closing"), 80) == "● Held open"


def test_the_meter_warns_of_clipping():
    tones = {span.tone for span in voice_line(VoiceStatus("recording", level=1.0), 80) if "━" in span.text}
    assert tones == {"error"}


def test_it_says_that_there_is_no_microphone_and_never_that_one_is_open():
    for state in ("ready", "listening", "recording"):
        assert text(VoiceStatus(state, is_there=False), 80).startswith("⊘ No microphone")
    assert text(VoiceStatus("speaking", is_there=False), 80).startswith("◉ Speaking")
