"""Keys that requests bring along: what is learned under one holds for its next request and no other's."""

from __future__ import annotations

import pytest

from core.chat import ChatResponse
from core.routing import LLMRouter, RouteEndpoint
from core.routing.own_keys import OwnKeys
from tests.core.routing.scripted import ScriptedProvider, VirtualTime, rate_limited, request


async def asked(router: LLMRouter, key: str) -> list[str]:
    response: ChatResponse = await router.chat(request(), api_keys={"groq": key})
    assert response.decision is not None
    return [call.provider for call in response.decision.calls]


@pytest.fixture
def router() -> LLMRouter:
    time = VirtualTime()
    busy = ScriptedProvider("groq", time, always=[rate_limited(30.0)])
    free = ScriptedProvider("other", time)
    router = LLMRouter(clock=time.clock, sleep=time.sleep)
    router.add_route("m", [RouteEndpoint(provider=busy), RouteEndpoint(provider=free, priority=1)])
    return router


async def test_a_key_at_its_limit_is_not_tried_again_by_its_next_request(router: LLMRouter) -> None:
    assert await asked(router, "gsk_one") == ["groq", "other"]
    assert await asked(router, "gsk_one") == ["other"]


async def test_another_key_has_limits_of_its_own(router: LLMRouter) -> None:
    await asked(router, "gsk_one")
    assert await asked(router, "gsk_two") == ["groq", "other"]


def test_of_too_many_keys_the_longest_unused_are_forgotten() -> None:
    keys = OwnKeys()
    first, used = keys.health("groq", "first"), keys.health("groq", "used")
    for number in range(999):
        keys.health("groq", f"gsk_{number}")
        assert keys.health("groq", "used") is used
    assert keys.health("groq", "first") is not first


def test_no_key_is_kept() -> None:
    keys = OwnKeys()
    keys.health("groq", "gsk_secret")
    assert "gsk_secret" not in repr(vars(keys))
