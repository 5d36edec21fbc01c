"""Server-sent events, decoded as a machine that takes bytes however they were cut.

Follows the WHATWG grammar (https://html.spec.whatwg.org/multipage/server-sent-events.html), except
that an event without its final blank line is not thrown away at the end: some servers forget it.
``id`` and ``retry`` serve reconnection, which chat streams do not have, and are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core.errors import UnexpectedResponse

__all__ = ("ServerSentEvent", "SSEDecoder")

LARGEST_EVENT = 8 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event; lines of ``data`` are joined by newlines, invalid UTF-8 is replaced by U+FFFD."""

    data: str
    name: str = "message"


class SSEDecoder:
    """Turns bytes into events; any way of cutting the bytes gives the same events.

    Args:
        largest_event: bytes an event's lines may have together, so that a server that never ends
            its line cannot fill the memory.
    """

    def __init__(self, largest_event: int = LARGEST_EVENT) -> None:
        self._largest_event = largest_event
        self._line = bytearray()  # a line whose end has not come
        self._data: list[bytes] = []
        self._name = b""
        self._event_size = 0  # bytes of the event's whole lines
        self._after_cr = False  # a line feed that comes next belongs to the last line's end
        self._at_start = True
        self._between_events = True

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events these bytes complete; iterate to the end before feeding more.

        Raises:
            UnexpectedResponse: an event is larger than the bound.
        """
        if (
            self._between_events
            and data.startswith(b"data: ")
            and data.endswith(b"\n\n")
            and b"\r" not in data
            and len(data) <= self._largest_event
        ):
            # Nearly every chunk of a chat stream: whole events of one data line each.
            payloads = data[6:-2].split(b"\n\ndata: ")
            if data.count(b"\n") == 2 * len(payloads):
                self._at_start = self._after_cr = False
                for payload in payloads:
                    yield ServerSentEvent(payload.decode("utf-8", "replace"))
                return
        yield from self._feed_lines(data)

    def close(self) -> Iterator[ServerSentEvent]:
        """Yield the event that was under way when the bytes ended, if any."""
        if self._line:
            self._take_line(b"")
        if (event := self._end_event()) is not None:
            yield event

    def _feed_lines(self, data: bytes) -> Iterator[ServerSentEvent]:
        if self._after_cr and data.startswith(b"\n"):
            self._after_cr = False
            data = data[1:]
        if not data:
            return
        self._after_cr = data.endswith(b"\r")
        lines = data.splitlines()  # bytes split at CR, LF and CRLF only, as the grammar does
        rest = b"" if data.endswith((b"\n", b"\r")) else lines.pop()
        for line in lines:
            if line or self._line:
                self._take_line(line)
            elif (event := self._end_event()) is not None:
                yield event
        if rest:
            self._line += rest
            self._check_size(len(self._line))
        self._between_events = not (self._line or self._data or self._name)

    def _take_line(self, end: bytes) -> None:
        if self._line:
            end = bytes(self._line) + end
            self._line.clear()
        self._check_size(len(end))
        if self._at_start:
            self._at_start = False
            end = end.removeprefix(_BOM)
        field, _, value = end.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
        else:
            return  # a comment, or a field that means nothing here
        self._event_size += len(end)

    def _end_event(self) -> ServerSentEvent | None:
        self._at_start = False
        data, name = self._data, self._name
        self._data, self._name, self._event_size = [], b"", 0
        if not data:
            return None
        return ServerSentEvent(
            b"\n".join(data).decode("utf-8", "replace"), name.decode("utf-8", "replace") or "message"
        )

    def _check_size(self, line_size: int) -> None:
        if self._event_size + line_size > self._largest_event:
            raise UnexpectedResponse(
                f"The stream holds an event of more than {self._largest_event:,} bytes.",
                hint="Check that the address is an OpenAI-compatible API.",
            )
