"""The bytes that terminals send, and what the app is told."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

from app.tui.keyboard import KeyboardReported, KeyReleased, KeyRepeated
from app.tui.keyboard.parser import KeyEventParser


def parsed(sequence: str) -> list[Message]:
    parser = KeyEventParser()
    return [*parser.feed(sequence)]


def told(sequence: str) -> list[tuple[str, str]]:
    return [(type(message).__name__, getattr(message, "key", "")) for message in parsed(sequence)]


def test_this_is_the_textual_whose_private_parts_we_know():
    assert version("textual") == "8.2.8", "look at app/tui/keyboard again before taking another version"


def test_textual_alone_fails_on_a_release():
    """The trap: one release would end the input thread. If this passes no more, Textual has learned it."""
    with pytest.raises(ValueError, match="invalid literal"):
        list(XTermParser().feed("\x1b[32;1:3u"))


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ("\x1b[32;1:1;32u", ("Key", "space")),
        ("\x1b[32;;32u", ("Key", "space")),
        ("\x1b[32;1:2;32u", ("KeyRepeated", "space")),
        ("\x1b[32;1:3u", ("KeyReleased", "space")),
        ("\x1b[97;2:1;65u", ("Key", "A")),
        ("\x1b[97:65;2:1;65u", ("Key", "A")),
        ("\x1b[97;2:3u", ("KeyReleased", "a")),
        ("\x1b[32;5:1u", ("Key", "ctrl+space")),
        ("\x1b[32;5:3u", ("KeyReleased", "space")),
        ("\x1b[57448;5:1u", ("Key", "right_control")),
        ("\x1b[57448;1:3u", ("KeyReleased", "right_control")),
        ("\x1b[1;1:2A", ("KeyRepeated", "up")),
        ("\x1b[1;1:3A", ("KeyReleased", "up")),
        ("\x1b[20;1:3~", ("KeyReleased", "f9")),
        ("\x1b[13;1:1u", ("Key", "enter")),
        ("\x1b[27;1:3u", ("KeyReleased", "escape")),
        ("\x1b[A", ("Key", "up")),
        ("\x1b[20~", ("Key", "f9")),
    ],
)
def test_presses_repeats_and_releases(sequence: str, expected: tuple[str, str]):
    assert told(sequence) == [expected]


def test_a_repeat_types_its_letter_like_a_press():
    (message,) = parsed("\x1b[97;1:2;97u")
    assert isinstance(message, KeyRepeated)
    assert message.character == "a"
    assert message.is_printable
    assert isinstance(message.copy(), KeyRepeated)
    assert message.handler_name == events.Key("a", "a").handler_name


@pytest.mark.parametrize(("flags", "releases"), [(27, True), (2, True), (25, False), (0, False)])
def test_the_terminals_answer_is_told_and_not_typed(flags: int, releases: bool):
    (message,) = parsed(f"\x1b[?{flags}u")
    assert isinstance(message, KeyboardReported)
    assert message.releases is releases


def test_what_is_pasted_is_not_read_as_keys():
    (message,) = parsed("\x1b[200~x\x1b[201~")
    assert isinstance(message, events.Paste)
    assert message.text == "x"


def test_mouse_focus_and_plain_letters_are_still_textuals():
    assert told("a\x1b[I\x1b[<0;3;4M")[0] == ("Key", "a")
    assert [type(message).__name__ for message in parsed("a\x1b[O\x1b[<0;3;4M")] == [
        "Key",
        "AppBlur",
        "MouseDown",
    ]


_NUMBER = st.one_of(st.just(""), st.integers(0, 2_000_000).map(str))
_PART = st.lists(_NUMBER, min_size=1, max_size=3).map(":".join)
_KEYS = st.builds(
    lambda parts, end: "\x1b[" + ";".join(parts) + end,
    st.lists(_PART, min_size=1, max_size=4),
    st.sampled_from("u~ABCDEFHPQRS"),
)


@given(
    st.lists(
        st.one_of(_KEYS, st.text(min_size=1, max_size=6), st.text("\x1b[?;:0123456789u", min_size=1)),
        max_size=5,
    )
)
def test_nothing_that_a_terminal_sends_raises(sequences: list[str]):
    parser = KeyEventParser()
    for sequence in sequences:
        list(parser.feed(sequence))
    assert [
        message.key for message in parser.feed("\x1b[201~" + "\x1b[120u") if isinstance(message, events.Key)
    ][-1:] == ["x"]


@given(
    st.builds(
        "\x1b[{};{};{}u".format, st.integers(32, 0x10FFFF), st.integers(1, 256), st.integers(32, 0xD7FF)
    )
)
def test_sequences_without_events_mean_what_textual_says(sequence: str):
    stock = [(key.key, key.character) for key in XTermParser()._sequence_to_key_events(sequence)]
    ours = [(key.key, key.character) for key in KeyEventParser()._sequence_to_key_events(sequence)]
    assert ours == stock


@given(st.integers(0, 0x10FFFF), st.integers(1, 256))
def test_a_release_is_never_a_key(code: int, modifiers: int):
    messages = parsed(f"\x1b[{code};{modifiers}:3u")
    assert [type(message) for message in messages] == [KeyReleased]
