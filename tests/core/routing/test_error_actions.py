"""Every way in which the simulator can fail, and what the router does about it: streamed and whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import pytest

from app.simulator.options import FaultKind
from core import errors
from core.chat import (
    ChatRequest,
    ChatResponse,
    FunctionTool,
    JsonObjectFormat,
    Message,
    Relayed,
    TextDelta,
    ToolDefinition,
)
from core.providers import OpenAICompatibleProvider, openai_compatible
from core.providers.profiles import GROQ
from core.routing import LLMRouter, RouteEndpoint
from tests.core.routing.scripted import Observed
from tests.core.routing.scripted import request as asking
from tests.simulated import Simulated

MODEL = "openai/gpt-oss-120b"


@dataclass(frozen=True)
class Row:
    """What one kind of failure leads to.

    Attributes:
        error: of the call that fails; ``None`` where the client takes it for an answer.
        then: who answers after it; ``None`` for nobody.
        whole: the error where the answer comes in one piece, if it is another one.
        asked: fields of the request that matter.
        fault: further words of the fault.
    """

    error: str
    then: str | None
    whole: str | None = ""
    asked: dict[str, Any] = field(default_factory=dict)
    fault: dict[str, Any] = field(default_factory=dict)


ROWS: dict[str, Row] = {
    "reset": Row("ConnectionFailed", "other"),
    "close": Row("ConnectionFailed", "other"),
    "hang": Row("ConnectionFailed", "other"),
    "unauthorized": Row("AuthenticationFailed", "other"),
    "forbidden": Row("ModelUnavailable", "other"),
    "cloudflare": Row("AccessDenied", "other"),
    "blocked": Row("QuotaExhausted", "other"),
    "context_length": Row("RequestTooLarge", "other"),
    "model_not_found": Row("ModelUnavailable", "other"),
    "model_decommissioned": Row("ModelUnavailable", "other"),
    "bad_request": Row("InvalidRequest", None),
    "unprocessable": Row("Unprocessable", "groq"),
    "failed_dependency": Row("Unprocessable", "other"),
    "rate_limited": Row("RateLimited", "other"),
    "too_large": Row("RequestTooLarge", "groq", asked={"max_completion_tokens": 4000}),
    "capacity": Row(
        "CapacityExceeded", "groq", asked={"service_tier": "flex"}, fault={"service_tier": "flex"}
    ),
    "server_error": Row("ServerFailed", "other", fault={"status": 502, "form": "html"}),
    "empty_body": Row("StreamInterrupted", "other", whole="UnexpectedResponse"),
    "html_page": Row("UnexpectedResponse", "other"),
    "plain_text": Row("UnexpectedResponse", "other"),
    "sse_error": Row("ServerFailed", "other"),
    "tool_use_failed": Row("ToolCallInvalid", "groq"),
    "json_validate_failed": Row("OutputInvalid", "groq"),
    "x_groq_error": Row("ServerFailed", "other"),
    "end": Row("StreamInterrupted", "other"),
    "cut": Row("StreamInterrupted", "other"),
    "cut_reset": Row("StreamInterrupted", "other"),
    "stall": Row("StreamStalled", "other"),
    "garbage_event": Row("UnexpectedResponse", "other", whole="StreamInterrupted"),
    "oversized_event": Row("UnexpectedResponse", "other", whole=None),
}


class Routes:
    """Groq first, a plain server second, both with the account of the test.

    Args:
        simulator: plays both.
        patience: seconds of silence that are borne.
    """

    def __init__(self, simulator: Simulated, patience: float = 20.0) -> None:
        self.observed = Observed()
        self.router = LLMRouter(observer=self.observed)
        profile = replace(GROQ, stall_timeout=patience, answer_timeout=patience)
        groq = OpenAICompatibleProvider(profile, api_key=simulator.api_key, base_url=simulator.base_url)
        other = openai_compatible("other", simulator.generic_url, api_key=simulator.api_key, label="Other")
        self.router.add_route(
            "m",
            [
                RouteEndpoint(provider=groq, model=MODEL),
                RouteEndpoint(provider=other, model="elsewhere", priority=1),
            ],
        )

    async def ask(self, asked: ChatRequest, *, streamed: bool) -> ChatResponse:
        if not streamed:
            return await self.router.chat(asked)
        stream = self.router.stream(asked)
        _ = [event async for event in stream]
        assert stream.response is not None
        return stream.response

    @property
    def calls(self) -> list[tuple[str, str | None]]:
        return [(call.provider, call.error_type) for call in self.observed.ended]


@pytest.fixture
async def routes(simulator: Simulated, request: pytest.FixtureRequest) -> AsyncIterator[Routes]:
    """With little patience where the test is about silence."""
    given = getattr(request.node, "callspec", None)
    silent = given is not None and given.params.get("kind") in ("hang", "stall")
    routes = Routes(simulator, 0.3) if silent else Routes(simulator)
    yield routes
    await routes.router.aclose()


def test_every_kind_has_its_row() -> None:
    kinds = {kind for kinds in get_args(FaultKind) for kind in get_args(kinds)}
    assert set(ROWS) == kinds


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("kind", ROWS)
async def test_every_failure_ends_in_an_answer_or_in_one_clear_error(
    routes: Routes, simulator: Simulated, kind: str, streamed: bool
) -> None:
    row = ROWS[kind]
    fault = {"kind": kind, "times": 1, "model": MODEL, **row.fault}
    simulator.configure(text="All is well.", reasoning="", faults=[fault])
    error = row.error if streamed or row.whole == "" else row.whole
    answering = routes.ask(asking("m", **row.asked), streamed=streamed)
    if row.then is None:
        with pytest.raises(getattr(errors, row.error)) as failed:
            await answering
        assert failed.value.hint
        assert routes.calls == [("groq", error)]
        return
    answer = await answering
    assert answer.text == "All is well."
    assert routes.calls == ([("groq", error), (row.then, None)] if error else [("groq", None)])
    assert answer.decision is not None
    assert answer.decision.waited == 0


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("kind", [kind for kind, row in ROWS.items() if row.then])
async def test_a_failure_that_lasts_ends_on_the_other_route(
    routes: Routes, simulator: Simulated, kind: str, streamed: bool
) -> None:
    row = ROWS[kind]
    simulator.configure(
        text="All is well.", reasoning="", faults=[{"kind": kind, "model": MODEL, **row.fault}]
    )
    answer = await routes.ask(asking("m", **row.asked), streamed=streamed)
    assert answer.text == "All is well."
    assert [provider for provider, error in routes.calls if error] in ([], ["groq"], ["groq", "groq"])


def json_request(**fields: Any) -> ChatRequest:
    asked = [Message(role="user", content="Where is it? Answer in JSON.")]
    return ChatRequest(model="m", messages=asked, response_format=JsonObjectFormat(), **fields)


TOOLS = [ToolDefinition(function=FunctionTool(name="weather"))]
CALL = '<function=weather>{"city": "Oslo"}</function>'


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("relayed", [False, True], ids=["own", "relayed"])
async def test_a_refused_tool_call_that_is_good_is_the_answer(
    routes: Routes, simulator: Simulated, streamed: bool, relayed: bool
) -> None:
    simulator.fail("tool_use_failed", failed_generation=CALL)
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}
    asked = asking("m", tools=TOOLS, relayed=body if relayed else None)
    answer = await routes.ask(asked, streamed=streamed)
    (call,) = answer.tool_calls
    assert (call.function.name, call.function.arguments) == ("weather", '{"city": "Oslo"}')
    assert answer.finish_reason == "tool_calls"
    assert routes.calls == [("groq", None)]
    if relayed and not streamed:
        assert answer.relayed is not None
        (choice,) = json.loads(answer.relayed)["choices"]
        assert choice["message"]["tool_calls"] == [call.model_dump()]


async def test_who_relays_gets_it_as_a_chunk(routes: Routes, simulator: Simulated) -> None:
    simulator.fail("tool_use_failed", failed_generation=CALL)
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}
    stream = routes.router.stream(asking("m", tools=TOOLS, relayed=body))
    chunks = [json.loads(event.data) async for event in stream if isinstance(event, Relayed)]
    choice = chunks[-1]["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert [call["function"]["name"] for call in choice["delta"]["tool_calls"]] == ["weather"]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_refused_json_that_is_good_is_the_answer(
    routes: Routes, simulator: Simulated, streamed: bool
) -> None:
    simulator.fail("json_validate_failed", failed_generation='```json\n{"city": "Oslo",}\n```')
    answer = await routes.ask(json_request(), streamed=streamed)
    assert answer.text == '{"city": "Oslo"}'
    assert routes.calls == [("groq", None)]


async def test_refused_json_goes_on_from_what_was_passed_on(routes: Routes, simulator: Simulated) -> None:
    fault = {"kind": "json_validate_failed", "after_tokens": 2, "failed_generation": '{"city": "Oslo"'}
    simulator.configure(text=['{"city": ', '"Oslo"', "}"], reasoning="", faults=[fault])
    stream = routes.router.stream(json_request())
    pieces = [event.text async for event in stream if isinstance(event, TextDelta)]
    assert pieces == ['{"city": ', '"Oslo"', "}"]


async def test_a_second_try_at_json_is_cooler_and_none_is_held_against_the_route(
    routes: Routes, simulator: Simulated
) -> None:
    simulator.configure(text="{}", reasoning="", faults=[{"kind": "json_validate_failed", "times": 1}])
    await routes.ask(json_request(temperature=1.0), streamed=True)
    assert [row["body"].get("temperature") for row in simulator.questions()] == [1.0, 0.2]
    assert [route.failed for route in routes.router.health() if route.provider == "groq"] == [0]
