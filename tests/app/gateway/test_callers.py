"""Who may call the gateway, and what is turned away before anybody is asked."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.catalogue import load_catalogue
from core.keys import KeyBudget, KeyScopes
from core.keys.keys import Keys
from core.locations import Locations
from core.records import open_records
from tests.app.gateway.conftest import HELLO, MODEL, Gateway

ROOT = Path(__file__).parents[3]


def keys(served: Gateway, *arguments: str) -> str:
    """Run ``tensorwall keys`` in a process of its own, beside the gateway."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "keys", *arguments],
        cwd=ROOT,
        env={**os.environ, "TENSORWALL_HOME": str(served.home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_key_may_come_as_bearer_alone(served: Gateway) -> None:
    bearer = {"X-API-Key": None, "Authorization": f"Bearer {served.running.key}"}
    url = f"{served.root}/v1/models"
    assert served.client.get(url, headers={"Authorization": bearer["Authorization"]}).status_code == 200
    # Without a key of the client's own the gateway's is used, which the simulator does not know here.
    assert refused(served.chat(headers=bearer))[0] == 502


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("key", "code"),
    [(None, "missing_api_key"), ("gw_" + "x" * 43, "invalid_api_key"), ("", "missing_api_key")],
)
def test_without_a_key_nothing_is_asked(served: Gateway, key: str | None, code: str, stream: bool) -> None:
    answer = served.chat(headers={"X-API-Key": key}, stream=stream)
    assert refused(answer) == (401, code)
    assert served.simulator.questions() == []


def test_a_new_key_works_at_once_and_a_revoked_one_at_once_no_more(served: Gateway) -> None:
    secret = keys(served, "create", "short-lived", "--quiet")
    assert served.chat(headers={"X-API-Key": secret}).status_code == 200
    keys(served, "revoke", "short-lived")
    assert refused(served.chat(headers={"X-API-Key": secret})) == (401, "revoked_api_key")
    assert len(served.simulator.questions()) == 1


async def owner(served: Gateway, work: Callable[[Keys], Awaitable[Any]]) -> Any:
    """Do something with the keys from another process, as it were: this one, on the gateway's database."""
    records = await open_records(Locations.under(served.home).database_file, load_catalogue())
    try:
        return await work(records.keys)
    finally:
        await records.aclose()


def told(served: Gateway, secret: str) -> set[str]:
    """What a key is told where calls are booked, and where they are not."""
    mine = {"X-API-Key": secret}
    answers = served.chat(headers=mine), served.client.get(f"{served.root}/v1/models", headers=mine)
    return {str(answer.status_code) if answer.is_success else refused(answer)[1] for answer in answers}


def assert_good_until(served: Gateway, secret: str, moment: datetime) -> None:
    while datetime.now(UTC) < moment:
        heard = told(served, secret)
        assert datetime.now(UTC) >= moment or heard == {"200"}
    assert told(served, secret) == {"expired_api_key"}


async def test_a_replaced_key_is_good_for_its_grace(served: Gateway) -> None:
    _, first = await owner(served, lambda keys: keys.create("replaced"))
    key, second = await owner(served, lambda keys: keys.rotate("replaced", timedelta(seconds=1)))
    assert key.previous.until is not None
    assert_good_until(served, first, key.previous.until)
    assert told(served, second) == {"200"}


async def test_a_key_replaced_without_grace_is_refused_at_once(served: Gateway) -> None:
    _, first = await owner(served, lambda keys: keys.create("exposed"))
    assert told(served, first) == {"200"}
    _, second = await owner(served, lambda keys: keys.rotate("exposed", timedelta(0)))
    assert told(served, first) == {"invalid_api_key"}
    assert told(served, second) == {"200"}


async def test_an_expired_key_is_refused_from_that_moment_on(served: Gateway) -> None:
    until = datetime.now(UTC) + timedelta(seconds=1)
    _, secret = await owner(served, lambda keys: keys.create("for a second", expires_at=until))
    assert_good_until(served, secret, until)


async def test_a_key_revoked_within_a_stream_ends_at_the_next_call(served: Gateway) -> None:
    served.simulator.configure(tokens_per_second=50, text=["word "] * 50, reasoning="")
    _, secret = await owner(served, lambda keys: keys.create("revoked"))
    mine = {**served.keys, "X-API-Key": secret}
    body = {"model": MODEL, "messages": HELLO, "stream": True}
    url = f"{served.root}/v1/chat/completions"
    with served.client.stream("POST", url, json=body, headers=mine) as answer:
        await owner(served, lambda keys: keys.revoke("revoked"))
        assert refused(served.chat(headers=mine)) == (401, "revoked_api_key")
        assert answer.read().endswith(b"data: [DONE]\n\n")


def test_a_key_is_good_for_its_scopes_alone(served: Gateway) -> None:
    secret = keys(
        served, "create", "narrow", "--models", "openai/gpt-oss-20*", "--endpoints", "chat", "--quiet"
    )
    mine = {"X-API-Key": secret}
    assert served.chat(headers=mine).status_code == 200
    assert refused(served.chat(headers=mine, model="llama-70b")) == (403, "key_scope")
    listed = served.client.get(f"{served.root}/v1/models", headers=mine)
    assert refused(listed) == (403, "key_scope")


def test_a_keys_budget_holds_for_many_requests_at_once(served: Gateway) -> None:
    limit = Decimal("0.002")
    secret = keys(served, "create", "poor", "--budget", f"{limit}/month", "--quiet")
    served.simulator.configure(text=["word "] * 400, reasoning="")
    mine = {"X-API-Key": secret, "X-Request-ID": "poor"}
    with ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(served.chat, headers=mine, max_completion_tokens=600) for _ in range(48)]
    answers = [each.result() for each in asked]
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 429}
    refusal = next(answer for answer in answers if answer.status_code == 429)
    assert refusal.json()["error"]["code"] == "insufficient_quota"
    assert refusal.headers["x-should-retry"] == "false"
    assert sum(Decimal(row["cost"] or 0) for row in served.rows("poor")) / 10**12 <= limit


LONG = "word " * 20_000
HIDDEN: dict[str, dict[str, Any]] = {
    "arguments": {
        "messages": [
            *HELLO,
            {
                "role": "assistant",
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": LONG}}],
            },
        ]
    },
    "reasoning": {"messages": [*HELLO, {"role": "assistant", "content": "Hi", "reasoning": LONG}]},
    "refusal": {"messages": [{"role": "assistant", "content": [{"type": "refusal", "refusal": LONG}]}]},
    "name": {"messages": [{"role": "user", "content": "Hi", "name": LONG}]},
    "functions": {"functions": [{"name": "f", "description": LONG}]},
    "documents": {"documents": [{"source": {"type": "text", "text": LONG}}]},
    "audio": {
        "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": LONG}}]}]
    },
}


@pytest.mark.parametrize("place", HIDDEN)
def test_no_place_of_a_request_hides_its_size_from_a_budget(served: Gateway, place: str) -> None:
    _, secret = asyncio.run(
        owner(
            served,
            lambda keys: keys.create(
                f"hidden {place}", KeyScopes(budgets=(KeyBudget("total", Decimal("0.001")),))
            ),
        )
    )
    refusal = served.chat(headers={"X-API-Key": secret}, max_tokens=5, **HIDDEN[place])
    assert refused(refusal) == (429, "insufficient_quota")
    assert served.simulator.questions() == []


def test_a_providers_key_is_stored_nowhere(served: Gateway) -> None:
    served.chat(headers={"X-Request-ID": "secretive"})
    served.rows("secretive")
    kept = b"".join(file.read_bytes() for file in served.home.rglob("*") if file.is_file())
    assert served.simulator.api_key.encode() not in kept
    assert served.running.key.encode() not in kept


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "host_not_allowed"),
        ({"Host": "localhost.evil.example:8000"}, "host_not_allowed"),
        ({"Origin": "https://evil.example"}, "origin_not_allowed"),
        ({"Origin": "null"}, "origin_not_allowed"),
        ({"Origin": "http://["}, "origin_not_allowed"),
        ({"Sec-Fetch-Site": "cross-site"}, "origin_not_allowed"),
    ],
)
def test_pages_of_other_sites_are_turned_away(served: Gateway, headers: dict[str, str], code: str) -> None:
    assert refused(served.chat(headers=headers)) == (403, code)
    assert served.simulator.questions() == []


def test_no_site_may_read_answers(served: Gateway) -> None:
    url = f"{served.root}/v1/chat/completions"
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = served.client.options(url, headers=asked)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    own = served.chat(headers={"Origin": served.root})
    assert own.status_code == 200


@pytest.mark.parametrize("bearer", ["sk-foreign", "gw_wrong", "none"])
def test_a_bearer_that_nobody_knows_charges_nobody(served: Gateway, bearer: str) -> None:
    answer = served.chat(headers={"Authorization": f"Bearer {bearer}"})
    assert refused(answer) == (401, "unknown_provider_key")
    assert "Groq's (gsk_…)" in answer.json()["error"]["message"]
    assert served.simulator.questions() == []


def test_a_bearer_that_can_be_no_key_is_the_callers_fault(served: Gateway) -> None:
    answer = served.chat(headers={"Authorization": "Bearer gsk_a b"})
    assert refused(answer) == (401, "unknown_provider_key")
    assert "cannot be one" in answer.json()["error"]["message"]
    assert served.simulator.questions() == []


def test_the_gateways_own_key_may_come_in_both_headers(served: Gateway) -> None:
    both = {"X-API-Key": served.running.key, "Authorization": f"Bearer {served.running.key}"}
    assert served.client.get(f"{served.root}/v1/models", headers=both).status_code == 200


def test_a_callers_own_key_that_is_refused_is_said_to_be_theirs(served: Gateway) -> None:
    served.simulator.fail("unauthorized")
    answer = served.chat()
    assert refused(answer) == (401, "invalid_api_key")
    told = answer.json()["error"]["message"]
    assert "came with this request" in told
    assert "GROQ_API_KEY" not in told


def test_every_answer_has_its_request_id(served: Gateway) -> None:
    mine = {"X-Request-ID": "mine"}
    paths = ("/health", "/v1/nothing", "/v1/chat/completions", "/v1/models")
    answers = [served.client.get(f"{served.root}{path}", headers=mine) for path in paths]
    answers.append(served.chat(headers={**mine, "Host": "evil.example"}))
    assert [answer.status_code for answer in answers] == [200, 404, 405, 401, 403]
    assert {answer.headers["x-request-id"] for answer in answers} == {"mine"}


def test_a_request_id_that_cannot_be_carried_is_told(served: Gateway) -> None:
    answer = served.chat(headers={"X-Request-ID": "x" * 101})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "X-Request-ID")
    assert served.simulator.questions() == []


def test_too_large_a_request_is_turned_away(served: Gateway) -> None:
    answer = served.chat(messages=[{"role": "user", "content": "x" * (33 * 1024 * 1024)}])
    assert refused(answer) == (413, "request_too_large")
    many = {f"x-{number}": "y" * 1000 for number in range(70)}
    assert served.client.get(f"{served.root}/v1/models", headers={**served.keys, **many}).status_code == 431


def test_health_needs_no_key_and_unknown_paths_are_told(served: Gateway) -> None:
    assert served.client.get(f"{served.root}/health").json()["status"] == "ok"
    assert refused(served.client.get(f"{served.root}/v1/nothing")) == (404, "unknown_url")
    assert served.client.get(f"{served.root}/v1/chat/completions").status_code == 405


def test_models_are_listed_and_shown(served: Gateway) -> None:
    listed = served.client.get(f"{served.root}/v1/models", headers=served.keys).json()
    names = {model["id"] for model in listed["data"]}
    assert {"llama-70b", MODEL} <= names
    one = served.client.get(f"{served.root}/v1/models/{MODEL}", headers=served.keys).json()
    assert (one["id"], one["object"]) == (MODEL, "model")
    missing = served.client.get(f"{served.root}/v1/models/none-such", headers=served.keys)
    assert refused(missing) == (404, "model_not_found")
