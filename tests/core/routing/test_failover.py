"""What the router does about failures before any of the answer arrived, in virtual time."""

import pytest

from core import errors
from core.chat import Finished, ReasoningDelta, RouteChanged, RouteChosen, TextDelta, Waiting
from core.routing import RetryPolicy
from tests.core.routing.scripted import ANSWER, rate_limited, request, text_of
from tests.core.routing.streamed import changes, stream

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


async def test_content_from_the_second_route_only(bench):
    bench.set_up([(errors.ServerFailed("Broken."),)], [(TextDelta("Hi"), Finished("length"))])
    answer = bench.router.stream(request())
    assert text_of([event async for event in answer]) == "Hi"
    assert answer.response.finish_reason == "length"
    assert answer.response.provider == "openai"
