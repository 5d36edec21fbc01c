from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.tui.transcript.heights import Heights

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 9)),
        st.tuples(st.just("set"), st.integers(0, 30), st.integers(0, 9)),
        st.tuples(st.just("cut"), st.integers(0, 30)),
        st.tuples(st.just("find"), st.integers(-2, 100)),
    ),
    max_size=60,
)


@given(steps=STEPS)
def test_agrees_with_adding_up(steps: list[tuple[str, int] | tuple[str, int, int]]) -> None:
    heights, plain = Heights(), list[int]()
    for name, *numbers in steps:
        if name == "append":
            heights.append(numbers[0])
            plain.append(numbers[0])
        elif name == "set" and plain:
            heights.set(numbers[0] % len(plain), numbers[1])
            plain[numbers[0] % len(plain)] = numbers[1]
        elif name == "cut":
            heights.cut(numbers[0])
            del plain[numbers[0] :]
        elif name == "find" and 0 <= numbers[0] < sum(plain):
            index = heights.find(numbers[0])
            assert sum(plain[:index]) <= numbers[0] < sum(plain[: index + 1])
        assert heights.total == sum(plain)
        assert [heights.top(index) for index in range(len(plain) + 1)] == [
            sum(plain[:index]) for index in range(len(plain) + 1)
        ]


def test_below_the_end_is_the_last_item() -> None:
    heights = Heights()
    heights.append(3)
    heights.append(2)
    assert heights.find(99) == 1
