"""The router as an object: routes, overrides, connections, and what it never does."""

import subprocess
import sys
from pathlib import Path

import pytest

from core import errors
from core.chat import (
    ChatRequest,
    Finished,
    ImagePart,
    LimitsReported,
    Message,
    RateLimits,
    TextDelta,
    Usage,
    UsageReported,
)
from core.routing import LLMRouter, LoadBalanceStrategy, RouteEndpoint
from tests.core.routing.scripted import ANSWER, ScriptedProvider, VirtualTime, request

ROOT = Path(__file__).parents[3]


async def test_a_name_without_a_route_is_refused_at_once(bench):
    bench.set_up([])
    with pytest.raises(errors.UnknownRoute, match="Known routes: m"):
        bench.router.stream(request("zzz"))


async def test_the_catalogues_name_of_an_alias_is_asked_for_unless_the_endpoint_says_otherwise(bench):
    groq, openai = bench.set_up([(errors.ServerFailed("Broken."),)], [])
    bench.router.add_route(
        "llama-70b",
        [
            RouteEndpoint(provider=groq, priority=0),
            RouteEndpoint(provider=openai, priority=1, model="gpt-mine"),
        ],
    )
    async for _ in bench.router.stream(request("llama-70b")):
        pass
    assert groq.models_asked == ["llama-3.3-70b-versatile"]
    assert openai.models_asked == ["gpt-mine"]


async def test_unknown_models_under_a_star_are_asked_for_as_they_are(bench):
    (groq,) = bench.set_up([])
    bench.router.add_route("*", [RouteEndpoint(provider=groq)])
    async for _ in bench.router.stream(request("brand-new/model")):
        pass
    assert groq.models_asked == ["brand-new/model"]


async def test_an_image_goes_past_endpoints_that_are_known_not_to_see(bench):
    groq, openai = bench.set_up([], [])
    endpoints = [RouteEndpoint(provider=groq, priority=0), RouteEndpoint(provider=openai, priority=1)]
    bench.router.add_route("smart", endpoints)
    assert bench.router.resolve("smart") == [("groq", "openai/gpt-oss-120b"), ("openai", "gpt-5.4-mini")]
    image = ImagePart.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")
    response = await bench.router.chat(
        ChatRequest(model="smart", messages=[Message(role="user", content=[image])])
    )
    (skipped,) = response.decision.skipped
    assert (skipped.provider, skipped.reason) == ("groq", "does not see images")
    assert (groq.models_asked, openai.models_asked) == ([], ["gpt-5.4-mini"])


def test_a_strategy_may_be_given_by_its_name():
    assert LLMRouter(strategy="lowest_cost").strategy is LoadBalanceStrategy.LOWEST_COST
    with pytest.raises(ValueError, match="cheapest"):
        LLMRouter(strategy="cheapest")


async def test_overrides_make_one_provider_for_equal_ones(bench):
    made = []

    class Overridable(ScriptedProvider):
        def with_overrides(self, api_key, base_url):
            made.append((api_key, base_url))
            return super().with_overrides(api_key, base_url)

    provider = Overridable("groq", VirtualTime())
    router = LLMRouter()
    endpoint = RouteEndpoint(provider=provider, api_key="gsk_a")
    router.add_route("a", [endpoint])
    router.add_route("b", [endpoint, RouteEndpoint(provider=provider, base_url="http://127.0.0.1:2")])
    for name in ("a", "b", "a"):
        async for _ in router.stream(request(name)):
            pass
    assert made == [("gsk_a", None), (None, "http://127.0.0.1:2")]
    assert provider.asked == []


async def test_health_is_shared_by_routes_to_the_same_model(bench):
    (groq,) = bench.set_up_always((errors.ServerFailed("Broken."),))
    for name in ("a", "b"):
        bench.router.add_route(name, [RouteEndpoint(provider=groq, model="same")])
    with pytest.raises(errors.AllRoutesFailed):
        async for _ in bench.router.stream(request("a")):
            pass
    by_route = {health.pattern: health for health in bench.router.health()}
    assert by_route["a"].circuit == by_route["b"].circuit == "open"
    assert by_route["b"].ready_in == pytest.approx(30, abs=5)
    assert by_route["b"].problem.startswith("failed (3 of the last 3 calls failed)")
    assert (by_route["m"].circuit, by_route["m"].problem, by_route["m"].ready_in) == ("closed", "", 0)


async def test_health_under_a_wildcard_names_what_was_asked_for(bench):
    (groq,) = bench.set_up([])
    bench.router.add_route("*", [RouteEndpoint(provider=groq)])
    assert [health.model for health in bench.router.health()] == ["m", "*"]
    for model in ("one", "two"):
        async for _ in bench.router.stream(request(model)):
            pass
    assert [health.model for health in bench.router.health() if health.pattern == "*"] == ["one", "two"]


async def test_warming_and_closing_reach_every_provider_once(bench):
    groq, openai = bench.set_up([], [])
    bench.router.add_route("only-groq", [RouteEndpoint(provider=groq)])
    assert await bench.router.warm()
    assert (groq.warmed, openai.warmed) == (1, 1)
    assert await bench.router.warm("only-groq")
    assert (groq.warmed, openai.warmed) == (2, 1)
    await bench.router.aclose()
    assert (groq.closed, openai.closed) == (1, 1)


async def test_the_stream_sends_nothing_before_it_is_read(bench):
    (groq,) = bench.set_up([ANSWER])
    answer = bench.router.stream(request())
    assert groq.asked == []
    chosen = await anext(answer)
    assert groq.asked == []
    assert chosen.call_id
    assert isinstance(await anext(answer), TextDelta)
    await answer.aclose()


def test_making_a_router_at_import_time_needs_nothing():
    """No event loop, no key, no environment, no catalogue, and no heavy module."""
    program = """
import os, sys, builtins
class Forbidden(dict):
    def __getitem__(self, key): raise AssertionError(key)
    get = __getitem__
from core.routing import LLMRouter, LoadBalanceStrategy, RouteEndpoint
from core.providers import groq_provider, openai_provider
before = set(sys.modules)
os.environ = Forbidden()
router = LLMRouter(strategy=LoadBalanceStrategy.LEAST_LATENCY)
router.add_route("llama-70b", [
    RouteEndpoint(provider=groq_provider, priority=0),
    RouteEndpoint(provider=openai_provider, priority=1),
])
heavy = {"sqlalchemy", "alembic", "genai_prices", "keyring", "pydantic_settings", "textual", "rich", "httpx"}
print(sorted(heavy & set(sys.modules)), sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.strip() == "[] []"


async def test_a_preview_names_the_routes_in_order_and_takes_no_turn(bench):
    bench.set_up([], [], one_tier=True, default_output_cap=700)
    routes, skipped = bench.router.preview(request())
    assert [route.provider for route in routes] == ["groq", "openai"]
    assert [route.output_cap for route in routes] == [700, 700]
    assert skipped == []
    assert bench.router.preview(request()) == (routes, [])
    assert bench.observed.ended == []


async def test_a_preview_tells_when_a_route_has_room_again_and_what_is_left(bench):
    headers = LimitsReported(RateLimits(limit_tokens=8_000, remaining_tokens=2_000, reset_tokens=45.0))
    usage = UsageReported(Usage(prompt_tokens=10, completion_tokens=3))
    bench.set_up([(headers, TextDelta("x"), usage, Finished("stop"))], default_output_cap=1_000)
    ((before,), _) = bench.router.preview(request())
    assert (before.label, before.ready_in) == ("Groq", 0)
    async for _ in bench.router.stream(request()):
        pass
    (now,) = bench.router.health()
    level = next(level for level in now.levels if level.kind == "tokens_per_minute")
    assert level.limit == 8_000
    assert level.free == pytest.approx(2_500, abs=1_000)
    long = ChatRequest(model="m", messages=[Message(role="user", content="word " * 5_000)])
    ((after,), (skipped,)) = bench.router.preview(long, streaming=True)
    assert after.ready_in > 0
    assert skipped.reason.startswith("has no room in its tokens a minute")


async def test_the_endpoints_of_a_wildcard_have_the_model_that_is_asked_for_next(bench):
    (groq,) = bench.set_up([])
    bench.router.add_route("*", [RouteEndpoint(provider=groq)])
    assert [health.model for health in bench.router.health("next")] == ["m", "next"]
    assert [health.model for health in bench.router.health("m")] == ["m", "*"]
