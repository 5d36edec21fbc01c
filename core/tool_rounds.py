"""The rounds of one turn in which the model calls tools: run, told, and kept as messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.chat import ChatResponse, Event, Message, ToolCall, ToolFinished, ToolStarted
from core.conversations.stored import MessageState, StoredMessage
from core.conversations.turn_writer import TurnWriter
from core.identifiers import new_id

if TYPE_CHECKING:
    from core.tools import Toolbox, ToolResult

__all__ = ("ToolRounds", "stopped_result")

_STOPPED = "Stopped before it had a result; what it may have done by then is not known."


@dataclass(slots=True)
class ToolRounds:
    """Runs what the model calls, round by round.

    Args:
        toolbox: the tools.
        writer: where each result becomes a message.
        tell: takes events for the screen.

    Attributes:
        messages: what the model is to be told beyond its first request: its calls and their results.
        left: how many more rounds there may be.
    """

    toolbox: Toolbox
    writer: TurnWriter
    tell: Callable[[Event], None]
    messages: list[Message] = field(default_factory=list)
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.toolbox.steps

    def calls_of(self, response: ChatResponse) -> Sequence[ToolCall]:
        """The calls to run; an answer that was cut off may have cut one of them."""
        return () if response.finish_reason == "length" else response.tool_calls

    async def run(self, answer: StoredMessage, response: ChatResponse) -> StoredMessage:
        """Run the calls of an answer side by side; the last of their results' messages."""
        self.left -= 1
        calls = self.calls_of(response)
        rows: list[StoredMessage] = []
        for call in calls:
            rows.append(_row_of_result(rows[-1] if rows else answer, call))
            self.writer.begin(rows[-1])
            self.tell(ToolStarted(call.id, rows[-1].id, call.function.name, call.function.arguments))

        def ended(place: int, result: ToolResult) -> None:
            row = rows[place] = _with_result(rows[place], result)
            self.writer.end(row)
            self.tell(
                ToolFinished(calls[place].id, row.id, result.text, result.seconds, failed=result.failed)
            )

        await self.toolbox.run(calls, ended)
        await self.writer.settle()
        self.messages += [response.message, *(row.message for row in rows)]
        return rows[-1]

    def answer_below(self, row: StoredMessage, model: str | None) -> StoredMessage:
        """The row that the model's next answer streams into."""
        return _row_below(row, Message(role="assistant", content=""), model)


def stopped_result(row: StoredMessage, state: MessageState, at: datetime) -> StoredMessage:
    """The message of a tool that was stopped; the model is told, for it may go on from there."""
    message = row.message.model_copy(update={"content": _STOPPED})
    return replace(row, message=message, state=state, finished_at=at)


def _row_of_result(parent: StoredMessage, call: ToolCall) -> StoredMessage:
    name = call.function.name
    return _row_below(parent, Message(role="tool", content="", tool_call_id=call.id, name=name), None)


def _with_result(row: StoredMessage, result: ToolResult) -> StoredMessage:
    message = row.message.model_copy(update={"content": result.text})
    state: MessageState = "failed" if result.failed else "complete"
    return replace(row, message=message, state=state, finished_at=datetime.now(UTC))


def _row_below(parent: StoredMessage, message: Message, model: str | None) -> StoredMessage:
    return StoredMessage(
        id=new_id(),
        session_id=parent.session_id,
        parent_id=parent.id,
        message=message,
        state="streaming",
        created_at=datetime.now(UTC),
        model=model,
    )
