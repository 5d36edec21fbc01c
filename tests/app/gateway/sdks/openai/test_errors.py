"""OpenAI's own client raises what it raises at OpenAI, and retries as it does there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.app.gateway.conftest import HELLO, MODEL, Gateway


@pytest.mark.parametrize(
    ("fault", "raised", "status"),
    [
        ({"kind": "bad_request"}, "BadRequestError", 400),
        ({"kind": "context_length"}, "BadRequestError", 400),
        ({"kind": "unauthorized"}, "AuthenticationError", 401),
        ({"kind": "forbidden"}, "PermissionDeniedError", 403),
        ({"kind": "model_not_found"}, "NotFoundError", 404),
        ({"kind": "too_large"}, "APIStatusError", 413),
        ({"kind": "unprocessable"}, "UnprocessableEntityError", 422),
        ({"kind": "rate_limited", "retry_after": 90}, "RateLimitError", 429),
        ({"kind": "server_error", "status": 503, "form": "html"}, "InternalServerError", 502),
        ({"kind": "reset"}, "InternalServerError", 502),
    ],
)
def test_errors_of_the_provider(
    openai: Any,
    served: Gateway,
    client: Any,
    fault: dict[str, Any],
    raised: str,
    status: int,
) -> None:
    served.simulator.configure(faults=[fault])
    with pytest.raises(getattr(openai, raised)) as caught:
        client.chat.completions.create(model=MODEL, messages=HELLO, stream=status < 500)
    error = caught.value
    assert error.status_code == status
    assert error.body["message"]
    assert error.request_id
    assert served.simulator.api_key not in str(error)
    if status == 429:
        assert 60 <= int(error.response.headers["retry-after"]) <= 90


def test_errors_of_the_gateways_own(openai: Any, served: Gateway, connect: Callable[..., Any]) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        connect(api_key="gw_" + "x" * 43, default_headers={}).chat.completions.create(
            model=MODEL, messages=HELLO
        )
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(openai.BadRequestError) as caught:
        connect().chat.completions.create(model=MODEL, messages=[])
    assert (caught.value.param, caught.value.type) == ("messages", "invalid_request_error")
    large = [{"role": "user", "content": "x" * (33 * 1024 * 1024)}]
    with pytest.raises(openai.APIStatusError) as caught:
        connect().chat.completions.create(model=MODEL, messages=large)
    assert (caught.value.status_code, caught.value.code) == (413, "request_too_large")
    assert served.simulator.questions() == []


@pytest.mark.parametrize("kind", ["sse_error", "cut", "end"])
def test_a_stream_that_breaks_off(openai: Any, served: Gateway, client: Any, kind: str) -> None:
    fault = {"kind": kind, "after_tokens": 2}
    served.simulator.configure(text=["Once", " upon", " a", " time"], reasoning="", faults=[fault])
    pieces = []
    with (
        pytest.raises(openai.APIError) as caught,
        client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream,
    ):
        pieces.extend(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
    assert "".join(pieces) == "Once upon"
    assert caught.value.message


def test_a_client_that_retries_gets_its_answer(
    openai: Any, served: Gateway, connect: Callable[..., Any]
) -> None:
    """The gateway has tried three times by itself when the client tries again."""
    served.simulator.configure(faults=[{"kind": "server_error", "status": 503, "times": 3}])
    counts: list[str] = []
    hooks = {"request": [lambda request: counts.append(request.headers["x-stainless-retry-count"])]}
    with openai.DefaultHttpxClient(event_hooks=hooks) as transport:
        client = connect(max_retries=1, http_client=transport)
        assert client.chat.completions.create(model=MODEL, messages=HELLO).choices[0].message.content
    assert counts == ["0", "1"]
    assert len(served.simulator.questions()) == 4


def test_a_client_does_not_retry_in_vain(openai: Any, served: Gateway, connect: Callable[..., Any]) -> None:
    counts: list[str] = []
    hooks = {"request": [lambda request: counts.append(request.headers["x-stainless-retry-count"])]}
    with openai.DefaultHttpxClient(event_hooks=hooks) as transport:
        # Without a key of the client's own the gateway's is used, which the simulator does not know here.
        client = connect(max_retries=2, http_client=transport, api_key=served.running.key, default_headers={})
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model=MODEL, messages=HELLO)
    assert counts == ["0"]
