"""Whatever a client or a provider sends: an answer or a closed connection in good time, and never a 500."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.gateway_process import RunningGateway, gateway_process

PATIENCE = 20.0
"""Seconds after which a silent gateway hangs."""
FUZZ = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
QUESTION = {"model": "some-model", "messages": [{"role": "user", "content": "Hello!"}]}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
usages = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("prompt_tokens", "total_tokens", "queue_time"), values)
)
functions = st.fixed_dictionaries({}, optional={"name": values, "arguments": values})
tool_calls = st.lists(
    values | st.fixed_dictionaries({}, optional={"index": values, "function": values | functions})
)
messages = st.fixed_dictionaries(
    {}, optional={"role": values, "content": values, "reasoning": values, "tool_calls": values | tool_calls}
)
choices = st.lists(
    values
    | st.fixed_dictionaries(
        {}, optional={"delta": values | messages, "message": values | messages, "finish_reason": values}
    ),
    max_size=3,
)
chunks = st.fixed_dictionaries(
    {},
    optional={
        "id": values,
        "choices": values | choices,
        "usage": values | usages,
        "x_groq": values | st.fixed_dictionaries({"usage": values | usages}),
        "error": values | st.fixed_dictionaries({}, optional={"message": values, "code": values}),
    },
)
texts = (values | chunks).map(json.dumps).map(str.encode)
events = st.one_of(
    texts.map(lambda text: b"data: " + text + b"\n\n"),
    texts.map(lambda text: b"event: error\ndata: " + text + b"\n\n"),
    st.binary(max_size=60),
    st.sampled_from([b"data: [DONE]\n\n", b"data: {\n\n", b"data:\n\n", b": comment\r\n\r\n"]),
    st.just(b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'),
    st.just(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'),
)
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
heads = st.sampled_from(
    [
        STREAM,
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n",
        b"HTTP/1.1 400 Bad\r\nretry-after: soon\r\n\r\n",
        b"HTTP/1.1 429 Slow\r\nretry-after: 0.01\r\nx-ratelimit-reset-tokens: \xb2\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\n\r\n",
        b"HTTP/1.1 204 Nothing\r\n\r\n",
    ]
)
answers = st.binary(max_size=100) | st.builds(
    lambda head, parts: head + b"".join(parts), heads, st.lists(events)
)


class Upstream(ThreadingTCPServer):
    """A provider that answers every request with the same bytes and closes.

    Attributes:
        answer: the bytes.
    """

    daemon_threads = True
    answer = b""


class _Answer(StreamRequestHandler):
    timeout = PATIENCE

    def handle(self) -> None:
        assert isinstance(self.server, Upstream)
        size = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.lower().partition(b":")
            size = int(value) if name == b"content-length" else size
        self.rfile.read(size)
        try:
            self.wfile.write(self.server.answer)
        except OSError:
            return  # the gateway has heard enough


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(("127.0.0.1", 0), _Answer) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    url = f"http://127.0.0.1:{upstream.server_address[1]}/openai/v1"
    home = tmp_path_factory.mktemp("gateway") / "home"
    with gateway_process(home, url) as running:
        yield running
        assert httpx.get(f"{running.root}/openapi.json", trust_env=False).status_code == 200


def exchange(gateway: RunningGateway, sent: bytes, *, end: bool = False) -> bytes:
    """What comes back for some bytes until the gateway closes; where it is the end, nothing more is sent."""
    host, _, port = gateway.root.removeprefix("http://").partition(":")
    received = bytearray()
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        try:
            connection.sendall(sent)
            if end:
                connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(65536):
                received += data
        except (ConnectionResetError, BrokenPipeError):
            pass  # it closed with unread bytes of ours
    return bytes(received)


def chat(gateway: RunningGateway, body: bytes, *headers: bytes) -> bytes:
    """The answer to a chat request with a provider's key of its own, so that no failure is remembered."""
    head = [
        b"POST /v1/chat/completions HTTP/1.1",
        b"Host: localhost",
        b"Connection: close",
        b"X-API-Key: " + gateway.key.encode(),
        b"Authorization: Bearer gsk_" + uuid.uuid4().hex.encode(),
        b"Content-Length: %d" % len(body),
        *headers,
    ]
    return exchange(gateway, b"\r\n".join(head) + b"\r\n\r\n" + body)


def assert_sound(answer: bytes) -> None:
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 500")
    assert b"internal_error" not in answer


@FUZZ
@given(sent=st.binary(max_size=300))
@example(sent=b"GET /health HTTP/1.1\r\nHost: [::1\r\n\r\n")
@example(sent=b"GET /v1/models/%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n")
@example(sent=b"GET http://[/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
@example(sent=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
@example(
    sent=b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
)
def test_bytes_that_are_no_request_are_refused_or_dropped(gateway, sent):
    assert_sound(exchange(gateway, sent, end=True))


header_values = st.binary(max_size=40).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b""))


@FUZZ
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    *(b"X-API-Key", b"Authorization", b"X-Feature", b"X-Request-ID", b"X-Dry-Run", b"Host"),
                    *(b"Origin", b"Content-Length", b"Transfer-Encoding", b"Expect", b"Accept-Encoding"),
                    *(b"Content-Type", b"Sec-Fetch-Site", b"Upgrade", b"Connection"),
                ]
            ),
            header_values,
        ),
        max_size=6,
    ),
    st.sampled_from(
        [b"/v1/models", b"/metrics", b"/docs", b"/openapi.json", b"/health", b"/v1/chat/completions"]
    ),
)
def test_any_header_gets_an_answer_or_is_dropped(gateway, headers, path):
    lines = [b"GET " + path + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
    assert_sound(exchange(gateway, b"\r\n".join(lines) + b"\r\n\r\n", end=True))


@FUZZ
@given(
    st.one_of(
        st.binary(max_size=100),
        texts,
        st.builds(
            lambda more, wrong: json.dumps({**QUESTION, **more, **wrong}).encode(),
            st.dictionaries(
                st.sampled_from(["stream", "stream_options", "tools", "tool_choice", "response_format"]),
                values,
            ),
            st.dictionaries(
                st.sampled_from(["model", "messages", "temperature", "max_tokens", "service_tier", "n"]),
                values | st.lists(messages, max_size=3),
            ),
        ),
    )
)
@example(b"[" * 100_000)
@example(b'{"model":"m","messages":[' + b'{"role":"user","content":[' * 5_000)
@example(b'{"model":"\\ud800","messages":[{"role":"user","content":"\\ud800"}]}')
@example(b'{"model":"m","messages":[{"role":"user","content":"x"}],"seed":1e999}')
@example(b'{"model":"m","messages":[{"role":"user","content":"x"}],"seed":' + b"9" * 5_000 + b"}")
@example(b'{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":' + b"9" * 30 + b"}")
def test_any_body_gets_an_answer(gateway, upstream, body):
    upstream.answer = b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}"
    answer = chat(gateway, body)
    assert answer
    assert_sound(answer)


@settings(FUZZ, max_examples=20)  # a failed call is tried again after a moment
@given(answers, st.booleans())
@example(STREAM + b"x" * 3_000_000, True)
@example(STREAM + b"data: " + b"[" * 100_000 + b"\n\n", True)
@example(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b"[" * 100_000, False)
@example(b"HTTP/1.1 200 OK\r\nx-request-id: \xff\xfe\r\n\r\n{}", False)
def test_whatever_a_provider_streams_the_client_gets_an_answer(gateway, upstream, answer, streamed):
    upstream.answer = answer
    told = chat(gateway, json.dumps({**QUESTION, "stream": streamed}).encode())
    assert told
    assert_sound(told)


def test_half_a_character_passes_as_it_came(gateway, upstream):
    half = b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}],"usage":null}\n\n'
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    upstream.answer = STREAM + half + end + b"data: [DONE]\n\n"
    told = chat(gateway, json.dumps({**QUESTION, "stream": True}).encode())
    assert half in told
    assert b"data: [DONE]\n\n" in told
