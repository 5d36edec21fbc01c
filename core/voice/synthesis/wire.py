"""What the speech process and its parent say to each other over two pipes, and how it is framed.

A frame is a header of eight bytes, two lengths as little-endian 32-bit numbers; then that many
bytes of JSON, ``[kind, fields]``; then that many bytes of sound.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from core.voice.audio import PcmChunk, WordMark
from core.voice.synthesis.engine import Reason
from core.voice.synthesis.synthesiser import Voice

__all__ = (
    "Cancel",
    "Done",
    "Failed",
    "FrameDecoder",
    "ListVoices",
    "Message",
    "Ready",
    "Sound",
    "Speak",
    "VoiceList",
    "WireError",
    "encode",
)

_HEADER = struct.Struct("<II")
_LONGEST = 64 * 1024 * 1024
"""More than any clause needs; a length beyond it is noise on the pipe."""


class WireError(ValueError):
    """The bytes are no frame of this protocol; what follows on the pipe cannot be trusted either."""


@dataclass(frozen=True, slots=True)
class Speak:
    """To the child: make this text sound, in this voice, at this many words a minute."""

    request: int
    text: str
    voice: str | None
    rate: int
    language: str | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """To the child: nobody wants the answer to this request any longer."""

    request: int


@dataclass(frozen=True, slots=True)
class ListVoices:
    """To the child: which voices are there?"""

    request: int


@dataclass(frozen=True, slots=True)
class Ready:
    """From the child, first of all: this engine waits for work.

    Attributes:
        engine: its name for people.
        voice: the voice it takes where none is asked for; empty where it does not tell.
    """

    engine: str
    voice: str
    request: int = 0


@dataclass(frozen=True, slots=True)
class Sound:
    """From the child: a piece of the sound that was asked for."""

    request: int
    chunk: PcmChunk


@dataclass(frozen=True, slots=True)
class Done:
    """From the child: that was all of it."""

    request: int


@dataclass(frozen=True, slots=True)
class VoiceList:
    """From the child: the voices there are."""

    request: int
    voices: tuple[Voice, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """From the child: it cannot be done; of request 0, that there is no engine at all.

    Attributes:
        reason: ``missing``: a package or library; ``engine``: the engine refused or broke.
    """

    request: int
    reason: Reason
    message: str
    hint: str


Message = Speak | Cancel | ListVoices | Ready | Sound | Done | VoiceList | Failed

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Speak, Cancel, ListVoices, Ready, Done, Failed)
}


def encode(message: Message) -> bytes:
    """One message as one frame."""
    sound = b""
    if isinstance(message, Sound):
        chunk = message.chunk
        sound = chunk.pcm
        marks = [[mark.at, mark.start, mark.end] for mark in chunk.marks]
        fields = {"request": message.request, "rate": chunk.sample_rate, "marks": marks}
    else:
        fields = asdict(message)
    head = json.dumps([type(message).__name__, fields]).encode()
    return _HEADER.pack(len(head), len(sound)) + head + sound


class FrameDecoder:
    """Makes messages of the bytes of a pipe, however these are cut."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that ``data`` completes; to be exhausted before the next call.

        Raises:
            WireError: the bytes are not of this protocol.
        """
        self._waiting += data
        while len(self._waiting) >= _HEADER.size:
            head, sound = _HEADER.unpack_from(self._waiting)
            if head + sound > _LONGEST:
                raise WireError(f"a frame of {head + sound} bytes")
            body, end = _HEADER.size + head, _HEADER.size + head + sound
            if len(self._waiting) < end:
                return
            message = _decode(bytes(self._waiting[_HEADER.size : body]), bytes(self._waiting[body:end]))
            del self._waiting[:end]
            yield message


def _decode(head: bytes, sound: bytes) -> Message:
    try:
        kind, fields = json.loads(head)
        if kind == "Sound":
            marks = tuple(WordMark(*mark) for mark in fields["marks"])
            return Sound(fields["request"], PcmChunk(sound, fields["rate"], marks))
        if kind == "VoiceList":
            voices = (Voice(v["id"], v["name"], tuple(v["languages"])) for v in fields["voices"])
            return VoiceList(fields["request"], tuple(voices))
        message: Message = _KINDS[kind](**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise WireError(f"no message: {head[:80]!r}") from error
    return message
