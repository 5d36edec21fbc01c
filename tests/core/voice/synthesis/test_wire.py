"""The frames between the speech process and its parent: whole again, however the pipe cuts them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.audio import PcmChunk, WordMark
from core.voice.synthesis.synthesiser import Voice
from core.voice.synthesis.wire import (
    Cancel,
    Done,
    Failed,
    FrameDecoder,
    ListVoices,
    Message,
    Ready,
    Sound,
    Speak,
    VoiceList,
    WireError,
    encode,
)

numbers = st.integers(0, 2**31)
texts = st.text()
marks = st.builds(WordMark, st.floats(0, 1e6), numbers, numbers)
chunks = st.builds(PcmChunk, st.binary(), st.integers(8000, 48000), st.lists(marks, max_size=4).map(tuple))
voices = st.builds(Voice, texts, texts, st.lists(texts, max_size=2).map(tuple))
messages = st.one_of(
    st.builds(Speak, numbers, texts, st.none() | texts, numbers, st.none() | texts),
    st.builds(Cancel, numbers),
    st.builds(ListVoices, numbers),
    st.builds(Ready, texts, texts),
    st.builds(Sound, numbers, chunks),
    st.builds(Done, numbers),
    st.builds(VoiceList, numbers, st.lists(voices, max_size=3).map(tuple)),
    st.builds(Failed, numbers, st.sampled_from(["missing", "engine"]), texts, texts),
)


@given(st.lists(messages, max_size=5), st.data())
def test_messages_arrive_as_they_were_sent_however_the_bytes_are_cut(
    sent: list[Message], data: st.DataObject
) -> None:
    stream = b"".join(map(encode, sent))
    decoder = FrameDecoder()
    received: list[Message] = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        received.extend(decoder.feed(stream[:cut]))
        stream = stream[cut:]
    assert received == sent


@given(st.binary(min_size=8, max_size=64))
def test_noise_is_refused_or_waited_upon_but_never_believed(noise: bytes) -> None:
    with contextlib.suppress(WireError):
        assert not list(FrameDecoder().feed(noise))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{}",
        b"[]",
        b'["Nonsense", {}]',
        b'["Done", {}]',
        b'["Sound", {}]',
        b'["Sound", []]',
        b'["Done", 1]',
    ],
)
def test_a_frame_that_is_no_message_is_refused(head: bytes) -> None:
    with pytest.raises(WireError):
        list(FrameDecoder().feed(len(head).to_bytes(4, "little") + bytes(4) + head))


def test_an_absurd_length_is_refused_before_it_is_waited_for() -> None:
    with pytest.raises(WireError):
        list(FrameDecoder().feed(b"Hello, w"))
