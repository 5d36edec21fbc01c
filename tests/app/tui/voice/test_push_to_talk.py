"""Holds, taps and repeats of the talk key, in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tui.voice.push_to_talk import (
    FIRST_REPEAT_SECONDS,
    Decision,
    HoldKey,
    Ladder,
    RepeatingKey,
    ToggleKey,
    choose_ladder,
)

START, HELD, TAPPED, CANCEL, TYPE = (
    Decision.START,
    Decision.END_HELD,
    Decision.END_TAPPED,
    Decision.CANCEL,
    Decision.TYPE,
)


def wait(ladder: Ladder, until: float) -> list[Decision]:
    """Let time pass as the screen does: by the ladder's own alarm."""
    decisions = []
    while ladder.wake_at is not None and ladder.wake_at <= until:
        decisions += ladder.advance(ladder.wake_at)
    return decisions


def pressed(ladder: Ladder, *times: float) -> list[Decision]:
    """Presses at these times, and everything that follows of them."""
    decisions = []
    for at in times:
        decisions += wait(ladder, at)
        decisions += ladder.press(at)
    return decisions + wait(ladder, times[-1] + 10)


class TestReleasesAreTold:
    def test_a_hold_records_from_its_first_moment(self):
        key = HoldKey()
        assert key.press(0) == [START]
        assert key.active
        assert key.release(1.5) == [HELD]
        assert not key.active

    def test_a_tap_types_its_space(self):
        key = HoldKey()
        assert key.press(0, types=True) == [START]
        assert key.release(0.1) == [CANCEL, TYPE]

    def test_a_tap_of_a_key_without_a_character_latches_until_the_next(self):
        key = HoldKey()
        assert [*key.press(0), *key.release(0.1)] == [START]
        assert key.active
        assert [*key.press(9), *key.release(9.1)] == [TAPPED]

    def test_focus_ends_a_hold_unsent_but_not_a_latch(self):
        key = HoldKey()
        key.press(0)
        assert key.let_go(2) == [TAPPED]
        assert key.release(3) == []
        key.press(4)
        key.release(4.1)
        assert key.let_go(5) == []
        assert key.active

    def test_focus_lost_at_once_was_no_recording(self):
        key = HoldKey()
        key.press(0)
        assert key.let_go(0.1) == [CANCEL]

    def test_a_release_that_was_lost_is_found_by_the_next_press(self):
        key = HoldKey()
        key.press(0)
        assert key.press(5) == [HELD]
        assert key.release(5.1) == []

    def test_after_escape_the_release_says_nothing(self):
        key = HoldKey()
        key.press(0)
        key.ended(1)
        assert key.release(2) == []
        assert key.press(3) == [START]


class TestRepeatsLookLikePresses:
    def test_a_tap_starts_and_the_next_one_stops(self):
        assert pressed(RepeatingKey(), 0, 3) == [START, TAPPED]

    def test_two_quick_taps_are_two_taps(self):
        assert pressed(RepeatingKey(), 0, 0.4) == [START, TAPPED]

    def test_a_quick_tap_after_stopping_starts_again(self):
        assert pressed(RepeatingKey(), 0, 3, 3.4) == [START, TAPPED, START]

    def test_the_key_held_to_stop_does_not_start_again(self):
        repeats = [5.5 + n * 0.03 for n in range(30)]
        assert pressed(RepeatingKey(), 0, 5, *repeats) == [START, TAPPED]

    def test_where_only_taps_count_a_hold_goes_on_until_the_next_tap(self):
        repeats = [0.5 + n * 0.03 for n in range(30)]
        key = RepeatingKey(hold=False)
        assert pressed(key, 0, *repeats) == [START]
        assert key.active
        assert pressed(key, 20) == [TAPPED]

    def test_focus_ends_a_hold_and_later_repeats_start_nothing(self):
        key = RepeatingKey()
        repeats = [0.5 + n * 0.03 for n in range(20)]
        for at in (0, *repeats):
            key.press(at)
        assert key.let_go(1.1) == [TAPPED]
        assert pressed(key, 1.13, 1.16, 1.19) == []

    def test_a_pace_once_learned_tells_the_release_sooner(self):
        key = RepeatingKey()
        for at in (0, 0.5, 0.53, 0.56):
            key.press(at)
        assert key.window == pytest.approx(0.18)

    @given(
        delay=st.floats(0.05, FIRST_REPEAT_SECONDS - 0.04),
        interval=st.floats(0.015, 0.12),
        jitter=st.lists(st.floats(0, 0.03), min_size=3, max_size=60),
    )
    def test_a_hold_is_one_recording_whatever_the_pace(
        self, delay: float, interval: float, jitter: list[float]
    ):
        times, at = [0.0], delay
        for late in jitter:
            times.append(at + late)
            at += max(interval, late)
        assert pressed(RepeatingKey(), *times) == [START, HELD]

    @given(st.lists(st.floats(FIRST_REPEAT_SECONDS + 0.01, 30), max_size=9))
    def test_taps_take_turns(self, gaps: list[float]):
        times = [sum(gaps[:n]) for n in range(len(gaps) + 1)]
        expected = [START if n % 2 == 0 else TAPPED for n in range(len(times))]
        assert pressed(RepeatingKey(), *times) == expected


class TestTapping:
    def test_where_repeats_are_told_every_press_is_a_tap(self):
        key = ToggleKey()
        assert [*key.press(0), *key.release(3), *key.press(3.1)] == [START, TAPPED]


@pytest.mark.parametrize(
    ("mode", "releases", "kind"),
    [
        ("auto", True, HoldKey),
        ("auto", False, RepeatingKey),
        ("hold", True, HoldKey),
        ("hold", False, RepeatingKey),
        ("toggle", True, ToggleKey),
        ("toggle", False, RepeatingKey),
        ("hands_free", True, HoldKey),
    ],
)
def test_the_ladder_fits_setting_and_terminal(mode: str, releases: bool, kind: type):
    assert isinstance(choose_ladder(mode, releases=releases), kind)


_CALLS = st.lists(
    st.tuples(
        st.sampled_from(["press", "type", "release", "advance", "let_go", "ended"]),
        st.floats(0, 2, allow_nan=False),
    ),
    max_size=40,
)


@given(st.sampled_from([HoldKey, ToggleKey, RepeatingKey]), _CALLS)
def test_recordings_never_overlap_and_active_says_whether_one_runs(
    kind: type[Ladder], calls: list[tuple[str, float]]
):
    ladder, now, running = kind(), 0.0, False
    for name, step in calls:
        now += step
        decisions: list[Decision] = []
        match name:
            case "press" | "type":
                decisions = ladder.press(now, types=name == "type")
            case "ended":
                ladder.ended(now)
                running = False
            case _:
                decisions = getattr(ladder, name)(now)
        for decision in decisions:
            if decision is START:
                assert not running
                running = True
            elif decision is not TYPE:
                assert running
                running = False
        assert ladder.active is running
