"""The stream itself: what is passed on, recorded and closed, in virtual time."""

import asyncio
import gc
from decimal import Decimal

import pytest

from core import errors
from core.chat import (
    Finished,
    LimitsReported,
    RateLimits,
    ReasoningDelta,
    RouteChosen,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from core.costs.tokens import estimate_prompt_tokens
from core.routing import RouteEndpoint
from tests.core.routing.scripted import ANSWER, HANG, Observed, collect, request, text_of


async def test_events_of_the_provider_are_passed_on_untouched_and_in_order(bench):
    told = (
        LimitsReported(RateLimits(remaining_tokens=5)),
        ReasoningDelta("Hm"),
        TextDelta("Hello"),
        ToolCallDelta(0, "call_1", "clock", "{}"),
        UsageReported(Usage(3, 4)),
        Finished("tool_calls"),
    )
    bench.set_up([told])
    events = [event async for event in bench.router.stream(request())]
    assert isinstance(events[0], RouteChosen)
    assert all(passed is event for passed, event in zip(events[1:], told, strict=True))


async def test_the_record_of_a_call_is_complete(bench):
    usage = Usage(prompt_tokens=10, completion_tokens=3)
    bench.set_up(
        [
            (
                LimitsReported(RateLimits(remaining_tokens=5)),
                0.2,
                ReasoningDelta("Hm"),
                0.3,
                TextDelta("Hello"),
                0.5,
                TextDelta(" you"),
                UsageReported(usage),
                Finished("length"),
            )
        ]
    )
    answer = bench.router.stream(request())
    events = [event async for event in answer]
    (call,) = answer.decision.calls
    assert bench.observed.ended == [call]
    assert events[0] == RouteChosen(call.call_id, "m", "groq", "m", "tier 0, the only one ready")
    assert (call.route, call.provider, call.model) == ("m", "groq", "m")
    assert (call.outcome, call.finish_reason) == ("answered", "length")
    assert (call.first_token, call.first_content, call.duration) == pytest.approx((0.2, 0.5, 1.0))
    assert (call.usage, call.limits) == (usage, RateLimits(remaining_tokens=5))
    assert (call.output_characters, call.output_chunks) == (11, 3)
    assert call.started_at.tzinfo is not None
    assert call.error is None
    assert answer.decision.strategy == "round_robin"
    assert bench.router.health()[0].limits == call.limits
    assert bench.router.health()[0].first_content == pytest.approx(0.5)


async def test_the_response_is_whole_after_finished(bench):
    bench.set_up([])
    answer = bench.router.stream(request())
    async for event in answer:
        if isinstance(event, Finished):
            break
        assert answer.response is None
    response = answer.response
    assert response is not None
    assert (response.text, response.provider, response.model) == ("Hello world", "groq", "m")
    assert response.usage == Usage(1_000_000, 1_000_000)
    assert response.decision is answer.decision
    assert answer.response is response
    assert bench.observed.outcomes == ["answered"], "the call is over before Finished is passed on"
    await answer.aclose()
    assert bench.observed.outcomes == ["answered"]


async def test_the_cost_is_the_catalogues_price_of_the_billed_usage(bench):
    (groq,) = bench.set_up([])
    bench.router.add_route("fast", [_endpoint(groq)])
    answer = bench.router.stream(request("fast"))
    _ = [event async for event in answer]
    assert answer.response.model == "openai/gpt-oss-20b"
    assert answer.response.cost == Decimal("0.375")


async def test_no_cost_is_claimed_without_a_price_or_without_usage(bench):
    bench.set_up([(TextDelta("Hi"), Finished("stop"))])
    answer = bench.router.stream(request())
    _ = [event async for event in answer]
    assert answer.response.cost is None
    assert answer.decision.calls[0].prompt_tokens_estimate == estimate_prompt_tokens(request())


async def test_tool_calls_are_put_together_by_index(bench):
    bench.set_up(
        [
            (
                ToolCallDelta(1, "call_b", "clock"),
                ToolCallDelta(0, "call_a", "weather", '{"city"'),
                ToolCallDelta(0, arguments=': "Oslo"}'),
                Finished("tool_calls"),
            )
        ]
    )
    answer = bench.router.stream(request())
    _ = [event async for event in answer]
    first, second = answer.response.tool_calls
    assert (first.id, first.function.name, first.function.arguments) == (
        "call_a",
        "weather",
        '{"city": "Oslo"}',
    )
    assert (second.id, second.function.name, second.function.arguments) == ("call_b", "clock", "{}")
    assert answer.response.message.content is None


@pytest.mark.parametrize(
    "error",
    [errors.StreamInterrupted("Cut."), errors.ServerFailed("Broken."), errors.StreamStalled("Silent.")],
    ids=lambda error: type(error).__name__,
)
async def test_after_content_an_error_is_raised_and_the_text_kept(bench, error):
    down = errors.ConnectionFailed("Down.")
    first, second = bench.set_up([(TextDelta("Once upon"), TextDelta(" a"), error), (down,)], [(down,)])
    answer, seen = bench.router.stream(request()), []
    with pytest.raises(type(error)) as caught:
        await collect(answer, seen)
    assert caught.value is error
    assert text_of(seen) == answer.partial == "Once upon a"
    assert answer.response is None
    assert len(second.asked) == 1, "it was to go on with the answer"
    assert set(bench.observed.outcomes[1:]) == {"failed"}
    call = bench.observed.ended[0]
    assert call.outcome == "interrupted"
    assert (call.error, call.error_type, call.output_characters) == (error.message, type(error).__name__, 11)
    assert (first.open, second.open) == (0, 0)


async def test_a_tool_call_binds_to_a_route_as_text_does(bench):
    _, second = bench.set_up([(ToolCallDelta(0, "a", "clock"), errors.ServerFailed("Broken."))], [ANSWER])
    with pytest.raises(errors.ServerFailed):
        _ = [event async for event in bench.router.stream(request())]
    assert second.asked == []


async def test_a_provider_that_just_ends_is_an_interruption(bench):
    bench.set_up_always((TextDelta("Once"),))
    answer = bench.router.stream(request())
    with pytest.raises(errors.StreamInterrupted, match="ended before it was complete"):
        _ = [event async for event in answer]
    assert answer.partial == "Once"


async def test_a_provider_that_ends_before_it_began_is_a_reason_to_go_elsewhere(bench):
    bench.set_up([()], [ANSWER])
    answer = bench.router.stream(request())
    assert text_of([event async for event in answer]) == "Hello world"


# -- stopping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop_at", range(5))
async def test_closing_ends_the_upstream_call_at_once_and_tells(bench, stop_at):
    (only,) = bench.set_up([])
    answer = bench.router.stream(request())
    async with answer:
        for _ in range(stop_at):
            await anext(answer)
        assert only.open == (stop_at > 1)
    assert only.open == 0
    assert bench.observed.outcomes == (["cancelled"] if stop_at > 1 else [])
    assert answer.partial == "Hello world"[: 5 * (stop_at > 1) + 6 * (stop_at > 2)]


async def test_cancelling_the_task_ends_the_upstream_call_and_is_not_held_against_the_route(bench):
    (only,) = bench.set_up([(TextDelta("Once"), HANG)])
    answer = bench.router.stream(request())

    async def consume():
        async for _ in answer:
            pass

    task = asyncio.create_task(consume())
    await only.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert only.open == 0
    assert bench.observed.outcomes == ["cancelled"]
    assert answer.partial == "Once"
    (health,) = bench.router.health()
    assert (health.failed, health.calls, health.circuit) == (0, 0, "closed")


async def test_a_stream_that_is_dropped_is_closed_without_waiting_for_the_garbage_collector(bench):
    (only,) = bench.set_up([])
    gc.disable()
    try:
        async for event in bench.router.stream(request()):
            if isinstance(event, TextDelta):
                break
        await asyncio.wait_for(only.ended.wait(), 10)
    finally:
        gc.enable()
    assert bench.observed.outcomes == ["cancelled"]


async def test_cancelling_a_wait_records_how_long_it_was(bench):
    waiting = asyncio.Event()

    async def sleep(_seconds):
        waiting.set()
        await asyncio.Event().wait()

    bench.set_up_always((errors.ConnectionFailed("Down."),))
    bench.router._sleep = sleep
    answer = bench.router.stream(request())

    async def consume():
        async for _ in answer:
            pass

    task = asyncio.create_task(consume())
    await waiting.wait()
    bench.time.now += 0.25
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert answer.decision.waited == pytest.approx(0.25)
    assert bench.observed.outcomes == ["failed"]


async def test_a_defect_in_a_provider_is_recorded_and_raised(bench):
    (only,) = bench.set_up([(TextDelta("Once"), ZeroDivisionError("oops"))])
    with pytest.raises(ZeroDivisionError):
        _ = [event async for event in bench.router.stream(request())]
    assert bench.observed.outcomes == ["failed"]
    assert bench.observed.ended[0].error_type == "ZeroDivisionError"
    assert only.open == 0


async def test_both_observers_are_told(bench):
    bench.set_up([(errors.ServerFailed("Broken."),)], [])
    mine = Observed()
    _ = [event async for event in bench.router.stream(request(), observer=mine)]
    assert mine.outcomes == bench.observed.outcomes == ["failed", "answered"]
    assert mine.ended == bench.observed.ended


def _endpoint(provider):
    return RouteEndpoint(provider=provider)
