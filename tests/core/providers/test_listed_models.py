"""The models that a provider lists, and whether it can be reached."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import (
    ProviderError,
    UnexpectedResponse,
)
from core.providers import OpenAICompatibleProvider, RemoteModel
from tests.core.providers.replay import (
    ReplayServer,
    Reply,
    answer,
)


async def test_the_models_a_provider_lists(server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
    groq = {
        "id": "openai/gpt-oss-20b",
        "object": "model",
        "created": 1754407957,
        "owned_by": "OpenAI",
        "active": True,
        "context_window": 131072,
        "max_completion_tokens": 65536,
    }
    llama_cpp = {"id": "m.gguf", "meta": {"n_ctx_train": 8192}}
    others = [{"id": "b", "active": False, "context_length": 4096.0}, llama_cpp]
    server.reply(answer({"object": "list", "data": [groq, *others]}))
    assert await provider.models() == [
        RemoteModel("openai/gpt-oss-20b", "OpenAI", 1754407957, True, 131072, 65536),
        RemoteModel("b", active=False, context_window=4096),
        RemoteModel("m.gguf", context_window=8192),
    ]
    assert (server.requests[0].method, server.requests[0].target) == ("GET", "/v1/models")


@pytest.mark.parametrize("body", [{}, [1], {"data": [{}]}, {"data": 3}, "<html>", "", {"data": ["x"]}])
async def test_what_is_no_list_of_models(
    server: ReplayServer, provider: OpenAICompatibleProvider, body: Any
) -> None:
    server.reply(answer(body))
    with pytest.raises(UnexpectedResponse, match="does not list its models"):
        await provider.check()


@pytest.mark.parametrize("body", [{"data": None}, {"data": []}, []])
async def test_no_models(server: ReplayServer, provider: OpenAICompatibleProvider, body: Any) -> None:
    server.reply(answer(body))
    assert await provider.check() == []


async def test_a_check_has_a_time_limit(server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
    server.reply(Reply([], then="hang"))
    with pytest.raises(ProviderError, match=r"Test did not answer within 0\.1 seconds"):
        await provider.check(time_limit=0.1)
    await server.until(lambda server: server.open == 0)
