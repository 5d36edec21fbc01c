"""The router over real HTTP, against the simulator: what the scripts of virtual time stand for."""

import asyncio
import gc
import re
from contextlib import closing

import pytest

from core import errors
from core.chat import RouteChanged, TextDelta, ToolCallDelta, Waiting
from core.providers import groq_provider, openai_compatible
from core.providers.access import Access
from core.routing import LLMRouter, RouteEndpoint
from tests.core.routing.scripted import Observed, collect, request, text_of
from tests.simulated import Simulated

MODEL = "openai/gpt-oss-120b"


class Routes:
    """Groq's dialect first, a plain OpenAI-compatible server second; both answer with the same account."""

    def __init__(self, simulator) -> None:
        self.observed = Observed()
        self.slept: list[float] = []
        self.router = LLMRouter(sleep=self._sleep, observer=self.observed)
        groq = RouteEndpoint(provider=groq_provider, api_key=simulator.api_key, base_url=simulator.base_url)
        other = openai_compatible("other", simulator.generic_url, api_key=simulator.api_key, label="Other")
        self.router.add_route("alone", [RouteEndpoint(**_fields(groq), model=MODEL)])
        self.router.add_route(
            "both", [RouteEndpoint(**_fields(groq), model=MODEL), RouteEndpoint(provider=other, priority=1)]
        )
        self.router.add_route("*", [groq])

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds)

    async def events(self, model="both", **fields):
        return [event async for event in self.router.stream(request(model, **fields))]


def _fields(endpoint):
    return {"provider": endpoint.provider, "api_key": endpoint.api_key, "base_url": endpoint.base_url}


@pytest.fixture
async def routes(simulator):
    routes = Routes(simulator)
    yield routes
    await routes.router.aclose()


FAULTS = {
    "reset": "ConnectionFailed",
    "close": "ConnectionFailed",
    "unauthorized": "AuthenticationFailed",
    "forbidden": "ModelUnavailable",
    "cloudflare": "AccessDenied",
    "blocked": "QuotaExhausted",
    "failed_dependency": "Unprocessable",
    "rate_limited": "RateLimited",
    "server_error": "ServerFailed",
    "html_page": "UnexpectedResponse",
    "plain_text": "UnexpectedResponse",
    "sse_error": "ServerFailed",
    "end": "StreamInterrupted",
    "cut": "StreamInterrupted",
}


@pytest.mark.parametrize(("fault", "error"), FAULTS.items())
async def test_a_fault_of_the_first_route_is_invisible_but_for_one_line(routes, simulator, fault, error):
    simulator.configure(
        text="All is well.", reasoning="", faults=[{"kind": fault, "times": 1, "model": MODEL}]
    )
    events = await routes.events()
    assert text_of(events) == "All is well."
    assert [call.error_type for call in routes.observed.ended] == [error, None]
    assert [call.provider for call in routes.observed.ended] == ["groq", "other"]
    assert sum(isinstance(event, RouteChanged) for event in events) == 1
    assert routes.slept == []


@pytest.mark.parametrize("fault", ["tool_use_failed", "json_validate_failed", "unprocessable"])
async def test_a_slip_of_the_model_is_mended_on_the_same_route(routes, simulator, fault):
    simulator.configure(text="All is well.", reasoning="", faults=[{"kind": fault, "times": 1}])
    assert text_of(await routes.events()) == "All is well."
    assert [call.provider for call in routes.observed.ended] == ["groq", "groq"]


async def test_a_bad_request_is_shown_and_sent_once(routes, simulator):
    simulator.fail("bad_request")
    with pytest.raises(errors.InvalidRequest):
        await routes.events()
    assert len(simulator.requests()) == 1


async def test_a_failover_adds_no_pause(routes, simulator):
    fault = {"kind": "server_error", "times": 1, "model": MODEL}
    simulator.configure(text="Hi", reasoning="", faults=[fault])
    await routes.events()
    assert [call.outcome for call in routes.observed.ended] == ["failed", "answered"]
    assert routes.slept == []


async def test_a_limited_route_is_left_at_once_and_not_asked_again_while_limited(routes, simulator):
    simulator.configure(faults=[{"kind": "rate_limited", "model": MODEL, "retry_after": 30, "times": 1}])
    await routes.events()
    answer = routes.router.stream(request("both"))
    _ = [event async for event in answer]
    assert [call.provider for call in routes.observed.ended] == ["groq", "other", "other"]
    (skipped,) = answer.decision.skipped
    assert skipped.provider == "groq"
    assert re.fullmatch(r"is at its rate limit for (29\.\d|30\.0) s", skipped.reason)
    assert routes.slept == []


async def test_the_only_route_is_waited_for_as_long_as_it_says(routes, simulator):
    simulator.configure(
        text="Here.", reasoning="", faults=[{"kind": "rate_limited", "retry_after": 0.2, "times": 1}]
    )
    events = await routes.events("alone")
    assert text_of(events) == "Here."
    (wait,) = [event for event in events if isinstance(event, Waiting)]
    assert routes.slept == [wait.seconds]
    assert 0.1 < wait.seconds <= 1.0


@pytest.mark.parametrize("fault", ["model_not_found", "model_decommissioned"])
async def test_a_retired_model_is_replaced_in_both_kinds_of_call(routes, simulator, fault):
    retired = "llama-3.1-8b-instant"
    simulator.configure(
        models=[retired], text="Still here.", reasoning="", faults=[{"kind": fault, "model": retired}]
    )
    events = await routes.events(retired)
    assert text_of(events) == "Still here."
    assert [event.reason for event in events if isinstance(event, RouteChanged)] == [
        "llama-3.1-8b-instant is retired; using openai/gpt-oss-20b"
    ]
    response = await routes.router.chat(request(retired))
    assert (response.text, response.model) == ("Still here.", "openai/gpt-oss-20b")
    assert len(routes.observed.ended) == 3


BREAKS = ["cut", "cut_reset", "end", "sse_error", "x_groq_error", "garbage_event"]


@pytest.mark.parametrize("fault", BREAKS)
@pytest.mark.parametrize("model", ["both", "alone"])
async def test_a_stream_that_breaks_after_content_is_gone_on_with(routes, simulator, fault, model):
    if (fault, model) == ("garbage_event", "alone"):
        pytest.skip("what speaks no language of ours is not asked again")
    fault = {"kind": fault, "after_tokens": 9, "times": 1}
    told = "Once upon a time there was a router that never broke."
    simulator.configure(text=told, reasoning="", faults=[fault])
    answer = routes.router.stream(request(model))
    events = [event async for event in answer]
    assert text_of(events) == answer.response.text == told
    assert routes.observed.outcomes == ["interrupted", "answered"]
    assert sum(isinstance(event, RouteChanged) for event in events) == 1
    assert routes.slept == []


@pytest.mark.parametrize("fault", ["cut", "cut_reset", "end", "sse_error", "x_groq_error"])
async def test_a_stream_that_breaks_after_content_keeps_what_came(routes, simulator, fault):
    simulator.configure(
        text=["Once", " upon", " a", " time"], reasoning="", faults=[{"kind": fault, "after_tokens": 2}]
    )
    answer, seen = routes.router.stream(request("both")), []
    with pytest.raises(errors.ProviderError):
        await collect(answer, seen)
    assert answer.partial == text_of(seen) == "Once upon"
    assert routes.observed.outcomes == ["interrupted", "failed", "failed"], (
        "nor does anybody else get further"
    )


async def test_stopping_closes_the_connection_at_once(routes, simulator):
    simulator.configure(tokens_per_second=200, content="markdown", tokens=4000, reasoning="")
    async with routes.router.stream(request("both")) as answer:
        async for event in answer:
            if isinstance(event, TextDelta):
                break
    assert routes.observed.outcomes == ["cancelled"]
    assert answer.partial
    simulator.configure(text="Next.", reasoning="")
    assert text_of(await routes.events()) == "Next."
    assert routes.slept == []


async def test_usage_limits_and_cost_come_with_the_answer(routes, simulator):
    simulator.configure(text="Hello.", reasoning="", limits="free")
    answer = routes.router.stream(request("alone", max_completion_tokens=100))
    _ = [event async for event in answer]
    (call,) = answer.decision.calls
    assert call.usage == answer.response.usage
    assert call.usage.prompt_tokens > 0
    assert call.limits.limit_tokens == 8000
    assert answer.response.cost > 0
    assert 0 < call.first_content <= call.duration


async def test_a_request_too_large_for_the_bucket_is_answered_with_a_smaller_cap(routes, simulator):
    simulator.configure(text="Short.", reasoning="", limits="free")
    response = await routes.router.chat(request("alone", max_completion_tokens=9000))
    assert response.text == "Short."
    assert [call.error_type for call in response.decision.calls] == ["RequestTooLarge", None]


async def test_a_first_request_is_made_to_fit_the_least_plan_and_is_not_refused(routes, simulator):
    simulator.configure(text="Short.", reasoning="", limits="free")
    response = await routes.router.chat(request("alone", max_completion_tokens=7999))
    assert response.text == "Short."
    assert [call.error_type for call in response.decision.calls] == [None]


async def test_a_full_flex_tier_is_left_for_the_ordinary_one(routes, simulator):
    simulator.configure(text="Here.", reasoning="", faults=[{"kind": "capacity", "service_tier": "flex"}])
    events = await routes.events("alone", service_tier="flex")
    assert text_of(events) == "Here."
    assert [call.error_type for call in routes.observed.ended] == ["CapacityExceeded", None]


async def test_tool_calls_pass_through(routes, simulator):
    simulator.configure(tool_calls=[{"name": "weather", "arguments": {"city": "Oslo"}}], reasoning="")
    tool = {"type": "function", "function": {"name": "weather"}}
    answer = routes.router.stream(request("alone", tools=[tool]))
    events = [event async for event in answer]
    assert any(isinstance(event, ToolCallDelta) for event in events)
    (call,) = answer.response.tool_calls
    assert (call.function.name, call.function.arguments.replace(" ", "")) == ("weather", '{"city":"Oslo"}')
    assert answer.response.finish_reason == "tool_calls"


async def test_no_server_at_all_is_said_in_the_providers_own_words(simulator):
    router = LLMRouter(sleep=_no_sleep)
    router.add_route(
        "*", [RouteEndpoint(provider=groq_provider, api_key="gsk_x", base_url="http://127.0.0.1:9/v1")]
    )
    with pytest.raises(errors.AllRoutesFailed) as caught:
        await router.chat(request("m"))
    failure = caught.value
    assert {type(cause) for cause in failure.causes} == {errors.ConnectionFailed}
    assert len(failure.causes) == 3
    assert failure.message == failure.causes[-1].message
    await router.aclose()


async def _no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


async def test_a_key_for_one_request_is_used_for_it_alone_and_then_forgotten(routes, simulator):
    with closing(Simulated(simulator.base_url)) as other:
        keys = {"groq": other.api_key}
        assert (await routes.router.chat(request("alone"), api_keys=keys)).text
        assert text_of([event async for event in routes.router.stream(request("alone"), api_keys=keys)])
        received = other.requests()
    connections = {row["connection"] for row in received}
    assert len(received) == 2
    assert simulator.requests() == []
    assert len(connections) == 1  # it shares the kept ones
    gc.collect()
    accesses = [thing for thing in gc.get_objects() if isinstance(thing, Access)]
    assert accesses
    assert other.api_key not in {access._given_key for access in accesses}
    assert (await routes.router.chat(request("alone"))).text
    assert len(simulator.requests()) == 1


async def test_a_wrong_key_of_one_request_is_not_held_against_the_route(routes, simulator):
    with pytest.raises(errors.AllRoutesFailed) as failed:
        await routes.router.chat(request("alone"), api_keys={"groq": "gsk_of_nobody_at_all"})
    assert isinstance(failed.value.causes[0], errors.AuthenticationFailed)
    assert [route.circuit for route in routes.router.health()] == ["closed"] * 4
    assert (await routes.router.chat(request("alone"))).text


async def test_a_whole_answer_tells_the_limits_that_are_left(routes, simulator):
    simulator.configure(text="Hi", reasoning="", limits={"tokens_per_minute": 20_000})
    response = await routes.router.chat(request("alone", max_completion_tokens=500))
    assert response.limits.limit_tokens == 20_000
    assert response.limits.remaining_tokens < 20_000 - 500 + 1
    assert routes.observed.ended[0].limits == response.limits
    assert routes.router.health()[0].limits == response.limits


async def test_a_burst_of_first_calls_is_kept_within_the_free_tier(routes, simulator):
    """Nothing is known of the limits before the first answer: the least of the plans is kept to."""
    simulator.configure(text="Well met.", reasoning="", limits="free")
    answers = await asyncio.gather(
        *(routes.router.chat(request(MODEL, max_completion_tokens=1_900)) for _ in range(8))
    )
    assert [answer.text for answer in answers] == ["Well met."] * 8
    assert {row["status"] for row in simulator.questions()} == {200}
