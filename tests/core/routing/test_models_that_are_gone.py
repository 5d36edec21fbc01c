"""A model that is gone is replaced, and that is remembered."""

import pytest

from core import errors
from core.routing import RetryPolicy, RouteEndpoint
from tests.core.routing.scripted import ANSWER, rate_limited, text_of
from tests.core.routing.streamed import changes, stream


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


def _endpoint(provider):
    return RouteEndpoint(provider=provider)
