"""The meter in virtual time."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import Price
from core.chat import (
    Event,
    Finished,
    ReasoningDelta,
    RouteChosen,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from core.costs.meter import SPEED_POINTS, Meter

PRICE = Price("test", input=Decimal("0.15"), output=Decimal("0.60"), cached_input=Decimal("0.075"))
SAMPLES = json.loads((Path(__file__).parent / "o200k_tokens.json").read_text(encoding="utf-8"))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def stream(meter: Meter, clock: Clock, chunks: list[str], *, every: float) -> None:
    for chunk in chunks:
        clock.now += every
        meter.on_event(TextDelta(chunk))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> Meter:
    return Meter(clock, PRICE, prompt_tokens=50)


def test_before_anything_arrives_only_the_prompt_costs(meter: Meter, clock: Clock) -> None:
    meter.started()
    clock.now += 0.4
    reading = meter.reading()
    assert (reading.ttft, reading.first_reasoning, reading.tokens_per_second) == (None, None, None)
    assert reading.elapsed == pytest.approx(0.4)
    assert reading.tokens == 0
    assert reading.cost == 50 * Decimal("0.15") / 1_000_000
    assert reading.estimated
    assert reading.speeds == (0.0,) * SPEED_POINTS


def test_the_first_content_and_the_first_reasoning_are_timed_apart(meter: Meter, clock: Clock) -> None:
    clock.now += 7  # typing
    meter.started()
    clock.now += 0.25
    meter.on_event(TextDelta(""))  # the chunk that only carries the role
    meter.on_event(ReasoningDelta("Hmm"))
    clock.now += 0.5
    meter.on_event(TextDelta("Hello"))
    clock.now += 1
    meter.on_event(TextDelta(" there"))
    reading = meter.reading()
    assert reading.first_reasoning == pytest.approx(0.25)
    assert reading.ttft == pytest.approx(0.75)
    assert reading.tokens == 3


def test_a_tool_call_counts_as_content(meter: Meter, clock: Clock) -> None:
    meter.started()
    clock.now += 0.3
    meter.on_event(ToolCallDelta(0, id="call_1", name="weather"))
    meter.on_event(ToolCallDelta(0, arguments='{"city":'))
    assert meter.reading().ttft == pytest.approx(0.3)
    assert meter.reading().tokens >= 2


@pytest.mark.parametrize("name", SAMPLES)
def test_one_token_a_chunk_is_counted_by_chunks(meter: Meter, clock: Clock, name: str) -> None:
    chunks = SAMPLES[name]["chunks"]
    stream(meter, clock, chunks, every=0.001)
    assert len(chunks) <= meter.reading().tokens <= len(chunks) + 2


@pytest.mark.parametrize("size", [3, 8, 40])
@pytest.mark.parametrize("name", ["prose", "chinese", "code", "markdown", "russian"])
def test_batched_chunks_are_counted_by_their_text(meter: Meter, clock: Clock, name: str, size: int) -> None:
    single = SAMPLES[name]["chunks"]
    chunks = ["".join(single[start : start + size]) for start in range(0, len(single), size)]
    stream(meter, clock, chunks, every=0.01)
    true = SAMPLES[name]["tokens"]
    assert abs(meter.reading().tokens - true) <= 0.35 * true


def test_billed_usage_replaces_the_estimate(meter: Meter, clock: Clock) -> None:
    stream(meter, clock, [" word"] * 100, every=0.001)
    assert meter.reading().estimated
    usage = Usage(prompt_tokens=1000, completion_tokens=80, cached_tokens=400, reasoning_tokens=20)
    meter.on_event(UsageReported(usage))
    meter.on_event(Finished("stop"))
    meter.finished()
    reading = meter.reading()
    assert not reading.estimated
    assert (reading.prompt_tokens, reading.tokens) == (1000, 80)
    assert reading.cost == (600 * Decimal("0.15") + 400 * Decimal("0.075") + 80 * Decimal("0.60")) / 1_000_000


def test_an_unknown_price_is_said_and_never_guessed(clock: Clock) -> None:
    meter = Meter(clock, None)
    meter.on_event(TextDelta("Hello"))
    meter.on_event(UsageReported(Usage(10, 10)))
    reading = meter.reading()
    assert reading.cost is None
    assert not reading.price_known
    assert reading.tokens == 10


@pytest.mark.parametrize("rate", [0.5, 5.0, 50.0, 1000.0])
def test_the_speed_of_a_steady_stream_is_its_rate(meter: Meter, clock: Clock, rate: float) -> None:
    stream(meter, clock, [" word"] * max(10, int(3 * rate)), every=1 / rate)
    assert meter.reading().tokens_per_second == pytest.approx(rate)
    assert meter.reading().average_tokens_per_second == pytest.approx(rate)


def test_the_speed_follows_a_change_within_about_a_second(meter: Meter, clock: Clock) -> None:
    stream(meter, clock, [" word"] * 3000, every=0.001)
    stream(meter, clock, [" word"] * 110, every=0.01)
    assert meter.reading().tokens_per_second == pytest.approx(100, rel=0.02)
    assert meter.reading().average_tokens_per_second == pytest.approx(3110 / 4.1, rel=0.01)


def test_bursts_do_not_disturb_the_speed(meter: Meter, clock: Clock) -> None:
    """A network read delivers what has gathered: 50 tokens at once every 0.1 s are 500 a second."""
    for _ in range(30):
        clock.now += 0.1
        for _ in range(50):
            meter.on_event(TextDelta(" word"))
    assert meter.reading().tokens_per_second == pytest.approx(500, rel=0.1)


def test_the_speed_keeps_its_last_value_in_gaps_and_after_the_end(meter: Meter, clock: Clock) -> None:
    stream(meter, clock, [" word"] * 100, every=0.01)
    speed = meter.reading().tokens_per_second
    clock.now += 4
    assert meter.reading().tokens_per_second == speed
    meter.finished()
    clock.now += 60
    assert meter.reading().tokens_per_second == speed
    assert meter.reading().elapsed == pytest.approx(5.0)


def test_the_sparkline_shows_the_course_and_a_stall(meter: Meter, clock: Clock) -> None:
    stream(meter, clock, [" word"] * 1001, every=0.001)
    clock.now += 1
    speeds = meter.reading().speeds
    assert len(speeds) == SPEED_POINTS
    assert speeds[-8:-4] == pytest.approx([1000] * 4, rel=0.01)
    assert speeds[-3:] == (0, 0, 0)
    clock.now += 1e6
    assert meter.reading().speeds == (0.0,) * SPEED_POINTS


def test_a_short_answer_leaves_a_point(meter: Meter, clock: Clock) -> None:
    stream(meter, clock, [" word"] * 101, every=0.001)
    meter.finished()
    assert meter.reading().speeds[-1] == pytest.approx(1010, rel=0.01)


def test_an_answer_that_comes_at_once_has_the_providers_own_speed(meter: Meter) -> None:
    meter.on_event(TextDelta("A whole answer, in one chunk."))
    assert meter.reading().average_tokens_per_second is None
    meter.on_event(UsageReported(Usage(10, 8, completion_time=0.016)))
    assert meter.reading().average_tokens_per_second == pytest.approx(500)


def test_several_calls_of_a_turn_add_up_at_their_own_prices(meter: Meter, clock: Clock) -> None:
    meter.on_event(RouteChosen("1", "r", "groq", "m", "first"))
    stream(meter, clock, [" word"] * 100, every=0.01)
    meter.on_event(UsageReported(Usage(100, 100)))
    clock.now += 5  # a tool runs
    meter.on_event(RouteChosen("2", "r", "groq", "n", "the tool's answer"))
    dear = Price("dear", input=Decimal(1), output=Decimal(2))
    meter.reprice(dear, prompt_tokens=300)
    stream(meter, clock, [" word"] * 100, every=0.01)
    assert meter.reading().tokens_per_second == pytest.approx(100)
    assert meter.reading().average_tokens_per_second == pytest.approx(100)
    assert meter.reading().estimated
    meter.on_event(UsageReported(Usage(310, 90)))
    reading = meter.reading()
    assert not reading.estimated
    assert (reading.prompt_tokens, reading.tokens) == (410, 190)
    assert reading.cost == PRICE.cost(Usage(100, 100)) + dear.cost(Usage(310, 90))


def test_a_call_that_failed_before_its_first_token_costs_nothing(meter: Meter) -> None:
    meter.on_event(RouteChosen("1", "r", "groq", "m", "first"))
    meter.on_event(RouteChosen("2", "r", "openai", "m", "groq failed"))
    meter.on_event(UsageReported(Usage(100, 10)))
    assert meter.reading().cost == PRICE.cost(Usage(100, 10))


pieces = st.text(max_size=40)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(TextDelta, pieces),
    st.builds(ReasoningDelta, pieces),
    st.builds(ToolCallDelta, st.just(0), arguments=pieces),
)
gaps = st.floats(0, 20, allow_nan=False)


@given(
    st.lists(st.tuples(gaps, events), max_size=60),
    st.builds(Usage, st.integers(0, 10**6), st.integers(0, 10**6)),
)
def test_counts_only_grow_and_end_at_what_is_billed(steps: list[tuple[float, Event]], billed: Usage) -> None:
    clock = Clock()
    meter = Meter(clock, PRICE)
    meter.started()
    before = meter.reading()
    for gap, event in steps:
        clock.now += gap
        meter.on_event(event)
        reading = meter.reading()
        assert reading.tokens >= before.tokens >= 0
        assert reading.cost is not None
        assert before.cost is not None
        assert reading.cost >= before.cost >= 0
        assert reading.elapsed >= before.elapsed >= 0
        assert len(reading.speeds) == SPEED_POINTS
        assert min(reading.speeds) >= 0
        assert reading.tokens_per_second is None or reading.tokens_per_second >= 0
        before = reading
    meter.on_event(UsageReported(billed))
    meter.finished()
    reading = meter.reading()
    assert reading.tokens == billed.completion_tokens
    assert reading.cost == PRICE.cost(billed)
    assert not reading.estimated
