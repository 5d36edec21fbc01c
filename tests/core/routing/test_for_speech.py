"""Spoken answers: who speaks first gives them, and thinks as little as it can."""

import pytest

from core.chat import Finished, TextDelta
from core.providers.profiles import GROQ
from core.routing import LoadBalanceStrategy
from core.routing.for_speech import for_speech
from tests.core.routing.scripted import ANSWER, ScriptedProvider, VirtualTime, request


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("openai/gpt-oss-20b", {"spoken": True}, "low"),
        ("qwen/qwen3.8-27b", {"spoken": True}, "none"),
        ("llama-3.3-70b-versatile", {"spoken": True}, None),
        ("some/other-model", {"spoken": True}, None),
        ("openai/gpt-oss-20b", {}, None),
        ("openai/gpt-oss-20b", {"spoken": True, "reasoning_effort": "high"}, "high"),
    ],
)
def test_speech_thinks_as_little_as_the_model_can_unless_told_otherwise(model, asked, sent):
    provider = ScriptedProvider("groq", VirtualTime())
    provider.profile = GROQ
    assert for_speech(request(**asked), provider, model).reasoning_effort == sent


async def test_speech_goes_to_who_speaks_first_and_text_by_its_own_strategy(bench):
    slow, quick = bench.set_up_always(
        (2.0, *ANSWER[1:]), ANSWER, strategy=LoadBalanceStrategy.ROUND_ROBIN, one_tier=True
    )
    for _ in range(4):
        async for _ in bench.router.stream(request()):
            pass
    assert (len(slow.asked), len(quick.asked)) == (2, 2)
    for _ in range(4):
        async for _ in bench.router.stream(request(spoken=True)):
            pass
    assert (len(slow.asked), len(quick.asked)) == (2, 6)


async def test_thinking_in_text_does_not_count_against_a_route_in_speech(bench):
    """The first route thinks for long where it may, and speaks at once where it may not."""
    thinks, steady = bench.set_up_always(
        ANSWER, (0.5, *ANSWER[1:]), strategy=LoadBalanceStrategy.LEAST_LATENCY, one_tier=True
    )
    for _ in range(2):
        async for _ in bench.router.stream(request(spoken=True)):
            pass
    thinks.always = (5.0, TextDelta("Well"), Finished("stop"))
    async for _ in bench.router.stream(request()):
        pass
    asked = len(thinks.asked)
    thinks.always = ANSWER
    async for _ in bench.router.stream(request(spoken=True)):
        pass
    assert len(thinks.asked) == asked + 1
    assert len(steady.asked) >= 1
