from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.composition import Services, Source, all_providers, compose
from core.catalogue import load_catalogue
from core.chat import Message
from core.credentials import store_api_key
from core.errors import ConfigurationError, CredentialsError, UnexpectedResponse
from core.locations import find_locations
from core.providers import openai_compatible
from core.settings import Settings, load_settings
from tests.simulated import Simulated


@pytest.fixture
def keyed(simulator: Simulated, monkeypatch: pytest.MonkeyPatch) -> Simulated:
    monkeypatch.setenv("GROQ_API_URL", simulator.base_url)
    monkeypatch.setenv("GROQ_API_KEY", simulator.api_key)
    return simulator


def configured(text: str) -> Settings:
    file = find_locations().settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return load_settings()


async def answer(services: Services, text: str = "hello") -> str:
    turn = services.assistant.reply(None, Message(role="user", content=text))
    async for _ in turn:
        pass
    return turn.text


async def test_without_a_key_it_says_how_to_get_one():
    with pytest.raises(CredentialsError, match="GROQ_API_KEY"):
        await compose(Settings())


async def test_openai_stands_behind_groq_where_its_key_is_stored(keyed):
    store_api_key("openai", "sk-stored-for-a-test-0123456789")
    services = await compose(Settings())
    assert list(services.providers) == ["groq", "openai"]
    keyed.configure(text="From Groq.", reasoning="")
    assert await answer(services) == "From Groq."
    assert [(at.provider, at.priority) for at in services.router.health()] == [("groq", 0), ("openai", 1)]
    await services.aclose()


async def test_a_route_of_the_settings_is_used_for_its_name_alone(keyed, simulator):
    settings = configured(f"""
[chat]
model = "mine"
[[providers]]
name = "own"
base_url = "{simulator.generic_url}"
[[routes]]
model = "mine"
endpoints = [{{ provider = "own", model = "any-model" }}]
""")
    services = await compose(settings)
    simulator.configure(text="From a server of my own.", reasoning="")
    turn = services.assistant.reply(None, Message(role="user", content="hello"))
    async for _ in turn:
        pass
    assert [(call.provider, call.model) for call in turn.decision.calls] == [("own", "any-model")]
    await services.aclose()


async def test_a_route_to_nobody_is_a_mistake_in_the_settings(keyed):
    with pytest.raises(ConfigurationError, match="nobody"):
        await compose(configured('[[routes]]\nmodel = "x"\nendpoints = [{ provider = "nobody" }]\n'))


async def test_a_local_server_answers_with_a_model_it_has(simulator):
    simulator.configure(text="Locally.", reasoning="")
    local = openai_compatible("local", simulator.generic_url, api_key=simulator.api_key)
    services = await compose(configured('[chat]\nmodel = "not-there"'), source=Source("local", local))
    offered = services.catalogue.find("local", services.settings.chat.model or "")
    assert offered is not None
    assert (offered.offered, offered.kind) == (True, "chat")
    assert await answer(services) == "Locally."
    await services.aclose()


async def test_a_local_server_without_a_model_says_so():
    async def no_models(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"object": "list", "data": []}'
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(no_models, "127.0.0.1", 0) as server:
        local = openai_compatible("local", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        with pytest.raises(UnexpectedResponse, match="no model"):
            await compose(Settings(), source=Source("local", local))


async def test_the_demo_keeps_its_spend_apart():
    services = await compose(Settings(), source=Source("demo"))
    assert services.simulated
    assert await answer(services)
    await services.aclose()
    locations = find_locations()
    assert locations.demo_database_file.exists()
    assert not locations.database_file.exists()


async def test_models_are_asked_for_once_a_day_and_kept_for_an_offline_start(keyed):
    keyed.configure(models=["acme/brand-new"])
    services = await compose(Settings())
    await services.refresh_models(older_than=timedelta(days=1))
    await services.refresh_models(older_than=timedelta(days=1))
    assert [row["path"].rpartition("/")[2] for row in keyed.requests()] == ["models"]
    await services.refresh_models()
    assert len(keyed.requests()) == 2
    await services.aclose()
    assert load_catalogue(find_locations().models_file).find("groq", "acme/brand-new")


def test_the_user_sets_the_patience_and_a_local_server_may_take_longer():
    providers = all_providers(configured("[network]\nstall_timeout = 20.0\nconnect_timeout = 2.0\n"))
    assert providers["groq"].profile.stall_timeout == 20
    assert providers["groq"].profile.connect_timeout == 2
    assert providers["ollama"].profile.stall_timeout == 300
