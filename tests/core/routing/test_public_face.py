"""The documented example, word for word, over real HTTP."""

import pytest

from core.chat import ChatRequest, Finished, Message, RouteChanged, RouteChosen
from core.providers import groq_provider, openai_provider
from core.routing import LLMRouter, LoadBalanceStrategy, RouteEndpoint
from tests.core.routing.scripted import text_of


@pytest.fixture
def both_providers(simulator, monkeypatch):
    """Groq's dialect as Groq, the generic dialect as OpenAI, through the documented variables."""
    monkeypatch.setenv("GROQ_API_KEY", simulator.api_key)
    monkeypatch.setenv("GROQ_API_URL", simulator.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", simulator.api_key)
    monkeypatch.setenv("OPENAI_BASE_URL", simulator.generic_url)


async def test_the_documented_example(both_providers, simulator):
    simulator.configure(text="Hello to you.")
    events = []

    router = LLMRouter(strategy=LoadBalanceStrategy.LEAST_LATENCY)
    router.add_route("llama-70b", [
        RouteEndpoint(provider=groq_provider, priority=0),
        RouteEndpoint(provider=openai_provider, priority=1),
    ])  # fmt: skip
    request = ChatRequest(model="llama-70b", messages=[Message(role="user", content="Hello!")])
    async for event in router.stream(request):
        events.append(event)  # noqa: PERF401
    response = await router.chat(request)
    await router.aclose()

    assert text_of(events) == response.text == "Hello to you."
    assert isinstance(events[-1], Finished)
    chosen = [event for event in events if isinstance(event, RouteChosen)]
    assert [(event.provider, event.model) for event in chosen] == [
        ("groq", "llama-3.3-70b-versatile"),
        ("groq", "openai/gpt-oss-120b"),
    ]
    (changed,) = [event for event in events if isinstance(event, RouteChanged)]
    assert changed.reason == "llama-3.3-70b-versatile is retired; using openai/gpt-oss-120b"
    assert response.model == "openai/gpt-oss-120b"
    assert response.usage.completion_tokens > 0
    assert response.cost > 0
    assert [call.outcome for call in response.decision.calls] == ["answered"]
