"""Whatever goes wrong at a provider: the client is told as OpenAI tells it, and the ledger has every call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import httpx
import pytest

from app.simulator.options import FaultKind, FaultWithin
from tests.app.gateway.conftest import Gateway
from tests.gateway_process import gateway_process
from tests.simulated import Simulated

_SETTINGS = """\
[gateway]
patience = 0
[network]
stall_timeout = 1
"""
KINDS = [kind for kinds in get_args(FaultKind) for kind in get_args(kinds)]
SENT_AGAIN = {"reset", "close"}
"""A kept connection that ends without a word counts as a dead one: the same call is sent on another."""
SILENT = {"hang", "stall"}
"""What is whole comes late, and nothing tells whether it still will: the client decides how long it waits."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults") / "home"


@pytest.fixture(scope="module")
def running_gateway(simulator_url: str, home: Path) -> Iterator[tuple[object, Path]]:
    with gateway_process(home, simulator_url, settings=_SETTINGS) as running:
        yield running, home


@pytest.mark.parametrize(
    ("kind", "stream"),
    [(kind, stream) for kind in KINDS for stream in (False, True) if stream or kind not in SILENT],
)
def test_a_fault_is_told_and_booked(served: Gateway, kind: str, stream: bool) -> None:
    fault = {"kind": kind, "after_tokens": 2} if kind in get_args(FaultWithin) else {"kind": kind}
    served.simulator.configure(text=["Once", " upon", " a", " time."], reasoning="", faults=[fault])
    request_id = f"{kind}-{stream}"
    answer = served.chat(stream=stream, headers={"X-Request-ID": request_id})
    whole = told_as_openai_tells_it(answer, stream=stream)
    rows = served.rows(request_id)
    asked = len(served.simulator.questions())
    assert len(rows) <= asked <= len(rows) * (2 if kind in SENT_AGAIN else 1)
    assert [row["outcome"] for row in rows].count("answered") == whole
    assert {row["outcome"] for row in rows} <= {"answered", "failed", "interrupted"}
    assert all(row["cost"] is not None and row["writer"] is None for row in rows)
    assert served.client.get(f"{served.root}/health").status_code == 200


@pytest.mark.parametrize("kind", sorted(SILENT))
def test_a_client_that_waits_no_longer_ends_a_silent_call(served: Gateway, kind: str) -> None:
    served.simulator.fail(kind)
    served.client.timeout = 0.5
    with pytest.raises(httpx.ReadTimeout):
        served.chat(headers={"X-Request-ID": f"silent-{kind}"})
    (row,) = served.rows(f"silent-{kind}")
    assert (row["outcome"], row["writer"]) == ("cancelled", None)


def told_as_openai_tells_it(answer: httpx.Response, *, stream: bool) -> bool:
    """Whether it is an answer, and not an error; either has its shape."""
    if answer.status_code == 200 and not stream:
        assert answer.json()["choices"][0]["message"]["role"] == "assistant"
        return True
    if answer.status_code == 200:
        *_, last = (event for event in answer.text.split("\n\n") if event)
        if last == "data: [DONE]":
            return True
        error = json.loads(last.removeprefix("data: "))["error"]
    else:
        error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.status_code != 500
    assert error["code"] != "internal_error"
    return False


def test_a_client_waits_for_a_limit_no_longer_than_the_gateways_patience(
    served: Gateway, simulator: Simulated
) -> None:
    simulator.fail("rate_limited", retry_after=5)
    answer = served.chat()
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert len(simulator.questions()) == 1  # and not asked again after five seconds
