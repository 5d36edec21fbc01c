"""What health predicts of the next answer, and which conversations a route has read."""

import pytest

from core.chat import ChatRequest, Message, Usage
from core.routing.health import EndpointHealth
from core.routing.read_prompts import ReadPrompts, conversation_of
from tests.core.routing.scripted import VirtualTime


@pytest.fixture
def time():
    return VirtualTime()


@pytest.fixture
def health(time):
    return EndpointHealth(time.clock)


def asked(*texts: str) -> ChatRequest:
    roles = ("system", *("user", "assistant") * len(texts))
    messages = [Message(role=role, content=text) for role, text in zip(roles, texts, strict=False)]
    return ChatRequest(model="m", messages=messages)


def test_a_first_sentence_is_the_first_word_and_the_writing_of_the_rest(health, time):
    assert health.first_sentence(time.now) == 0, "unmeasured, so that it is tried"
    health.began(0.4)
    health.wrote(Usage(prompt_tokens=100, completion_tokens=200), 4.0)
    assert health.first_sentence(time.now) == pytest.approx(0.4 + 25 * 0.02, rel=0.05)


def test_a_quick_first_word_does_not_make_up_for_slow_writing(time):
    quick, fluent = EndpointHealth(time.clock), EndpointHealth(time.clock)
    quick.began(0.1)
    quick.wrote(Usage(completion_tokens=100), 10.0)
    fluent.began(0.6)
    fluent.wrote(Usage(completion_tokens=100), 0.2)
    assert fluent.first_sentence(time.now) < quick.first_sentence(time.now)


def test_the_providers_own_time_is_better_than_ours(health, time):
    health.began(0.0)
    health.wrote(Usage(completion_tokens=100, completion_time=0.1), 5.0)
    assert health.first_sentence(time.now) == pytest.approx(0.025, rel=0.05)


def test_a_prompt_that_was_read_before_saves_its_reading(health, time):
    health.began(1.0)
    health.wrote(Usage(prompt_tokens=4_000, completion_tokens=20, prompt_time=0.8), 0.1)
    fresh = health.first_sentence(time.now)
    assert health.first_sentence(time.now, cached=3_000) == pytest.approx(fresh - 0.6)


def test_calls_under_way_count_until_they_end(health, time):
    health.began(1.0)
    alone = health.first_sentence(time.now)
    health.started()
    health.started()
    assert health.first_sentence(time.now) > alone
    health.answered(1.0)
    health.cancelled()
    assert health.first_sentence(time.now) == alone


def test_conversations_are_told_by_how_they_begin():
    first = asked("Be brief.", "Hello!")
    later = asked("Be brief.", "Hello!", "Hi.", "And now?")
    other = asked("Be brief.", "Good morning!")
    assert conversation_of(first) == conversation_of(later) != conversation_of(other)


def test_what_was_read_is_forgotten_after_two_hours_or_for_more_recent_ones():
    read = ReadPrompts()
    read.add(1, 500, 0.0)
    assert read.tokens(1, 7_200.0) == 500
    assert read.tokens(1, 7_201.0) == 0
    for number in range(256):
        read.add(number + 2, 10, 1.0)
    assert read.tokens(1, 1.0) == 0
    assert read.tokens(2, 1.0) == 10


async def test_a_conversation_stays_with_the_route_that_has_read_it(bench):
    """Both are as quick; the prompt that one has read is what makes the difference."""
    from core.chat import Finished, TextDelta, UsageReported
    from core.routing import LoadBalanceStrategy

    usage = Usage(prompt_tokens=10_000, completion_tokens=20, prompt_time=1.0, completion_time=0.02)
    answer = (1.5, TextDelta("Hello"), UsageReported(usage), Finished("stop"))
    first, second = bench.set_up_always(
        answer, answer, strategy=LoadBalanceStrategy.LEAST_LATENCY, one_tier=True
    )
    for text in ("Hello!", "Good morning!"):
        async for _ in bench.router.stream(asked("", text)):
            pass
    assert (len(first.asked), len(second.asked)) == (1, 1)
    for _ in range(3):
        async for _ in bench.router.stream(asked("", "Good morning!", "Hi.", "And now?")):
            pass
    assert (len(first.asked), len(second.asked)) == (1, 4)
