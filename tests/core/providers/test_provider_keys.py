"""Keys are found late, used as they are, and shown nowhere."""

from __future__ import annotations

import pytest

from core.errors import (
    AuthenticationFailed,
    CredentialsError,
)
from core.providers import OpenAICompatibleProvider, groq_provider, openai_compatible
from core.providers.profiles import GROQ
from tests.core.providers.asking import HELLO_EVENTS, collect
from tests.core.providers.conftest import KEY
from tests.core.providers.replay import (
    HELLO,
    ReplayServer,
    answer,
    stream,
)


class TestKeys:
    """Keys are found late, used as they are, and shown nowhere."""

    async def test_a_missing_key(self) -> None:
        with pytest.raises(CredentialsError, match="no API key for Groq") as caught:
            await collect(groq_provider)
        assert "GROQ_API_KEY" in caught.value.hint
        assert "https://console.groq.com/keys" in caught.value.hint

    async def test_key_and_address_from_the_environment(
        self, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", f" {KEY}\n")
        monkeypatch.setenv("GROQ_API_URL", f"{server.url}/")
        server.reply(stream(*HELLO))
        provider = OpenAICompatibleProvider(GROQ)
        assert await collect(provider) == HELLO_EVENTS
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        await provider.aclose()

    async def test_a_refused_key_is_looked_up_again(
        self, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", "gsk_old_key_that_was_revoked")
        provider = OpenAICompatibleProvider(GROQ, base_url=server.url)
        server.reply(answer({"error": {"message": "Invalid API Key"}}, status=401), stream(*HELLO))
        with pytest.raises(AuthenticationFailed, match="refuses the API key"):
            await collect(provider)
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        assert await collect(provider) == HELLO_EVENTS
        assert server.requests[1].headers["authorization"] == f"Bearer {KEY}"
        await provider.aclose()

    @pytest.mark.parametrize("key", ["gsk_a\nb", "gsk_schlüssel", "   "])
    async def test_what_cannot_be_a_key_is_not_sent(self, server: ReplayServer, key: str) -> None:
        provider = OpenAICompatibleProvider(GROQ, api_key=key, base_url=server.url)
        with pytest.raises(CredentialsError) as caught:
            await collect(provider)
        assert "gsk_" not in str(caught.value)
        assert server.accepted == 0

    async def test_a_server_that_repeats_the_key(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(answer({"error": {"message": f"Incorrect API key: {KEY}"}}, status=401))
        with pytest.raises(AuthenticationFailed) as caught:
            await collect(provider)
        assert KEY not in f"{caught.value} {caught.value!r} {provider!r} {vars(provider.profile.__class__)}"

    async def test_overrides(self, server: ReplayServer) -> None:
        server.reply(stream(*HELLO))
        provider = groq_provider.with_overrides("gsk_another_key_0123456789", server.url)
        assert await collect(provider) == HELLO_EVENTS
        assert provider.name == "groq"
        assert provider.with_overrides(None, None) is provider
        assert server.requests[0].headers["authorization"] == "Bearer gsk_another_key_0123456789"
        await provider.aclose()

    async def test_a_server_without_keys_gets_none(self, server: ReplayServer) -> None:
        server.reply(stream(*HELLO))
        provider = openai_compatible("mine", server.url)
        assert await collect(provider) == HELLO_EVENTS
        assert "authorization" not in server.requests[0].headers
        await provider.aclose()
