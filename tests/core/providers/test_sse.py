from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnexpectedResponse
from core.providers.sse import ServerSentEvent, SSEDecoder
from tests.core.providers.replay import cut

Outcome = tuple[list[ServerSentEvent], str | None]


def decode(*pieces: bytes, largest_event: int = 1000) -> Outcome:
    decoder, events = SSEDecoder(largest_event), []
    try:
        for piece in pieces:
            events.extend(decoder.feed(piece))
        events.extend(decoder.close())
    except UnexpectedResponse as error:
        return events, error.message
    return events, None


def by_the_grammar(data: bytes) -> list[ServerSentEvent]:
    """The specification's steps, on the whole of the bytes at once."""
    events, buffer, name = [], [], b""
    lines = re.split(rb"\r\n|\n|\r", data.removeprefix(b"\xef\xbb\xbf"))
    for line in [*lines, b""]:
        if not line:
            if buffer:
                text = b"\n".join(buffer).decode("utf-8", "replace")
                events.append(ServerSentEvent(text, name.decode("utf-8", "replace") or "message"))
            buffer, name = [], b""
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if field == b"data":
            buffer.append(value)
        elif field == b"event":
            name = value
    return events


fragments = st.one_of(
    st.sampled_from(
        (
            *(b"data: ", b"data:", b"data", b"event: error", b"event:", b": comment", b"id: 1", b"retry: 5"),
            *(b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b" ", b":", b"\xef\xbb\xbf"),
            *(b'data: {"a": 1}\n\n', b"data: [DONE]\n\n", b'data: {"a": 1}\n\ndata: {"b": 2}\n\n'),
            *("é".encode(), "漢字".encode(), "🙂".encode(), b"\xff", b"\xf0\x9f", b"\x00"),
        )
    ),
    st.text(max_size=8).map(str.encode),
    st.binary(max_size=6),
)
streams = st.lists(fragments, max_size=24).map(b"".join)
cuts = st.lists(st.integers(0, 7), max_size=60)


@given(streams, cuts)
def test_any_way_of_cutting_gives_what_the_grammar_says(data: bytes, sizes: list[int]) -> None:
    expected = by_the_grammar(data)
    assert decode(data) == (expected, None)
    assert decode(*cut(data, sizes)) == (expected, None)
    assert decode(*(data[i : i + 1] for i in range(len(data)))) == (expected, None)


@given(streams, cuts, st.integers(1, 30))
def test_the_bound_does_not_depend_on_the_cutting(data: bytes, sizes: list[int], bound: int) -> None:
    assert decode(*cut(data, sizes), largest_event=bound) == decode(data, largest_event=bound)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"data: a\n\n", [("a", "message")]),
        (b"data:a\r\n\r\n", [("a", "message")]),
        (b"data: a\r\r", [("a", "message")]),
        (b"data:  a\n\n", [(" a", "message")]),
        (b"data: a\ndata: b\n\n", [("a\nb", "message")]),
        (b"data\n\n", [("", "message")]),
        (b": ping\n\ndata: a\n\n", [("a", "message")]),
        (b"event: error\ndata: {}\n\ndata: b\n\n", [("{}", "error"), ("b", "message")]),
        (b"event: error\n\ndata: b\n\n", [("b", "message")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("a", "message")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("a", "message")]),
        (b"data: a\n\ndata: b", [("a", "message"), ("b", "message")]),
        (b"data: a\n", [("a", "message")]),
        (b"data: caf\xe9\n\n", [("caf\N{REPLACEMENT CHARACTER}", "message")]),
        (b"data: a: b\n\n", [("a: b", "message")]),
        (b"", []),
        (b"<html></html>", []),
    ],
)
def test_grammar(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert decode(data) == (expected, None)


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 50, b"x" * 50, b"data: xxxx\n" * 20])
def test_an_event_that_never_ends_is_refused_and_those_before_it_are_kept(piece: bytes) -> None:
    decoder = SSEDecoder(largest_event=120)
    events = list(decoder.feed(b"data: first\n\n"))
    with pytest.raises(UnexpectedResponse, match="more than 120 bytes"):
        events.extend(event for _ in range(4) for event in decoder.feed(piece))
    assert events == [ServerSentEvent("first")]


def test_comments_for_hours_are_not_one_large_event() -> None:
    decoder = SSEDecoder(largest_event=100)
    for _ in range(1000):
        assert list(decoder.feed(b": keep-alive\n")) == []
    assert list(decoder.feed(b"data: a\n\n")) == [ServerSentEvent("a")]


def test_a_line_of_a_megabyte_in_small_pieces() -> None:
    line = b"x" * 1_048_576
    decoder = SSEDecoder()
    data = b"data: " + line + b"\n\n"
    events = [event for i in range(0, len(data), 512) for event in decoder.feed(data[i : i + 512])]
    assert events == [ServerSentEvent(line.decode())]
