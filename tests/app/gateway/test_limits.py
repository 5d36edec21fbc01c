"""What no client may do for ever: requests that are too large, too slow or too many."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.app.gateway.conftest import HELLO, MODEL
from tests.gateway_process import RunningGateway, gateway_process
from tests.simulated import Simulated

SECONDS = 0.5
AT_ONCE = 2
SETTINGS = f"[gateway]\nmax_body_mb = 1\nclient_timeout = {SECONDS}\nmost_at_once = {AT_ONCE}\n"
SLOW = {"tokens_per_second": 10, "text": ["word "] * int(SECONDS * 30), "reasoning": ""}
"""An answer that takes three times as long as a client is waited for."""
FOREVER = {"tokens_per_second": 50, "content": "markdown", "tokens": 4000, "reasoning": ""}


@pytest.fixture(scope="module")
def gateway(simulator_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    home = tmp_path_factory.mktemp("gateway") / "home"
    with gateway_process(home, simulator_url, settings=SETTINGS) as running:
        yield running


@pytest.fixture
def keys(gateway: RunningGateway, simulator: Simulated) -> dict[str, str]:
    return {"X-API-Key": gateway.key, "Authorization": f"Bearer {simulator.api_key}"}


@pytest.fixture
def client(gateway: RunningGateway, keys: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{gateway.root}/v1", headers=keys, trust_env=False, verify=False, timeout=20
    ) as client:
        yield client


def question(**fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": HELLO, **fields}


def received(gateway: RunningGateway, *pieces: bytes) -> bytes:
    """What comes back until the gateway closes the connection; ours stays open."""
    host, _, port = gateway.root.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def told(gateway: RunningGateway, *pieces: bytes) -> tuple[int, dict[str, Any]]:
    """Status and error of the only answer."""
    head, _, body = received(gateway, *pieces).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


def head(path: str, keys: dict[str, str], *lines: str) -> bytes:
    """The head of a request whose body follows."""
    given = [f"{name}: {value}" for name, value in keys.items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *given, *lines, "", ""]).encode()


def test_too_many_at_once_are_told_to_come_again(client: httpx.Client, simulator: Simulated) -> None:
    simulator.configure(**FOREVER)
    with ExitStack() as streams:
        for _ in range(AT_ONCE):  # their headers come with the first word, so that they are under way
            streams.enter_context(client.stream("POST", "/chat/completions", json=question(stream=True)))
        refused = client.post("/chat/completions", json=question())
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"] == "1"
        assert len(simulator.questions()) == AT_ONCE
        assert client.get(f"{client.base_url.join('/health')}").status_code == 200  # it is busy, not broken
    simulator.configure()
    while (answer := client.post("/chat/completions", json=question())).status_code == 503:
        pass  # it takes a moment to see that the others are gone
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/chat/completions", "application/json"),
        ("/v1/audio/speech", "application/json"),
        ("/v1/audio/transcriptions", "multipart/form-data; boundary=x"),
    ],
)
def test_a_body_that_does_not_arrive_ends_the_connection(
    gateway: RunningGateway, keys: dict[str, str], simulator: Simulated, path: str, kind: str
) -> None:
    begun = head(path, keys, f"Content-Type: {kind}", "Content-Length: 100"), b"--x\r\n"
    status, error = told(gateway, *begun)
    assert (status, error["type"]) == (408, "timeout_error")
    assert simulator.requests() == []


@pytest.mark.parametrize("begun", [b"P", b"POST /v1/chat/completions HTTP/1.1\r\nHost: local"])
def test_a_head_that_does_not_arrive_ends_the_connection(gateway: RunningGateway, begun: bytes) -> None:
    status, error = told(gateway, begun)
    assert (status, error["type"]) == (408, "timeout_error")


def test_a_second_head_that_does_not_arrive_ends_the_connection(gateway: RunningGateway) -> None:
    whole = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert re.findall(rb"HTTP/1\.1 (\d+)", received(gateway, whole, whole[:20])) == [b"404", b"408"]


def test_a_connection_without_a_request_is_closed(gateway: RunningGateway) -> None:
    assert received(gateway) == b""
    assert received(gateway, b"\r\n") == b""


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX: ", b"y"),
        (b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n"),
        (b"GET /", b"y"),
    ],
    ids=["value", "lines", "path"],
)
def test_a_head_without_end_is_cut_short(gateway: RunningGateway, begun: bytes, more: bytes) -> None:
    too_much = 128 * 1024 + 1
    status, error = told(gateway, (begun + more * too_much)[:too_much])
    assert (status, error["code"]) == (431, "headers_too_large")


def test_a_client_that_goes_on_after_its_refusal_is_told_all_the_same(gateway: RunningGateway) -> None:
    status, error = told(gateway, b"GET / HTTP/1.1\r\nHost: x\r\nA: ", *[b"x" * 65_536] * 64)
    assert (status, error["code"]) == (431, "headers_too_large")


def test_a_client_that_reads_no_more_is_let_go(
    gateway: RunningGateway, client: httpx.Client, keys: dict[str, str], simulator: Simulated
) -> None:
    simulator.configure(content="long_line", tokens=1000, reasoning="")  # more than sockets hold
    body = json.dumps(question(stream=True)).encode()
    host, _, port = gateway.root.removeprefix("http://").partition(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect((host, int(port)))
        connection.sendall(head("/v1/chat/completions", keys, f"Content-Length: {len(body)}") + body)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        limit = time.monotonic() + 20
        while under_way(client, gateway):
            assert time.monotonic() < limit, "it still waits for its client"


def under_way(client: httpx.Client, gateway: RunningGateway) -> bool:
    """Whether a chat request is being answered."""
    scraped = client.get(f"{gateway.root}/metrics").text
    return 'tensorwall_requests_in_flight{endpoint="chat"} 0' not in scraped


def test_a_large_body_is_refused_before_and_while_it_arrives(
    client: httpx.Client, simulator: Simulated
) -> None:
    large = json.dumps(question(user="x" * 1024 * 1024)).encode()
    whole = client.post("/chat/completions", content=large)
    in_pieces = client.post("/chat/completions", content=iter([large[:1000], large[1000:]]))
    form = client.post("/audio/transcriptions", files={"file": ("speech.wav", large)})
    for refused in (whole, in_pieces, form):
        assert (refused.status_code, refused.json()["error"]["code"]) == (413, "request_too_large")
    assert simulator.requests() == []


def test_what_is_no_request_is_told_as_openai_would(gateway: RunningGateway) -> None:
    status, error = told(gateway, b"no request at all\r\n\r\n")
    assert (status, error["type"]) == (400, "invalid_request_error")


def test_slow_answers_and_idle_connections_are_left_alone(
    gateway: RunningGateway, client: httpx.Client, keys: dict[str, str], simulator: Simulated
) -> None:
    with httpx.Client(base_url=gateway.root, trust_env=False, verify=False) as idle:
        assert idle.get("/health").status_code == 200
        (connection,) = idle._transport._pool.connections  # type: ignore[attr-defined]
        simulator.configure(**SLOW)
        answer = client.post("/chat/completions", json=question(stream=True))
        assert answer.elapsed.total_seconds() > 2 * SECONDS
        assert answer.text.endswith("data: [DONE]\n\n")
        assert idle.get("/health").status_code == 200
        assert idle._transport._pool.connections == [connection]  # type: ignore[attr-defined]
