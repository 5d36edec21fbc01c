"""Which route is asked first: by its circuit, and by the strategy."""

import pytest

from core import errors
from core.routing import LoadBalanceStrategy, RouteEndpoint
from tests.core.routing.scripted import ANSWER, rate_limited, request, text_of
from tests.core.routing.streamed import changes, stream


async def test_a_failing_route_is_set_aside_then_probed_and_taken_back(bench):
    first, _ = bench.set_up_always((errors.ServerFailed("Broken."),), ANSWER)
    for _ in range(5):
        await stream(bench)
    assert len(first.asked) == 3, "its circuit is open after three failures"
    answer = bench.router.stream(request())
    _ = [event async for event in answer]
    (skipped,) = answer.decision.skipped
    assert skipped.reason.startswith("failed (3 of the last 3 calls failed); tried again in")
    bench.time.now += 30
    first.always = ANSWER
    await stream(bench)
    assert len(first.asked) == 4
    assert bench.router.health()[0].circuit == "closed"


async def test_the_last_route_is_tried_though_its_circuit_is_open(bench):
    (only,) = bench.set_up_always((errors.ServerFailed("Broken."),))
    for _ in range(2):
        with pytest.raises(errors.AllRoutesFailed):
            await stream(bench)
    assert bench.router.health()[0].circuit == "open"
    only.always = ANSWER
    answer = bench.router.stream(request())
    assert text_of([event async for event in answer]) == "Hello world"
    assert answer.decision.skipped == [], "it was tried after all"
    assert bench.router.health()[0].circuit == "closed"


async def test_a_refused_key_steps_aside_quietly_for_a_while_but_is_tried_at_once_when_alone(bench):
    wrong = errors.AuthenticationFailed("The key is wrong.", status=401)
    first, _ = bench.set_up_always((wrong,), ANSWER)
    assert changes(await stream(bench)) == ["Groq refused the key; using m at Openai"]
    assert changes(await stream(bench)) == []
    assert len(first.asked) == 1
    bench.time.now += 61
    first.always = ANSWER
    await stream(bench)
    assert len(first.asked) == 2

    (alone,) = bench.set_up_always((wrong,))
    for _ in range(2):
        with pytest.raises(errors.AllRoutesFailed):
            await stream(bench)
    assert len(alone.asked) == 2
    assert bench.time.slept == []


async def test_a_probe_that_tells_nothing_does_not_keep_the_next_one_away(bench):
    first, _ = bench.set_up_always((errors.ServerFailed("Broken."),), ANSWER)
    for _ in range(3):
        await stream(bench)
    bench.time.now += 40
    first.always = (errors.InvalidRequest("Bad field."),)
    with pytest.raises(errors.InvalidRequest):
        await stream(bench)
    first.always = ANSWER
    await stream(bench)
    assert bench.observed.ended[-1].provider == "groq"
    assert bench.router.health()[0].circuit == "closed"


async def test_an_open_circuit_is_tried_before_pausing_for_a_route_that_has_just_failed(bench):
    first, second = bench.set_up_always((errors.ConnectionFailed("Down."),), (errors.ServerFailed("Bad."),))
    bench.router.add_route("second", [RouteEndpoint(provider=second, model="m")])
    with pytest.raises(errors.AllRoutesFailed):
        await stream(bench, model="second")
    assert bench.router.health()[1].circuit == "open"
    second.always = ANSWER
    bench.time.slept.clear()
    assert text_of(await stream(bench)) == "Hello world"
    assert (len(first.asked), bench.time.slept) == (1, [])


async def test_an_untried_route_comes_before_another_try_of_a_better_one(bench):
    down, slow = errors.ConnectionFailed("Down."), errors.ServerFailed("Broken.")
    bench.set_up([(down,)], [(5.0, slow)], [ANSWER])
    await stream(bench)
    assert [call.provider for call in bench.observed.ended] == ["groq", "openai", "ollama"]


async def test_an_answer_asked_for_before_a_limit_was_met_does_not_lift_it(bench):
    groq, _ = bench.set_up([ANSWER, (rate_limited(30),)], [])
    early = bench.router.stream(request())
    while not groq.asked:
        await anext(early)
    bench.time.now += 1
    await stream(bench)
    _ = [event async for event in early]
    assert bench.router.health()[0].ready_in == pytest.approx(30, abs=1)


async def test_least_latency_finds_the_fast_route_and_notices_when_it_slows_down(bench):
    slow, fast = bench.set_up_always(
        (0.9, *ANSWER[1:]),
        (0.2, *ANSWER[1:]),
        strategy=LoadBalanceStrategy.LEAST_LATENCY,
        one_tier=True,
    )
    for _ in range(20):
        await stream(bench)
        bench.time.now += 5
    assert (len(slow.asked), len(fast.asked)) == (1, 19)
    fast.always = (3.0, *ANSWER[1:])
    for _ in range(20):
        await stream(bench)
        bench.time.now += 5
    assert len(slow.asked) >= 12


async def test_a_slow_route_is_explored_again_when_it_has_been_idle(bench):
    recovered, _ = bench.set_up_always(
        (3.0, *ANSWER[1:]),
        (0.2, *ANSWER[1:]),
        strategy=LoadBalanceStrategy.LEAST_LATENCY,
        one_tier=True,
    )
    await stream(bench)
    recovered.always = (0.05, *ANSWER[1:])
    for _ in range(60):
        await stream(bench)
        bench.time.now += 20
    assert len(recovered.asked) > 20


async def test_a_route_that_fails_fast_does_not_look_fast(bench):
    broken, good = bench.set_up_always(
        (errors.ConnectionFailed("Refused."),),
        ANSWER,
        strategy=LoadBalanceStrategy.LEAST_LATENCY,
        one_tier=True,
    )
    for _ in range(10):
        await stream(bench)
        bench.time.now += 5
    assert len(broken.asked) == 1
    assert len(good.asked) == 10


async def test_the_cheaper_provider_is_taken_by_the_catalogues_price(bench):
    openai, groq = bench.set_up(
        [], [], names=("openai", "groq"), strategy=LoadBalanceStrategy.LOWEST_COST, one_tier=True
    )
    bench.router.add_route("smart", [RouteEndpoint(provider=openai), RouteEndpoint(provider=groq)])
    answer = bench.router.stream(request(model="smart"))
    events = [event async for event in answer]
    assert groq.models_asked == ["openai/gpt-oss-120b"]
    assert openai.asked == []
    assert events[0].reason == "tier 0, $0.262 per million tokens"


async def test_round_robin_takes_turns(bench):
    first, second = bench.set_up([], [], one_tier=True)
    for _ in range(6):
        await stream(bench)
    assert (len(first.asked), len(second.asked)) == (3, 3)
    assert [call.provider for call in bench.observed.ended] == ["groq", "openai"] * 3
