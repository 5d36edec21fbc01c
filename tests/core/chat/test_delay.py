from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat.delay import delay_of

seconds = st.floats(0, 100)


def test_the_longest_part_is_at_fault() -> None:
    told = delay_of(0.7, 0.9, queue_time=0.5, prompt_time=0.05)
    assert told is not None
    expected = {"network": 0.15, "queue": 0.5, "prompt": 0.05, "generation": 0.2}
    assert dict(told.parts()) == pytest.approx(expected)
    assert told.fault == "queue"
    thinking = delay_of(0.2, 3.0, queue_time=0.01, prompt_time=0.01)
    assert thinking is not None
    assert thinking.fault == "generation"


def test_a_provider_that_tells_nothing_can_only_be_blamed_for_thinking() -> None:
    quick, slow = delay_of(0.7, 0.9, None, None), delay_of(0.1, 0.9, None, None)
    assert quick is not None
    assert slow is not None
    assert (quick.fault, slow.fault) == (None, "generation")
    assert quick.untold == 0.7
    assert dict(quick.parts()) == pytest.approx({"generation": 0.2})


def test_an_answer_that_never_began_has_no_delay() -> None:
    assert delay_of(None, None, 0.1, 0.1) is None


@given(seconds, st.none() | seconds, st.none() | seconds, st.none() | seconds)
def test_the_parts_are_the_whole(
    first_token: float, thinking: float | None, queue: float | None, prompt: float | None
) -> None:
    first_content = None if thinking is None else first_token + thinking
    told = delay_of(first_token, first_content, queue, prompt)
    assert told is not None
    assert told.whole == pytest.approx(first_content if first_content is not None else first_token)
    assert all(part >= 0 for _, part in told.parts())
