"""Reading the input: what can be asked, and what cannot, by its number."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.batch.lines import BatchInput, open_input
from core.errors import InputError

BODY: dict[str, Any] = {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "Hi"}]}


def line(custom_id: object = "a", **changes: Any) -> dict[str, Any]:
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": BODY,
    } | changes


def read(*lines: object, model: str | None = None) -> BatchInput:
    written = [entry if isinstance(entry, bytes) else json.dumps(entry).encode() for entry in lines]
    return BatchInput(io.BytesIO(b"\n".join(written)), model)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"{", "it is not JSON (column 2: Expecting property name enclosed in double quotes)"),
        (b"\xff", "it is not UTF-8"),
        (b"[1]", "it is no object"),
        (b"[" * 200_000, "it is nested too deeply"),
        (line(None), "custom_id is missing"),
        (line(7), "custom_id is missing"),
        (line("a"), "custom_id 'a' is on line 1 already"),
        (line("b", method="GET"), 'method is not "POST"'),
        (line("b", url="/v1/embeddings"), 'url is not "/v1/chat/completions"'),
        (line("b", body=None), "body is no object"),
        (line("b", body={**BODY, "model": None}), "body.model is missing"),
        (line("b", body={**BODY, "model": "m" * 201}), "body.model has more than 200 characters"),
        (line("b", body={**BODY, "messages": []}), "body.messages is missing or empty"),
        (line("b", body={**BODY, "messages": [5]}), "body.messages[0] is no object"),
        (line("b", body={**BODY, "messages": [{"role": "usr"}]}), "body.messages[0].role: Input should be"),
        (line("b", body={**BODY, "stream": True}), "body.stream is set"),
        (line("b", body={**BODY, "n": 2}), "body.n is not 1"),
        (line("b", body={**BODY, "max_tokens": "x"}), "body.max_tokens is no whole number from 1 up"),
        (line("b", body={**BODY, "max_tokens": -5}), "body.max_tokens is no whole number"),
        (line("b", body={**BODY, "max_completion_tokens": 0}), "body.max_completion_tokens is no whole"),
        (line("b", body={**BODY, "max_completion_tokens": True}), "body.max_completion_tokens is no whole"),
        (line("b", body={**BODY, "max_completion_tokens": 9, "max_tokens": 1.5}), "body.max_tokens is no"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_the_mend(bad: object, problem: str) -> None:
    found = read(line("a"), b"", bad, line("c"))
    assert [entry.custom_id for entry in found.lines] == ["a", "c"]
    assert [entry.number for entry in found.bad] == [3]
    assert found.bad[0].problem.startswith(problem)


def test_a_body_goes_on_the_wire_as_it_came() -> None:
    parts = [{"type": "text", "text": "What?"}, {"type": "input_audio", "input_audio": {"data": ""}}]
    body = {
        **BODY,
        "messages": [{"role": "user", "content": parts, "x": 1}],
        "max_tokens": 70,
        "unheard_of": {"deep": [1.5, None]},
        "temperature": "hot",
        "tools": [{"type": "function", "function": {"name": "clock"}}],
    }
    found = read(line(body=body))
    request = found.request(found.lines[0])
    assert request.relayed == body
    assert (request.max_completion_tokens, request.temperature, request.messages[0].text) == (
        70,
        None,
        "What?",
    )
    assert request.tools is not None
    assert request.tools[0].function.name == "clock"


def test_one_model_for_all() -> None:
    found = read(line("a"), line("b", body={"messages": BODY["messages"]}), model="smart")
    assert not found.bad
    assert [found.request(entry).model for entry in found.lines] == ["smart", "smart"]
    assert found.request(found.lines[1]).relayed == {**BODY, "model": "smart"}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=40), unique=True, max_size=12), st.booleans(), st.booleans())
def test_every_line_is_found_again_where_it_stood(names: list[str], mark: bool, windows: bool) -> None:
    lines = [line(name, body={**BODY, "messages": [{"role": "user", "content": name * 3}]}) for name in names]
    written = (
        ("\r\n\r\n" if windows else "\n")
        .join(json.dumps(entry, ensure_ascii=True) for entry in lines)
        .encode()
    )
    found = BatchInput(io.BytesIO((b"\xef\xbb\xbf" if mark else b"") + written))
    assert [entry.custom_id for entry in found.lines] == names
    for entry in reversed(found.lines):
        assert found.body(entry)["messages"][0]["content"] == entry.custom_id * 3


def test_a_digest_tells_requests_apart_and_not_their_layout() -> None:
    turned = {name: BODY[name] for name in reversed(BODY)}
    found = read(line("a"), line("b", body=turned), line("c", body={**BODY, "seed": 1}))
    a, b, c = (entry.digest for entry in found.lines)
    assert a == b != c
    assert read(line("a"), model="smart").lines[0].digest == a


@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_each_line_is_good_or_named(data: bytes) -> None:
    found = BatchInput(io.BytesIO(data))
    named = {entry.number for entry in (*found.lines, *found.bad)}
    assert len(named) == len(found.lines) + len(found.bad)


@pytest.mark.parametrize("first", [line("b"), line("a", body={**BODY, "seed": 7})])
def test_an_input_that_changes_meanwhile_is_told(tmp_path, first: dict[str, Any]) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps(line("a")) + "\n" + json.dumps(line("b")) + "\n")
    with open_input(file) as found:
        file.write_text(json.dumps(first) + "\n" + json.dumps(line("c")) + "\n")
        with pytest.raises(InputError, match="Line 1 of the input has changed"):
            found.request(found.lines[0])


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_what_cannot_be_read_is_told(tmp_path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"), open_input(tmp_path / name):
        pass
