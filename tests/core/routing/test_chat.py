"""Answers in one piece take the same way as streams."""

import asyncio
from decimal import Decimal

import pytest

from core import errors
from core.routing import LoadBalanceStrategy, RouteEndpoint
from tests.core.routing.scripted import ANSWER, HANG, rate_limited, request


async def test_an_answer_has_its_cost_and_decision(bench):
    (groq,) = bench.set_up([])
    bench.router.add_route("fast", [RouteEndpoint(provider=groq)])
    response = await bench.router.chat(request("fast"))
    assert (response.text, response.cost) == ("Hello world", Decimal("0.375"))
    (call,) = response.decision.calls
    assert (call.outcome, call.finish_reason, call.output_characters) == ("answered", "stop", 11)
    assert call.duration == pytest.approx(0.1)
    assert bench.observed.ended == [call]


async def test_it_fails_over_without_sleeping(bench):
    bench.set_up([(errors.ServerFailed("Broken."),)], [])
    response = await bench.router.chat(request())
    assert response.provider == "openai"
    assert bench.observed.outcomes == ["failed", "answered"]
    assert bench.time.slept == []


async def test_it_waits_where_nothing_is_ready(bench):
    bench.set_up([(rate_limited(3),), ANSWER])
    response = await bench.router.chat(request())
    assert bench.time.slept == [3]
    assert response.decision.waited == 3


async def test_it_replaces_a_retired_model(bench):
    (groq,) = bench.set_up([(errors.ModelUnavailable("Gone.", status=404),)])
    bench.router.add_route("*", [RouteEndpoint(provider=groq)])
    response = await bench.router.chat(request("mixtral-8x7b-32768"))
    assert response.model == "openai/gpt-oss-120b"


async def test_errors_are_those_of_streams(bench):
    bench.set_up([(errors.InvalidRequest("Bad field."),), (errors.QuotaExhausted("Spent."),)])
    with pytest.raises(errors.InvalidRequest):
        await bench.router.chat(request())
    with pytest.raises(errors.AllRoutesFailed, match="Spent"):
        await bench.router.chat(request())
    with pytest.raises(errors.UnknownRoute):
        await bench.router.chat(request("nothing"))


async def test_cancelling_tells_the_observer(bench):
    (only,) = bench.set_up([(HANG,)])
    task = asyncio.create_task(bench.router.chat(request()))
    await only.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.observed.outcomes == ["cancelled"]


async def test_whole_answers_have_a_latency_of_their_own(bench):
    """The time of a whole answer tells nothing about the first word of a streamed one."""
    first, second = bench.set_up_always(
        (9.0, *ANSWER[1:]), ANSWER, strategy=LoadBalanceStrategy.LEAST_LATENCY, one_tier=True
    )
    await bench.router.chat(request())
    await bench.router.chat(request())
    await bench.router.chat(request())
    assert (len(first.asked), len(second.asked)) == (1, 2)
    events = [event async for event in bench.router.stream(request())]
    assert events[0].provider == "groq"
    assert events[0].reason == "tier 0, not measured yet"
