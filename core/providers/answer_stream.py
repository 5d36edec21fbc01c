"""A streamed answer: the bytes of its events in, ``core.chat`` events out. The hot path.

Reads what OpenAI-compatible servers really send: reasoning under either of its two names, usage at the
top level or under Groq's ``x_groq``, tool calls that lack an index, errors within the stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.chat import Event, FinishReason, ReasoningDelta, Relayed, TextDelta, ToolCallDelta, Usage
from core.errors import ProviderError, StreamInterrupted, UnexpectedResponse
from core.providers.answer_fields import arguments_of, finish_reason_of, parse_json, text_of, usage_of
from core.providers.response_errors import event_error
from core.providers.sse import SSEDecoder
from core.providers.upstream import Upstream

__all__ = ("AnswerStream",)

_DONE = "[DONE]"
_EXCERPT = 200


class AnswerStream:
    """Parses one streamed answer.

    Args:
        upstream: who answers.
        request_id: the provider's id of the call, as far as it is known.
        relay: pass on each piece as it came, too.
        keep_text: gather the answer's text, too.
        answers: how many the call gives; with several the events are those of all.

    Attributes:
        finish_reason: why the answer ended, of several the last one; ``None`` until it says so.
        usage: what it is billed, as last reported.
        done: the end mark has come; nothing follows it.
        request_id: the provider's id of the call, where the stream names it.
    """

    def __init__(
        self,
        upstream: Upstream,
        request_id: str | None = None,
        *,
        relay: bool = False,
        keep_text: bool = False,
        answers: int = 1,
    ) -> None:
        self.finish_reason: FinishReason | None = None
        self.usage: Usage | None = None
        self.done = False
        self.request_id = request_id
        self._upstream = upstream
        self._relay = relay
        self._text: list[str] | None = [] if keep_text else None
        self._answers = answers
        self._ended: dict[str, FinishReason] = {}
        self._decoder = SSEDecoder()
        self._tool_calls: list[tuple[int | None, str]] = []  # the server's index, and the id
        self._started = False
        self._opening = b""

    @property
    def text(self) -> str:
        """The text that has arrived, where it is gathered."""
        return "".join(self._text or ())

    @property
    def calls_tools(self) -> bool:
        """Whether a piece of a tool call has arrived."""
        return bool(self._tool_calls)

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield what these bytes complete; iterate to the end before feeding more.

        Raises:
            ProviderError: the server reports one within the stream.
            UnexpectedResponse: an event is not a piece of a chat answer.
        """
        if not self._opening:
            self._opening = data[:_EXCERPT]
        for text, name in self._decoder.feed(data):
            yield from self._read(text, name)

    def close(self) -> Iterator[Event]:
        """Yield what was left when the bytes ended, and check that the answer is whole.

        Raises:
            StreamInterrupted: it is not.
            UnexpectedResponse: there was no event at all.
        """
        for data, name in self._decoder.close():
            if data != _DONE and not _is_json(data):
                break  # cut in the midst of an event
            yield from self._read(data, name)
        if self.finish_reason is not None:
            return
        if self._opening.strip() and not self._started:
            raise self._unexpected("answers with something that is not a stream of events", self._opening)
        raise self.interrupted()

    def interrupted(self) -> StreamInterrupted:
        """The error of an answer that broke off."""
        return self._upstream.error(
            StreamInterrupted,
            f"{self._upstream.label} broke off before the answer was complete.",
            hint="Ask again.",
            request_id=self.request_id,
        )

    def _read(self, data: str, name: str) -> Iterator[Event]:
        self._started = True
        if data == _DONE:
            self.done = True
            if self._ended:  # as many as it says there are, whatever was asked for
                self.finish_reason = [*self._ended.values()][-1]
            return
        try:
            chunk = parse_json(data)
        except ValueError:
            chunk = None
        if name == "error" or (type(chunk) is dict and chunk.get("error")):
            raise self._reported(data if chunk is None else chunk)
        try:
            if "usage" in chunk or "x_groq" in chunk:
                self._read_billing(chunk)
            if self._relay and type(chunk) is dict:
                yield Relayed(data)
            for choice in chunk.get("choices") or ():
                if delta := choice.get("delta"):
                    yield from self._read_delta(delta)
                if reason := choice.get("finish_reason"):
                    self._finish(reason, choice)
        except (AttributeError, TypeError, KeyError, IndexError) as error:
            raise self._unexpected("sends an event that is no piece of an answer", data) from error

    def _read_delta(self, delta: dict[str, Any]) -> Iterator[Event]:
        if reasoning := delta.get("reasoning") or delta.get("reasoning_content"):
            yield ReasoningDelta(text_of(reasoning))
        if content := delta.get("content") or delta.get("refusal"):
            if self._text is not None:
                self._text.append(text_of(content))
            yield TextDelta(text_of(content))
        for call in delta.get("tool_calls") or ():
            yield self._tool_call(call)

    def _tool_call(self, call: dict[str, Any]) -> ToolCallDelta:
        function = call.get("function") or {}
        name, arguments = function.get("name") or None, arguments_of(function.get("arguments"))
        upstream_index, call_id = call.get("index"), call.get("id") or None
        index = self._known_call(upstream_index, call_id, name)
        if index is not None:
            return ToolCallDelta(index, arguments=arguments)
        index = len(self._tool_calls)
        call_id = call_id or f"call_{index}"
        self._tool_calls.append((upstream_index, call_id))
        return ToolCallDelta(index, call_id, name, arguments)

    def _known_call(self, upstream_index: int | None, call_id: str | None, name: str | None) -> int | None:
        """The call that a piece goes on with; ``None`` where it begins one.

        Some servers leave the index out, and some send every call at index 0: another id is another call.
        """
        for index in range(len(self._tool_calls) - 1, -1, -1):
            known_index, known_id = self._tool_calls[index]
            if upstream_index is not None and upstream_index != known_index:
                continue
            if call_id == known_id or (call_id is None and not (upstream_index is None and name)):
                return index
        return None

    def _read_billing(self, chunk: dict[str, Any]) -> None:
        if groq := chunk.get("x_groq"):
            self.request_id = groq.get("id") or self.request_id
            if error := groq.get("error"):
                raise self._reported(error)
        self.usage = usage_of(chunk) or self.usage

    def _finish(self, reason: object, choice: dict[str, Any]) -> None:
        if reason == "error":  # OpenRouter and others: the upstream of the upstream failed
            raise self._reported(choice.get("error") or "")
        ended = finish_reason_of(reason, tool_calls=bool(self._tool_calls))
        self._ended[str(choice.get("index"))] = ended
        if len(self._ended) >= self._answers:
            self.finish_reason = ended

    def _reported(self, error: object) -> ProviderError:
        return event_error(self._upstream, error, request_id=self.request_id)

    def _unexpected(self, what: str, sent: str | bytes) -> UnexpectedResponse:
        sent = sent[:_EXCERPT].decode("utf-8", "replace") if isinstance(sent, bytes) else sent[:_EXCERPT]
        return self._upstream.error(
            UnexpectedResponse,
            f"{self._upstream.host} {what}: {self._upstream.quote(sent)}",
            hint="Check that the base URL is that of an OpenAI-compatible API.",
            request_id=self.request_id,
        )


def _is_json(data: str) -> bool:
    try:
        parse_json(data)
    except ValueError:
        return False
    return True
