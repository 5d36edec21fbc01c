"""What one reply may be asked for beyond the settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.chat import Irrevocable, ReasoningEffort, ResponseFormat, ToolChoice, ToolDefinition

if TYPE_CHECKING:
    from core.tools import ToolSource

__all__ = ("ReplyOptions",)


@dataclass(frozen=True, slots=True)
class ReplyOptions:
    """What one reply asks for beyond the settings; ``None`` leaves it to them.

    Attributes:
        model: who gives this one reply; the conversation goes on with its own.
        toolbox: what the model may call and is run here, and its results told to it. Left out for models that
            cannot call tools, and for answers that have to be JSON, where providers refuse it.
        tools: what the model may call beside, or instead; whoever reads the answer sees to it.
        spoken: the answer is listened to: whoever speaks first gives it, with the least of reasoning.
        response_format: what the answer has to be; it is asked for by what the model can, checked, and
            mended once (see `core.turn.Turn`).
        irrevocable: what of the events cannot be taken back by whoever reads them.
    """

    model: str | None = None
    system_prompt: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_completion_tokens: int | None = None
    reasoning_effort: ReasoningEffort | None = None
    spoken: bool = False
    response_format: ResponseFormat | None = None
    stop: Sequence[str] | None = None
    seed: int | None = None
    toolbox: ToolSource | None = None
    tools: Sequence[ToolDefinition] | None = None
    tool_choice: ToolChoice | None = None
    irrevocable: Irrevocable = "nothing"
