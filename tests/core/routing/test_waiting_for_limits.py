"""Limits are waited for where nothing else is ready, and no longer than is told."""

import pytest

from core import errors
from core.chat import RouteChosen, TextDelta, Waiting
from core.routing import RetryPolicy, RouteEndpoint
from tests.core.routing.scripted import ANSWER, HANG, rate_limited, request, text_of
from tests.core.routing.streamed import stream


async def test_only_when_no_route_is_ready_the_predicted_wait_is_slept_and_said(bench):
    (only,) = bench.set_up([(rate_limited(4.77),), ANSWER])
    answer = bench.router.stream(request())
    events = [event async for event in answer]
    assert bench.time.slept == [pytest.approx(4.77)]
    (wait,) = [event for event in events if isinstance(event, Waiting)]
    assert (wait.seconds, wait.reason) == (pytest.approx(4.77), "Groq ready in 4.8 s")
    assert answer.decision.waited == pytest.approx(4.77)
    assert len(only.asked) == 2


async def test_a_limited_route_is_waited_for_when_the_other_has_no_key(bench):
    bench.set_up([(rate_limited(5),), ANSWER], [(errors.CredentialsError("No key."),)])
    assert text_of(await stream(bench)) == "Hello world"
    assert bench.time.slept == [5]


async def test_a_limited_route_stands_back_until_it_is_ready_and_keeps_its_health(bench):
    first, second = bench.set_up([(rate_limited(30),)], [])
    await stream(bench)
    answer = bench.router.stream(request())
    _ = [event async for event in answer]
    assert len(first.asked) == 1
    (skipped,) = answer.decision.skipped
    assert (skipped.provider, skipped.reason) == ("groq", "is at its rate limit for 29.9 s")
    assert bench.router.health()[0].circuit == "closed"
    assert bench.router.health()[0].failed == 0
    bench.time.now += 30
    await stream(bench)
    assert (len(first.asked), len(second.asked)) == (2, 2)


async def test_a_known_limit_is_waited_out_before_calling_where_it_is_the_only_route(bench):
    (only,) = bench.set_up([(rate_limited(50),), ANSWER], retry=RetryPolicy(retries=0))
    with pytest.raises(errors.AllRoutesFailed):
        await stream(bench)
    assert text_of(await stream(bench)) == "Hello world"
    assert bench.time.slept == [50]
    assert len(only.asked) == 2


async def test_a_wait_that_is_too_long_is_not_begun(bench):
    (only,) = bench.set_up_always((rate_limited(3 * 3600),))
    with pytest.raises(errors.AllRoutesFailed, match="Too many requests"):
        await stream(bench)
    assert bench.time.slept == []
    with pytest.raises(errors.AllRoutesFailed):
        await stream(bench)
    assert len(only.asked) == 2, "each request finds out for itself"


async def test_waits_of_one_request_are_bounded_together(bench):
    bench.set_up_always((rate_limited(25),), retry=RetryPolicy(retries=50, longest_wait=60))
    with pytest.raises(errors.AllRoutesFailed):
        await stream(bench)
    assert sum(bench.time.slept) <= 60


async def test_an_answer_that_begins_without_a_word_of_limits_lets_others_go(bench):
    """Until then the least plan is kept to, which has no room for two such calls as they are."""
    model = "openai/gpt-oss-120b"
    (only,) = bench.set_up([(0.1, TextDelta("Hello"), HANG)])
    bench.router.add_route(model, [RouteEndpoint(provider=only)])
    asked = request(model, max_completion_tokens=5_000)

    def room_for_the_next():
        return bench.router.preview(asked)[0][0].output_cap

    async with bench.router.stream(asked) as answer:
        async for event in answer:
            if isinstance(event, RouteChosen):
                assert room_for_the_next() < 5_000
            if isinstance(event, TextDelta):
                break
        assert room_for_the_next() == 5_000
