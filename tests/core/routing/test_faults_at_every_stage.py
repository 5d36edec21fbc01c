"""Every fault of the simulator, at every stage of a stream, over HTTP and two routes: an answer or one clear
error, a ledger that agrees with what the server saw, and nothing left open."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from typing import get_args

import pytest

from app.simulator.options import FaultInstead, FaultWithin
from core import errors
from core.chat import Finished, RouteChanged, RouteChosen
from core.providers import openai_compatible
from core.routing import LLMRouter, RouteEndpoint
from tests.core.routing.scripted import Observed, collect, request, text_of
from tests.simulated import Simulated

MODEL = "openai/gpt-oss-120b"
TOLD = "It was late. Once upon a time there was a router that never broke, and everybody slept well."
REASONING = "The user greets me, so I tell a story."
STAGES = {"before the reasoning": 0, "within the reasoning": 4, "within the answer": 25}
SILENT = {"hang": 0.3, "stall": 0.3}
"""Seconds after which the first route's silence counts as a fault, where it is one."""
NEVER_ELSEWHERE = {"bad_request"}
SLIPS = {"tool_use_failed", "json_validate_failed"}
"""Of the model, which another one is not asked to go on after."""


@pytest.fixture
def second(simulator):
    with closing(Simulated(simulator.base_url)) as other:
        yield other


class Routes:
    """Two providers, one tier each."""

    def __init__(self, first: Simulated, second: Simulated, silence: float) -> None:
        self.observed = Observed()
        self.router = LLMRouter(observer=self.observed)
        one = openai_compatible("one", first.base_url, api_key=first.api_key)
        one.profile = replace(one.profile, stall_timeout=silence)
        other = openai_compatible("other", second.base_url, api_key=second.api_key)
        endpoints = [(one, 0), (other, 1)]
        self.router.add_route(
            "m", [RouteEndpoint(provider=who, model=MODEL, priority=tier) for who, tier in endpoints]
        )


async def _told(simulator, second, fault):
    """What came of one request, once all is over."""
    ahead = simulator.state()["connections_open"]
    simulator.configure(text=TOLD, reasoning=REASONING, faults=[fault])
    second.configure(text=TOLD, reasoning=REASONING)
    routes = Routes(simulator, second, SILENT.get(fault["kind"], 20.0))
    answer, seen, failure = routes.router.stream(request()), [], None
    try:
        await collect(answer, seen)
    except errors.TensorWallError as error:
        failure = error
    assert len(asyncio.all_tasks()) == 1, "no task is left"
    _check_books(routes, answer, [*simulator.questions(), *second.questions()])
    await routes.router.aclose()
    await asyncio.sleep(0)
    while simulator.state()["connections_open"] > ahead:
        pass  # until the server has seen it
    return answer, seen, failure


def _check_books(routes, answer, received):
    """One record a call that the servers have seen, or that broke before they had."""
    calls = routes.observed.ended
    assert calls == answer.decision.calls == routes.observed.started
    assert len(received) <= len(calls)
    assert {call.outcome for call in calls} <= {"answered", "failed", "interrupted"}


WITHIN = [
    pytest.param(kind, after, id=f"{kind} {stage}")
    for kind in get_args(FaultWithin)
    for stage, after in STAGES.items()
]


@pytest.mark.parametrize(("kind", "after"), [*((kind, 0) for kind in get_args(FaultInstead)), *WITHIN])
async def test_every_fault_at_every_stage_ends_well(simulator, second, kind, after):
    answer, seen, failure = await _told(simulator, second, {"kind": kind, "after_tokens": after})
    content_came = kind in get_args(FaultWithin) and after == STAGES["within the answer"]
    if kind in NEVER_ELSEWHERE or (kind in SLIPS and content_came):
        assert isinstance(failure, errors.ProviderError)
        assert failure.message
        assert answer.partial == text_of(seen)
        assert TOLD.startswith(answer.partial)
        assert answer.response is None
        return
    assert failure is None
    assert isinstance(seen[-1], Finished)
    assert text_of(seen) == answer.partial == answer.response.text == TOLD
    continued = [event for event in seen if isinstance(event, RouteChosen) and event.continues]
    assert bool(continued) == content_came
    if continued:
        assert [call.role for call in answer.decision.calls] == ["first", "rescue"]
        assert sum(isinstance(event, RouteChanged) for event in seen) == 1
