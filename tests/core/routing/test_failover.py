"""What the router does about failures before any of the answer arrived, in virtual time."""

import pytest

from core import errors
from core.chat import Finished, ReasoningDelta, RouteChanged, RouteChosen, TextDelta, Waiting
from core.routing import LoadBalanceStrategy, RetryPolicy, RouteEndpoint
from tests.core.routing.scripted import ANSWER, rate_limited, request, text_of


async def stream(bench, **fields):
    return [event async for event in bench.router.stream(request(**fields))]


def changes(events):
    return [event.reason for event in events if isinstance(event, RouteChanged)]


FALL_BACK = [
    errors.AuthenticationFailed("The key is wrong.", status=401),
    errors.CredentialsError("No key."),
    errors.AccessDenied("Denied.", status=403),
    errors.QuotaExhausted("Spent.", status=400),
    errors.ConnectionFailed("Refused."),
    errors.ServerFailed("Broken.", status=503),
    errors.UnexpectedResponse("A login page."),
    errors.StreamInterrupted("Cut."),
    errors.StreamStalled("Silent."),
    errors.ModelUnavailable("Unknown model.", status=404),
    errors.RequestTooLarge("Too large.", status=413),
    errors.CapacityExceeded("Full.", status=498),
    errors.Unprocessable("Dependency.", status=424),
    rate_limited(30),
    rate_limited(None),
]


@pytest.mark.parametrize("error", FALL_BACK, ids=lambda error: type(error).__name__)
async def test_another_route_takes_over_at_once_without_sleeping(bench, error):
    first, second = bench.set_up([(error,)], [ANSWER])
    events = await stream(bench)
    assert text_of(events) == "Hello world"
    assert bench.time.slept == []
    assert (len(first.asked), len(second.asked)) == (1, 1)
    assert bench.observed.outcomes == ["failed", "answered"]
    (change,) = [event for event in events if isinstance(event, RouteChanged)]
    assert (change.from_provider, change.to_provider) == ("groq", "openai")
    assert change.reason.startswith("Groq ")
    assert change.reason.endswith("; using m at Openai")
    assert [type(event) for event in events[:3]] == [RouteChosen, RouteChanged, RouteChosen]
    assert isinstance(events[-1], Finished)


async def test_reasoning_does_not_bind_to_a_route(bench):
    bench.set_up([(ReasoningDelta("Hm"), errors.ServerFailed("Broken."))], [(ReasoningDelta("So"), *ANSWER)])
    answer = bench.router.stream(request())
    events = [event async for event in answer]
    assert text_of(events) == "Hello world"
    assert answer.response.reasoning == "So"


async def test_a_request_at_fault_is_raised_as_it_is_and_goes_nowhere_else(bench):
    error = errors.InvalidRequest("temperature is too high.", status=400)
    _, second = bench.set_up([(error,)], [ANSWER])
    with pytest.raises(errors.InvalidRequest) as caught:
        await stream(bench)
    assert caught.value is error
    assert second.asked == []
    assert all(health.circuit == "closed" and health.failed == 0 for health in bench.router.health())


async def test_a_refusal_after_another_failure_tells_of_both(bench):
    bench.set_up([(errors.QuotaExhausted("Spent."),)], [(errors.InvalidRequest("Bad field."),)])
    with pytest.raises(errors.AllRoutesFailed) as caught:
        await stream(bench)
    assert caught.value.message == "No route answered. Groq: Spent. Openai: Bad field."


async def test_when_all_fail_each_cause_is_kept_and_said(bench):
    bench.set_up(
        [(errors.AuthenticationFailed("The key is wrong.", hint="Check GROQ_API_KEY."),)],
        [(errors.CredentialsError("No key is set.", hint="Set OPENAI_API_KEY."),)],
    )
    with pytest.raises(errors.AllRoutesFailed) as caught:
        await stream(bench)
    failure = caught.value
    assert [type(cause) for cause in failure.causes] == [
        errors.AuthenticationFailed,
        errors.CredentialsError,
    ]
    assert failure.message == "No route answered. Groq: The key is wrong. Openai: No key is set."
    assert failure.hint == "Check GROQ_API_KEY."
    assert [call.error_type for call in failure.decision.calls] == [
        "AuthenticationFailed",
        "CredentialsError",
    ]


async def test_a_single_cause_speaks_for_itself(bench):
    bench.set_up([(errors.AuthenticationFailed("The key is wrong.", hint="Check it."),)])
    with pytest.raises(errors.AllRoutesFailed) as caught:
        await stream(bench)
    assert (caught.value.message, caught.value.hint) == ("The key is wrong.", "Check it.")
    assert bench.time.slept == []


# -- retries ---------------------------------------------------------------------------------------


async def test_the_only_route_is_retried_after_a_jittered_pause(bench):
    (only,) = bench.set_up(
        [(errors.ConnectionFailed("Refused."),), (errors.ServerFailed("Broken."),), ANSWER]
    )
    events = await stream(bench)
    assert text_of(events) == "Hello world"
    assert len(only.asked) == 3
    assert len(bench.time.slept) == 2
    assert 0 < bench.time.slept[0] <= 0.5
    assert 0 < bench.time.slept[1] <= 1.0
    waits = [event for event in events if isinstance(event, Waiting)]
    assert [wait.seconds for wait in waits] == pytest.approx(bench.time.slept)
    assert waits[0].reason == "Groq did not answer"
    assert changes(events) == []
    assert bench.observed.ended[-1].reason == "once more: Groq failed"


async def test_retries_end(bench):
    (only,) = bench.set_up_always((errors.ServerFailed("Broken.", status=500),))
    with pytest.raises(errors.AllRoutesFailed, match="Broken"):
        await stream(bench)
    assert len(only.asked) == 1 + RetryPolicy().retries


async def test_the_budget_ends_retries_while_a_route_mostly_fails(bench):
    (only,) = bench.set_up_always((errors.ServerFailed("Broken."),), retry=RetryPolicy(retries=3))
    for _ in range(4):
        with pytest.raises(errors.AllRoutesFailed):
            await stream(bench)
    asked = len(only.asked)
    with pytest.raises(errors.AllRoutesFailed):
        await stream(bench)
    assert len(only.asked) == asked + 1, "one try, no retry"


async def test_a_503s_retry_after_is_slept_where_nothing_else_is_ready(bench):
    error = errors.ServerFailed("Busy.", status=503)
    error.retry_after = 7.0
    bench.set_up([(error,), ANSWER])
    assert text_of(await stream(bench)) == "Hello world"
    assert bench.time.slept == [7.0]


@pytest.mark.parametrize("kind", [errors.OutputInvalid, errors.ToolCallInvalid, errors.Unprocessable])
async def test_a_slip_of_the_model_is_retried_once_on_the_same_route_at_once(bench, kind):
    first, second = bench.set_up([(kind("Slip."),), ANSWER], [ANSWER])
    events = await stream(bench)
    assert text_of(events) == "Hello world"
    assert (len(first.asked), len(second.asked)) == (2, 0)
    assert first.asked[1][1].temperature == 0.2
    assert bench.time.slept == []
    assert changes(events) == []
    assert all(health.failed == 0 for health in bench.router.health())


async def test_a_second_slip_goes_elsewhere(bench):
    first, second = bench.set_up(
        [(errors.OutputInvalid("Slip."),), (errors.OutputInvalid("Slip."),)], [ANSWER]
    )
    assert text_of(await stream(bench)) == "Hello world"
    assert (len(first.asked), len(second.asked)) == (2, 1)


async def test_a_slip_that_the_caller_mends_itself_is_given_back_at_once(bench):
    first, second = bench.set_up([(errors.OutputInvalid("Slip."),)], [ANSWER])
    answer = bench.router.stream(request(), mends=(errors.OutputInvalid,))
    with pytest.raises(errors.OutputInvalid, match="Slip"):
        await anext(event async for event in answer if isinstance(event, TextDelta))
    assert (len(first.asked), len(second.asked)) == (1, 0)


async def test_another_slip_than_the_caller_mends_is_retried(bench):
    first, _ = bench.set_up([(errors.ToolCallInvalid("Slip."),), ANSWER], [ANSWER])
    answer = bench.router.stream(request(), mends=(errors.OutputInvalid,))
    assert text_of([event async for event in answer]) == "Hello world"
    assert len(first.asked) == 2


async def test_a_full_flex_tier_falls_back_to_on_demand_on_the_same_route(bench):
    first, second = bench.set_up([(errors.CapacityExceeded("Full.", status=498),), ANSWER], [ANSWER])
    assert text_of(await stream(bench, service_tier="flex")) == "Hello world"
    assert [asked.service_tier for _, asked in first.asked] == ["flex", "on_demand"]
    assert second.asked == []


async def test_a_request_too_large_is_asked_again_with_a_cap_that_fits(bench):
    error = errors.RequestTooLarge("Too large.", status=413)
    error.limit, error.requested = 8000, 8300
    first, _ = bench.set_up([(error,), ANSWER], [ANSWER])
    assert text_of(await stream(bench, max_completion_tokens=8192)) == "Hello world"
    assert [asked.max_completion_tokens for _, asked in first.asked] == [8192, 7892]


async def test_the_providers_own_cap_is_shrunk_where_the_request_names_none(bench):
    error = errors.RequestTooLarge("Too large.", status=413)
    error.limit, error.requested = 8000, 8300
    (only,) = bench.set_up([(error,), ANSWER], default_output_cap=4096)
    assert text_of(await stream(bench)) == "Hello world"
    assert only.asked[1][1].max_completion_tokens == 3796


async def test_shrinking_is_tried_once(bench):
    error = errors.RequestTooLarge("Too large.", status=413)
    error.limit, error.requested = 8000, 8300
    (only,) = bench.set_up_always((error,), default_output_cap=4096)
    with pytest.raises(errors.AllRoutesFailed, match="Too large"):
        await stream(bench)
    assert len(only.asked) == 2


# -- rate limits -----------------------------------------------------------------------------------


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


# -- models that are gone --------------------------------------------------------------------------


async def test_a_retired_model_is_replaced_and_remembered(bench):
    gone = errors.ModelUnavailable("No such model.", status=404, code="model_not_found")
    bench.set_up([])
    groq = bench.providers[0]
    groq.scripts = [(gone,), ANSWER, ANSWER]
    bench.router.add_route("*", [_endpoint(groq)])
    events = await stream(bench, model="llama-3.3-70b-versatile")
    assert text_of(events) == "Hello world"
    assert changes(events) == ["llama-3.3-70b-versatile is retired; using openai/gpt-oss-120b"]
    again = await stream(bench, model="llama-3.3-70b-versatile")
    assert changes(again) == []
    assert groq.models_asked == ["llama-3.3-70b-versatile", "openai/gpt-oss-120b", "openai/gpt-oss-120b"]


async def test_a_model_this_key_may_not_use_goes_elsewhere_where_nothing_replaces_it(bench):
    gone = errors.ModelUnavailable("No such model.", status=404)
    bench.set_up([(gone,)], [ANSWER])
    assert changes(await stream(bench)) == ["Groq does not serve the model; using m at Openai"]


async def test_a_replacement_that_is_gone_too_ends(bench):
    gone = errors.ModelUnavailable("No such model.", status=404)
    bench.set_up([])
    groq = bench.providers[0]
    groq.always = (gone,)
    bench.router.add_route("*", [_endpoint(groq)])
    with pytest.raises(errors.AllRoutesFailed, match="No such model"):
        await stream(bench, model="gemma2-9b-it")
    assert groq.models_asked == ["gemma2-9b-it", "openai/gpt-oss-20b"]


async def test_a_replacement_has_tries_of_its_own(bench):
    gone = errors.ModelUnavailable("No such model.", status=404)
    broken = errors.ServerFailed("Broken.")
    (groq,) = bench.set_up([(gone,), (broken,), (broken,), ANSWER], retry=RetryPolicy(retries=2))
    bench.router.add_route("*", [_endpoint(groq)])
    assert text_of(await stream(bench, model="gemma2-9b-it")) == "Hello world"


async def test_a_replacement_that_is_limited_is_not_asked(bench):
    groq, openai = bench.set_up([(rate_limited(30),)], [])
    bench.router.add_route("*", [_endpoint(groq), RouteEndpoint(provider=openai, priority=1)])
    await stream(bench, model="openai/gpt-oss-20b")
    groq.scripts = [(errors.ModelUnavailable("No such model.", status=404),)]
    events = await stream(bench, model="gemma2-9b-it")
    assert groq.models_asked == ["openai/gpt-oss-20b", "gemma2-9b-it"]
    assert changes(events) == ["gemma2-9b-it is retired; using gemma2-9b-it at Openai"]
    assert bench.time.slept == []


# -- circuits --------------------------------------------------------------------------------------


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


# -- strategies through the router -----------------------------------------------------------------


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
    bench.router.add_route("smart", [_endpoint(openai), _endpoint(groq)])
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


async def test_content_from_the_second_route_only(bench):
    bench.set_up([(errors.ServerFailed("Broken."),)], [(TextDelta("Hi"), Finished("length"))])
    answer = bench.router.stream(request())
    assert text_of([event async for event in answer]) == "Hi"
    assert answer.response.finish_reason == "length"
    assert answer.response.provider == "openai"


def _endpoint(provider):
    return RouteEndpoint(provider=provider)
