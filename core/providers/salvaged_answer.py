"""A refusal that holds the answer, passed on as the answer; imported where there is one."""

from __future__ import annotations

import asyncio

from core.chat import ChatRequest, ChatResponse, Event, Relayed, UsageReported
from core.errors import OutputInvalid, ToolCallInvalid
from core.providers.answer_stream import AnswerStream
from core.providers.relayed_answer import as_body, as_chunk
from core.providers.salvage import salvaged
from core.providers.whole_answer import events_of

__all__ = ("salvaged_answer", "salvaged_events")


async def salvaged_answer(
    error: OutputInvalid | ToolCallInvalid, request: ChatRequest, model: str, *, passed_on: str = ""
) -> ChatResponse:
    """The answer that a refusal holds; see ``core.providers.salvage``.

    Args:
        error: the refusal.
        request: what was asked.
        model: of whom.
        passed_on: the text of the answer that has arrived already.

    Raises:
        OutputInvalid: or `ToolCallInvalid`: it holds none.
    """
    answer = await asyncio.to_thread(salvaged, error, request, passed_on=passed_on)
    if answer is None:
        raise error
    answer.model = model
    if request.relayed is not None:
        answer.relayed = as_body(answer, model)
    return answer


async def salvaged_events(
    error: OutputInvalid | ToolCallInvalid, request: ChatRequest, model: str, begun: AnswerStream | None
) -> list[Event]:
    """The same as the events of a stream.

    Args:
        error: the refusal.
        request: what was asked.
        model: of whom.
        begun: the stream, where it had begun; the events go on from those that were passed on.

    Raises:
        OutputInvalid: or `ToolCallInvalid`: there is no answer in it.
    """
    if begun is not None and begun.calls_tools:
        raise error  # a part of a call has been passed on already
    answer = await salvaged_answer(error, request, model, passed_on=begun.text if begun else "")
    events = [*events_of(answer)]
    if request.relayed is not None:
        events.insert(0, Relayed(as_chunk(answer, model)))
    if begun is not None and begun.usage is not None:
        events.insert(-1, UsageReported(begun.usage))
    return events
