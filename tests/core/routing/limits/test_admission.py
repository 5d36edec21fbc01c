"""What the router does about limits it knows: fits the cap, goes elsewhere, waits, or says how long."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import errors
from core.catalogue import load_catalogue
from core.chat import (
    Finished,
    LimitsReported,
    OutputCapped,
    RateLimits,
    TextDelta,
    Usage,
    UsageReported,
    Waiting,
)
from core.costs.tokens import prompt_tokens_at_most
from core.routing import RetryPolicy, RouteEndpoint
from core.routing.limits.admission import NO_WAIT, CallSize, fit
from core.routing.limits.allowance import Allowance
from tests.core.routing.scripted import request, text_of

MODEL = "openai/gpt-oss-20b"
PLANS = tuple(load_catalogue().find("groq", MODEL).limits.values())


def answer(remaining, *, used=0, limit=8_000):
    """One that tells of the limits, and uses so many tokens."""
    reset = (limit - remaining) / (limit / 60)
    return (
        0.1,
        LimitsReported(RateLimits(1_000, 999, 86.4, limit, remaining, reset)),
        TextDelta("Hello"),
        UsageReported(Usage(prompt_tokens=used)),
        Finished("stop"),
    )


@pytest.fixture
def free(bench):
    """Routes of which the first has the free tier's limits; its first answer has used so much of them."""

    async def set_up(remaining, *others, **options):
        options.setdefault("default_output_cap", 4_096)
        providers = bench.set_up([], *([] for _ in others), **options)
        bench.router.add_route(
            "*", [endpoint for _, members in bench.router._routes.items() for endpoint in members]
        )
        providers[0].always = answer(remaining, used=4_110)  # all that was set aside
        await stream(bench)
        return providers

    return set_up


async def stream(bench, prompt=1, **fields):
    asked = request(MODEL, **fields)
    message = asked.messages[0].model_copy(update={"content": "word " * prompt})
    return [event async for event in bench.router.stream(asked.model_copy(update={"messages": [message]}))]


def relayed(answers):
    """The body of a client that asks for several answers."""
    return {"model": MODEL, "messages": [{"role": "user", "content": "Hello!"}], "n": answers}


def used(tokens):
    """Limits that an answer has told of, with so many tokens of the minute in use."""
    allowance = Allowance()
    made = allowance.reserve(tokens, 0)
    allowance.reported(made, answer(8_000 - tokens)[1].limits, 0)
    return allowance


async def test_the_cap_is_fitted_to_the_room_and_whole_again_once_there_is_more(bench, free):
    (groq,) = await free(3_000)
    events = await stream(bench)
    cap = groq.asked[-1][1].max_completion_tokens
    assert 2_500 < cap < 3_000
    assert not any(isinstance(event, OutputCapped | Waiting) for event in events), "nobody had asked for more"
    bench.time.now += 120
    groq.always = answer(7_900)
    await stream(bench)
    assert groq.asked[-1][1].max_completion_tokens is None


@pytest.mark.parametrize(("words", "fits"), [(4_000, True), (6_000, False)])
async def test_the_first_cap_is_fitted_to_the_least_plan_where_that_leaves_a_useful_one(bench, words, fits):
    """Nothing has told yet that it is 8000 tokens a minute."""
    (groq,) = bench.set_up([], default_output_cap=4_096)
    bench.router.add_route(MODEL, [RouteEndpoint(provider=groq)])
    assert text_of(await stream(bench, prompt=words)) == "Hello world"
    ((_, sent),) = groq.asked
    cap = sent.max_completion_tokens
    if fits:
        assert 1_024 <= cap <= 8_000 - prompt_tokens_at_most(sent)
    else:
        assert cap is None, "as it was asked for: a refusal would tell what fits"


async def test_who_asked_for_more_is_told(bench, free):
    (groq,) = await free(3_000)
    events = await stream(bench, max_completion_tokens=5_000)
    (told,) = [event for event in events if isinstance(event, OutputCapped)]
    assert told == OutputCapped(groq.asked[-1][1].max_completion_tokens, because="limit")


async def test_another_route_that_has_room_is_taken_without_a_word(bench, free):
    groq, other = await free(200, "another")
    events = await stream(bench)
    assert (len(groq.asked), len(other.asked)) == (1, 1)
    assert text_of(events) == "Hello world"
    assert bench.time.slept == []


async def test_with_no_other_it_is_waited_for_and_said_when_it_is_ready(bench, free):
    (groq,) = await free(200)
    events = await stream(bench)
    (wait,) = [event for event in events if isinstance(event, Waiting)]
    assert wait.predicted
    assert wait.reason == f"Groq ready in {wait.seconds:.1f} s"
    assert wait.seconds == pytest.approx((1_024 + 30 - 200) / (8_000 / 60), abs=0.3)
    assert bench.time.slept == [pytest.approx(wait.seconds)]
    assert len(groq.asked) == 2


async def test_a_request_larger_than_the_limit_is_not_even_sent(bench, free):
    groq, other = await free(7_900, "another")
    assert text_of(await stream(bench, prompt=12_000)) == "Hello world"
    assert (len(groq.asked), len(other.asked)) == (1, 1)


async def test_where_it_fits_nowhere_that_is_said(bench, free):
    (groq,) = await free(7_900)
    with pytest.raises(errors.AllRoutesFailed, match="larger than Groq allows") as caught:
        await stream(bench, prompt=12_000)
    (cause,) = caught.value.causes
    assert isinstance(cause, errors.RequestTooLarge)
    assert cause.limit == 8_000
    assert len(groq.asked) == 1
    assert bench.time.slept == []


async def test_a_wait_longer_than_patience_is_told_instead(bench, free):
    (groq,) = await free(200, retry=RetryPolicy(longest_wait=2))
    with pytest.raises(errors.AllRoutesFailed, match="has no room in its tokens a minute") as caught:
        await stream(bench)
    (cause,) = caught.value.causes
    assert isinstance(cause, errors.RateLimited)
    assert cause.retry_after == pytest.approx(6.4, abs=0.3)
    assert len(groq.asked) == 1
    assert caught.value.decision.calls == []


async def test_a_cap_leaves_room_for_each_of_several_answers(bench, free):
    (groq,) = await free(6_500)
    await stream(bench, relayed=relayed(3))
    cap = groq.asked[-1][1].max_completion_tokens
    assert 2_000 < cap <= 6_500 / 3


async def test_several_answers_that_have_no_room_beside_each_other_are_waited_for(bench, free):
    await free(2_000)
    events = await stream(bench, relayed=relayed(3))
    (wait,) = [event for event in events if isinstance(event, Waiting)]
    assert wait.seconds == pytest.approx((3 * 1_024 + 30 - 2_000) / (8_000 / 60), abs=0.3)


async def test_more_answers_than_the_limit_has_room_for_are_not_even_sent(bench, free):
    (groq,) = await free(7_900)
    with pytest.raises(errors.AllRoutesFailed, match="limit for prompt and 40 answers is 8,000") as caught:
        await stream(bench, relayed=relayed(40))
    (cause,) = caught.value.causes
    assert cause.hint.startswith("Ask for fewer answers, shorten the conversation, or ")
    assert len(groq.asked) == 1


@given(
    prompt=st.integers(1, 9_000),
    cap=st.none() | st.integers(1, 9_000),
    answers=st.integers(1, 40),
    taken=st.none() | st.integers(0, 8_000),
)
def test_what_is_set_aside_is_the_prompt_and_each_answer(prompt, cap, answers, taken):
    allowance = Allowance(PLANS) if taken is None else used(taken)
    fitting = fit(CallSize(prompt, cap=cap, answers=answers), allowance, 0)
    if fitting.room.wait <= NO_WAIT and not fitting.never:
        if cap is not None:
            assert fitting.tokens == prompt + answers * fitting.cap
            assert fitting.cap <= cap
        assert (fitting.tokens - prompt) % answers == 0
        assert taken is None or fitting.tokens <= allowance.free(0)


@given(prompt=st.integers(1, 9_000), cap=st.integers(1, 9_000), answers=st.integers(1, 40))
def test_several_answers_are_too_large_where_the_shortest_useful_ones_are(prompt, cap, answers):
    fitting = fit(CallSize(prompt, cap=cap, answers=answers), used(0), 0)
    assert fitting.never == (prompt + answers * min(cap, 256) > 8_000)


@pytest.mark.parametrize("early", [0.000_5, 0])
def test_a_timer_that_fires_early_sends_no_more_than_is_set_aside(early):
    allowance = Allowance()
    made = allowance.reserve(7_900, 0)
    allowance.reported(made, answer(100)[1].limits, 0)
    size = CallSize(prompt=500, cap=4_096)
    ready = fit(size, allowance, 0).room.wait
    fitting = fit(size, allowance, ready - early)
    assert fitting.room.wait <= NO_WAIT
    assert fitting.tokens == 500 + fitting.cap <= allowance.free(ready - early)


async def test_a_call_that_is_given_up_before_it_is_sent_holds_no_room(bench, free):
    (groq,) = await free(7_900)
    bench.time.now += 60
    waiting = bench.router.stream(request(MODEL))
    await anext(waiting)
    (health,) = [route for route in bench.router.health() if route.levels]
    held = {level.kind: level.free for level in health.levels}["tokens_per_minute"]
    await waiting.aclose()
    (health,) = [route for route in bench.router.health() if route.levels]
    assert {level.kind: level.free for level in health.levels}["tokens_per_minute"] == 8_000 > held + 4_000
    assert len(groq.asked) == 1


async def test_whoever_waits_goes_as_soon_as_room_is_given_back(bench, free):
    (groq,) = await free(7_900)
    bench.time.now += 60
    asleep = asyncio.Event()

    async def sleep(seconds):
        asleep.set()
        await asyncio.Event().wait()

    bench.router._sleep = sleep
    first = bench.router.stream(request(MODEL, max_completion_tokens=7_900))
    await anext(first)
    second = asyncio.create_task(stream(bench))
    await asleep.wait()
    async for _ in first:
        pass
    assert text_of(await second) == "Hello"
    assert len(groq.asked) == 3
