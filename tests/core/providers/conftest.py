from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from core.providers import OpenAICompatibleProvider
from core.providers.base import ProviderProfile
from core.providers.profiles import custom_profile
from tests.core.providers.replay import ReplayServer, replaying

KEY = "gsk_0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
async def server() -> AsyncIterator[ReplayServer]:
    async with replaying() as replay:
        yield replay


@pytest.fixture
async def provider_at() -> AsyncIterator[Callable[..., OpenAICompatibleProvider]]:
    """Makes providers and closes them."""
    made: list[OpenAICompatibleProvider] = []

    def make(url: str, profile: ProviderProfile | None = None, key: str = KEY) -> OpenAICompatibleProvider:
        provider = OpenAICompatibleProvider(
            profile or custom_profile("test", url, label="Test"), api_key=key, base_url=url
        )
        made.append(provider)
        return provider

    yield make
    for provider in made:
        await provider.aclose()


@pytest.fixture
def provider(
    server: ReplayServer, provider_at: Callable[..., OpenAICompatibleProvider]
) -> OpenAICompatibleProvider:
    return provider_at(server.url)
