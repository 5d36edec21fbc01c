"""Whatever JSON a request is made of, it is answered in the API's own form: refused, never broken by it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.simulator.chat_client import ChatClient

FUNCTION = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
WELL_FORMED: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "json"}]},
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "http://x/a.png"}}],
        },
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "seen"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": FUNCTION["parameters"]},
    },
    "stream_options": {"include_usage": True},
    "stop": ["a"],
    "seed": 1,
    "temperature": 1,
    "max_completion_tokens": 20,
    "reasoning_effort": "low",
    "reasoning_format": "parsed",
    "service_tier": "auto",
    "user": "ada",
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "http://example.com/"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """The same, with something else at one place."""
    if not path:
        return by
    key, *rest = path
    inner = replaced(value[key], tuple(rest), by)
    if isinstance(value, dict):
        return {**value, key: inner}
    return [inner if place == key else each for place, each in enumerate(value)]


@st.composite
def nearly_well_formed(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.sets(st.sampled_from(sorted(WELL_FORMED)), max_size=4)) | {"messages"}
    body = {name: WELL_FORMED[name] for name in names}
    return replaced(body, draw(st.sampled_from(places(body)[1:])), draw(JSON))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(nearly_well_formed(), st.sampled_from(["openai/gpt-oss-20b", "qwen/qwen3.8-27b"]), st.booleans())
def test_no_request_breaks_it(chat: ChatClient, body: dict[str, Any], model: str, stream: bool) -> None:
    answer = chat.ask(**{"model": model, "stream": stream, **body})

    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 400:
        assert answer.json()["error"]["type"] == "invalid_request_error"
