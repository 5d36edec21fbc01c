"""``n``: several answers to one question, of a provider that gives them, all reach the client untouched."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.gateway.booked import rows_of_request
from tests.app.gateway.conftest import HELLO
from tests.core.providers.replay import DONE, ReplayServer, Reply, answer, event, replaying, stream
from tests.gateway_process import RunningGateway, gateway_process

_ROUTE = """
[[routes]]
model = "several"
endpoints = [{provider = "openai", model = "gpt-4.1-mini"}]
"""
USAGE = {"prompt_tokens": 9, "completion_tokens": 30, "total_tokens": 39}


@dataclass(frozen=True)
class Served:
    """A gateway before a server that takes OpenAI's place."""

    gateway: RunningGateway
    home: Path
    upstream: ReplayServer
    client: httpx.AsyncClient

    async def ask(self, reply: Reply, request_id: str, **fields: Any) -> httpx.Response:
        self.upstream.reply(reply)
        return await self.client.post(
            f"{self.gateway.root}/v1/chat/completions",
            json={"model": "several", "messages": HELLO, **fields},
            headers={"X-API-Key": self.gateway.key, "X-Request-ID": request_id},
        )

    def row(self, request_id: str) -> dict[str, Any]:
        """The only one of a request, once it is over."""
        (row,) = rows_of_request(self.home, request_id)
        return row


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    home = tmp_path / "home"
    async with replaying() as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
        with gateway_process(home, "http://127.0.0.1:9/v1", settings=_ROUTE) as gateway:
            async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
                yield Served(gateway, home, upstream, client)


def choice(index: int, text: str, reason: str | None = None) -> dict[str, Any]:
    return {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": reason}


def chunk(index: int, text: str = "", reason: str | None = None) -> bytes:
    delta = {"content": text} if text else {}
    return event({"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": reason}]})


async def test_all_answers_come_whole(served: Served) -> None:
    body = {"id": "c", "choices": [choice(place, f"{place}!", "stop") for place in range(3)], "usage": USAGE}
    got = await served.ask(answer(body), "whole", n=3)
    assert got.json() == body
    assert "x-tensorwall-left-out" not in got.headers
    assert served.upstream.requests[-1].json["n"] == 3
    row = served.row("whole")
    assert (row["outcome"], row["completion_tokens"], row["estimated"]) == ("answered", 30, 0)


async def test_all_answers_come_as_they_are_streamed(served: Served) -> None:
    pieces = [
        chunk(0, "One"), chunk(1, "An"), chunk(0, reason="stop"), chunk(1, "other"), chunk(2, "Third"),
        chunk(2, reason="length"), chunk(1, reason="stop"), event({"choices": [], "usage": USAGE}), DONE,
    ]  # fmt: skip
    options = {"include_usage": True}
    got = await served.ask(stream(*pieces), "streamed", n=3, stream=True, stream_options=options)
    told = [line for line in got.text.split("\n\n") if line.startswith("data: ")]
    assert "\n\n".join(told) + "\n\n" == b"".join(pieces).decode()
    row = served.row("streamed")
    assert (row["outcome"], row["completion_tokens"], row["estimated"]) == ("answered", 30, 0)


async def test_a_server_that_gives_fewer_answers_than_asked_for_is_done_when_it_says_so(
    served: Served,
) -> None:
    got = await served.ask(stream(chunk(0, "One"), chunk(0, reason="stop"), DONE), "fewer", n=2, stream=True)
    assert got.text.endswith("data: [DONE]\n\n")
    assert served.row("fewer")["outcome"] == "answered"


async def test_answers_that_break_off_are_not_pieced_together(served: Served) -> None:
    pieces = [chunk(0, "One"), chunk(1, "An"), chunk(0, reason="stop"), chunk(1, "other")]
    got = await served.ask(stream(*pieces, end=False, then="close"), "cut", n=2, stream=True)
    assert b"".join(pieces).decode() in got.text
    assert '"error"' in got.text
    assert "[DONE]" not in got.text
    row = served.row("cut")
    assert (row["outcome"], row["estimated"]) == ("interrupted", 1)
    assert row["completion_tokens"] >= 3  # of both


async def test_answers_that_are_not_streamed_although_they_should_be_all_come(served: Served) -> None:
    body = {"id": "c", "choices": [choice(place, f"{place}!", "stop") for place in range(2)], "usage": USAGE}
    got = await served.ask(answer(body), "at-once", n=2, stream=True)
    assert got.text.endswith("data: [DONE]\n\n")
    (told,) = [line for line in got.text.split("\n\n") if line.startswith("data: {")]
    read = json.loads(told.removeprefix("data: "))
    assert read["object"] == "chat.completion.chunk"
    assert [(each["index"], each["delta"]["content"]) for each in read["choices"]] == [(0, "0!"), (1, "1!")]


async def test_a_dry_run_tells_what_all_answers_may_cost(served: Served) -> None:
    url = f"{served.gateway.root}/v1/chat/completions"
    headers = {"X-API-Key": served.gateway.key, "X-Dry-Run": "1"}
    costs = []
    for n in (1, 4):
        asked = {"model": "several", "messages": HELLO, "max_completion_tokens": 100, "n": n}
        estimate = (await served.client.post(url, json=asked, headers=headers)).json()["estimate"]
        costs.append(float(estimate["worst_cost_usd"]) - float(estimate["prompt_cost_usd"]))
    assert costs[1] == pytest.approx(4 * costs[0])
