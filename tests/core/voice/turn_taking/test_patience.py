"""How long this user pauses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.turn_taking.patience import Patience


def test_at_first_it_is_the_setting():
    patience = Patience(1.5)
    patience.resumed_after(0.2)
    patience.resumed_after(0.2)
    assert patience.seconds == 1.5


def test_who_never_pauses_for_long_waits_less():
    patience = Patience(1.5)
    for _ in range(12):
        patience.resumed_after(0.3)
    assert patience.seconds == pytest.approx(0.75)


def test_long_pauses_bring_it_back():
    patience = Patience(1.5)
    for _ in range(12):
        patience.resumed_after(0.3)
    patience.resumed_after(1.4)
    assert patience.seconds > 1.2


def test_who_pauses_between_sentences_is_not_cut_off_there():
    patience = Patience(1.5)
    assert patience.wait(0.25) == pytest.approx(0.375)
    for _ in range(4):
        patience.resumed_after(0.6)
    assert patience.wait(0.25) == pytest.approx(0.6)
    assert patience.wait(0) == 0


@given(st.floats(0.3, 6), st.lists(st.floats(-1, 100)))
def test_it_stays_between_half_of_the_setting_and_the_setting(longest, pauses):
    patience = Patience(longest)
    for pause in pauses:
        patience.resumed_after(pause)
    assert longest / 2 <= patience.seconds <= longest
    assert 0 == patience.wait(0) <= patience.wait(0.25) <= patience.wait(0.6) <= patience.wait(1) <= longest
