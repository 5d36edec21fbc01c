"""The key that talks from any window."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tui.voice.hotkey import Chord, Hotkey
from core.errors import VoiceUnavailable


def test_a_chord_begins_with_its_last_key_and_ends_with_its_first_release():
    chord = Chord(["ctrl", "space"])
    assert not chord.press("ctrl")
    assert chord.press("space")
    assert not chord.press("space")  # the system repeats it
    assert chord.release("ctrl")
    assert not chord.release("space")


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["ctrl", "space", "a"]))))
def test_presses_and_releases_take_turns(events: list[tuple[bool, str]]):
    chord, told = Chord(["ctrl", "space"]), []
    for is_press, key in events:
        if is_press and chord.press(key):
            told.append("down")
        elif not is_press and chord.release(key):
            told.append("up")
    assert told == ["down" if n % 2 == 0 else "up" for n in range(len(told))]


@pytest.mark.skipif("DISPLAY" in os.environ, reason="keys can be heard here")
async def test_where_no_key_can_be_heard_it_says_what_it_takes():
    with pytest.raises(VoiceUnavailable, match=r"hotkey|X11"):
        Hotkey("<ctrl>+space", lambda: None, lambda: None)
