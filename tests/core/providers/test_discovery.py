from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.providers import OpenAICompatibleProvider, find_local_servers
from core.providers.profiles import LLAMA_CPP, LM_STUDIO, OLLAMA
from tests.core.providers.replay import ReplayServer, Reply, answer, replaying

MakeProvider = Callable[..., OpenAICompatibleProvider]


async def test_only_servers_that_list_models_are_found(provider_at: MakeProvider) -> None:
    async with replaying() as first, replaying() as website, replaying() as silent, replaying() as last:
        first.reply(answer({"data": [{"id": "llama3.2"}]}))
        website.reply(answer("<html>my homepage</html>", content_type="text/html"))
        silent.reply(Reply([], then="hang"))
        last.reply(answer({"data": []}))
        ollama, lm_studio = provider_at(first.url, OLLAMA), provider_at(last.url, LM_STUDIO)
        others = [provider_at(server.url, LLAMA_CPP) for server in (website, silent)]
        refusing = provider_at("http://127.0.0.1:1/v1", LLAMA_CPP)
        found = await find_local_servers([ollama, *others, refusing, lm_studio], time_limit=0.3)
        assert found == [ollama, lm_studio]
        await silent.until(lambda server: server.open == 0)
        await website.until(lambda server: server.open == 0)


async def test_local_servers_need_no_key(server: ReplayServer) -> None:
    server.reply(answer({"data": []}))
    provider = OpenAICompatibleProvider(replace(OLLAMA, base_url=server.url))
    assert await find_local_servers([provider]) == [provider]
    assert "authorization" not in server.requests[0].headers
    await provider.aclose()


async def test_the_usual_ports_are_asked() -> None:
    for found in await find_local_servers(time_limit=0.2):
        assert found.name in {"ollama", "lm-studio", "llama-cpp"}
        await found.aclose()
