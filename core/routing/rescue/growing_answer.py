"""An answer as it is put together from the pieces of streams."""

from __future__ import annotations

from core.chat import ChatResponse, FunctionCall, ToolCall, ToolCallDelta

__all__ = ("GrowingAnswer",)


class GrowingAnswer:
    """The pieces that have arrived from one call."""

    __slots__ = ("_tools", "reasoning_pieces", "text_pieces", "unused_pieces")

    def __init__(self) -> None:
        self.text_pieces: list[str] = []
        self.reasoning_pieces: list[str] = []
        self.unused_pieces: list[str] = []
        """What was generated, and is billed, but is no part of the answer."""
        self._tools: dict[int, list[ToolCallDelta]] = {}

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.text_pieces)

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        return "".join(self.reasoning_pieces)

    @property
    def calls_tools(self) -> bool:
        """Whether any piece of a tool call has arrived."""
        return bool(self._tools)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls so far; each is whole once the answer is."""
        return [_tool_call(index, self._tools[index]) for index in sorted(self._tools)]

    def add_tool_piece(self, piece: ToolCallDelta) -> None:
        """Take in a piece of a tool call."""
        self._tools.setdefault(piece.index, []).append(piece)

    def add_whole(self, response: ChatResponse) -> None:
        """Take in an answer that came in one piece."""
        self.text_pieces.append(response.text)
        if response.reasoning:
            self.reasoning_pieces.append(response.reasoning)
        for index, tool in enumerate(response.tool_calls):
            self.add_tool_piece(ToolCallDelta(index, tool.id, tool.function.name, tool.function.arguments))

    def size(self) -> tuple[int, int]:
        """(characters, pieces) that have arrived, reasoning and tool arguments included."""
        arguments = [piece.arguments for pieces in self._tools.values() for piece in pieces]
        parts = (self.text_pieces, self.reasoning_pieces, arguments, self.unused_pieces)
        return sum(sum(map(len, part)) for part in parts), sum(map(len, parts))


def _tool_call(index: int, pieces: list[ToolCallDelta]) -> ToolCall:
    identifier = next((piece.id for piece in pieces if piece.id), f"call_{index}")
    name = next((piece.name for piece in pieces if piece.name), "")
    arguments = "".join(piece.arguments for piece in pieces) or "{}"
    return ToolCall(id=identifier, function=FunctionCall(name=name, arguments=arguments))
