"""The reserve answers while no route can be reached, says so once, and goes as soon as one can."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from core.chat import Event, RouteChanged, RouteChosen, Waiting
from core.chat.request import FunctionTool, ToolDefinition
from core.errors import (
    AllRoutesFailed,
    AuthenticationFailed,
    ConnectionFailed,
    CredentialsError,
    ServerFailed,
    StreamInterrupted,
)
from core.routing import RouteEndpoint
from tests.core.routing.conftest import Bench
from tests.core.routing.scripted import ANSWER, Act, ScriptedProvider, rate_limited, request

GONE: tuple[Act, ...] = (ConnectionFailed("It cannot be found.", provider="groq"),)


class Reserve:
    """Providers that need no network, and how often they were looked for."""

    def __init__(self, *providers: ScriptedProvider) -> None:
        self.providers = providers
        self.called = 0

    missing = ""

    async def endpoints(self) -> Sequence[RouteEndpoint]:
        self.called += 1
        return [RouteEndpoint(provider=provider, model="tiny") for provider in self.providers]


@pytest.fixture
def local(bench: Bench) -> ScriptedProvider:
    return ScriptedProvider("embedded", bench.time)


async def ask(bench: Bench, **fields: object) -> list[Event]:
    return [event async for event in bench.router.stream(request(**fields))]


def moves(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(e.from_provider, e.to_provider, e.reason) for e in events if isinstance(e, RouteChanged)]


def asked(events: list[Event]) -> list[str]:
    return [event.provider for event in events if isinstance(event, RouteChosen)]


async def test_the_reserve_takes_over_and_hands_back_and_each_is_said_once(
    bench: Bench, local: ScriptedProvider
) -> None:
    groq, openai = bench.set_up_always(GONE, GONE, reserve=Reserve(local))

    first = await ask(bench)
    assert asked(first) == ["groq", "openai", "embedded"]
    assert moves(first)[-1] == (
        "openai",
        "embedded",
        "offline, Openai did not answer",
    )
    assert not [event for event in first if isinstance(event, Waiting)]

    second = await ask(bench)
    assert asked(second) == ["embedded"]  # nobody waits for what is known to be gone
    assert moves(second) == []

    bench.time.now += 31
    groq.always = openai.always = ANSWER
    third = await ask(bench)
    assert asked(third) == ["groq"]
    assert moves(third) == [("embedded", "groq", "back online: Groq answers again")]
    assert moves(await ask(bench)) == []


async def test_one_connection_that_breaks_is_no_outage(bench: Bench, local: ScriptedProvider) -> None:
    reserve = Reserve(local)
    bench.set_up([GONE], reserve=reserve)
    assert asked(await ask(bench)) == ["groq", "groq"]
    assert reserve.called == 0


async def test_a_lone_route_is_tried_twice(bench: Bench, local: ScriptedProvider) -> None:
    bench.set_up_always(GONE, reserve=Reserve(local))
    assert asked(await ask(bench)) == ["groq", "groq", "embedded"]


async def test_while_it_lasts_routes_are_tried_again_now_and_then(
    bench: Bench, local: ScriptedProvider
) -> None:
    bench.set_up_always(GONE, reserve=Reserve(local))
    await ask(bench)
    bench.time.now += 31
    events = await ask(bench)
    assert asked(events) == ["groq", "embedded"]
    assert [reason for _, to, reason in moves(events) if to == "embedded"] == []  # it was known


async def test_a_connection_that_opens_while_the_user_types_hands_back_at_once(
    bench: Bench, local: ScriptedProvider
) -> None:
    (groq,) = bench.set_up_always(GONE, reserve=Reserve(local))
    await ask(bench)
    groq.always = ANSWER
    await bench.router.warm()
    assert asked(await ask(bench)) == ["groq"]


@pytest.mark.parametrize(
    "failure",
    [
        ServerFailed("Bad gateway.", provider="groq"),
        AuthenticationFailed("Wrong key.", provider="groq"),
    ],
)
async def test_a_provider_that_refuses_shows_that_there_is_a_network(
    bench: Bench, local: ScriptedProvider, failure: BaseException
) -> None:
    reserve = Reserve(local)
    bench.set_up_always((failure,), reserve=reserve)
    with pytest.raises(AllRoutesFailed):
        await ask(bench)
    assert reserve.called == 0


async def test_a_limit_is_waited_for(bench: Bench, local: ScriptedProvider) -> None:
    reserve = Reserve(local)
    bench.set_up([(rate_limited(5.0),)], [GONE, GONE, GONE], reserve=reserve)
    events = await ask(bench)
    assert asked(events)[-1] == "groq"
    assert bench.time.slept
    assert reserve.called == 0


async def test_a_route_without_a_key_does_not_stand_in_the_way(bench: Bench, local: ScriptedProvider) -> None:
    bench.set_up_always(GONE, (CredentialsError("There is no key."),), reserve=Reserve(local))
    assert asked(await ask(bench))[-1] == "embedded"


async def test_without_anybody_in_reserve_the_error_is_as_before(bench: Bench) -> None:
    reserve = Reserve()
    bench.set_up_always(GONE, reserve=reserve)
    with pytest.raises(AllRoutesFailed, match="cannot be found"):
        await ask(bench)
    assert reserve.called == 1


async def test_the_next_of_the_reserve_answers_where_one_fails(bench: Bench) -> None:
    broken = ScriptedProvider("ollama", bench.time, always=(ServerFailed("No.", provider="ollama"),))
    local = ScriptedProvider("embedded", bench.time)
    bench.set_up_always(GONE, reserve=Reserve(broken, local))
    assert asked(await ask(bench))[-2:] == ["ollama", "embedded"]


async def test_tools_are_left_out(bench: Bench, local: ScriptedProvider) -> None:
    bench.set_up_always(GONE, reserve=Reserve(local))
    tool = ToolDefinition(function=FunctionTool(name="add", parameters={"type": "object"}))
    await ask(bench, tools=[tool], tool_choice="auto")
    ((model, sent),) = local.asked
    assert model == "tiny"
    assert sent.tools is None
    assert sent.tool_choice is None


async def test_an_answer_that_broke_off_is_not_begun_anew(bench: Bench, local: ScriptedProvider) -> None:
    reserve = Reserve(local)
    broken = (*ANSWER[:2], StreamInterrupted("It broke.", provider="groq"))
    bench.set_up([broken, *[GONE] * 3], [GONE] * 4, reserve=reserve)
    with pytest.raises(StreamInterrupted):
        await ask(bench)
    assert reserve.called == 0


async def test_a_whole_answer_comes_from_the_reserve_too(bench: Bench, local: ScriptedProvider) -> None:
    bench.set_up_always(GONE, reserve=Reserve(local))
    response = await bench.router.chat(request())
    assert (response.provider, response.model) == ("embedded", "tiny")
    assert response.decision is not None
    assert [call.role for call in response.decision.calls] == ["first", "retry", "fallback"]
