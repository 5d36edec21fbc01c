"""The tools a model may call in one turn: what it is told of them, and how its calls are run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from pydantic_core import from_json

from core.chat import ToolCall, ToolDefinition
from core.errors import TensorWallError, ToolFailed
from core.tools.tool import Tool

__all__ = ("Approve", "DEFAULT_STEPS", "ToolResult", "ToolSource", "Toolbox", "deny")

DEFAULT_STEPS = 8
LONGEST_RESULT = 16_000
"""Characters, some four thousand tokens: each step sends all results again."""
_AT_ONCE = 8

Approve: TypeAlias = "Callable[[ToolCall], Awaitable[bool]]"
"""Asks the user whether a call with an effect may run."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of one call.

    Attributes:
        text: for the model, and for whoever wants to know.
        seconds: it took, without the time in which the user was asked.
        failed: it did not do what was asked; ``text`` says why.
    """

    text: str
    seconds: float
    failed: bool = False


async def deny(_: ToolCall) -> bool:
    """Nobody is there to be asked."""
    return False


class Toolbox:
    """A set of tools.

    Args:
        tools: of two with one name the first counts.
        approve: asks the user before a call with an effect; one question at a time.
        steps: how often the model may call tools in one turn before it has to answer.
        problems: what could not be loaded, a sentence each, to be told.
    """

    def __init__(
        self,
        tools: Iterable[Tool] = (),
        *,
        approve: Approve = deny,
        steps: int = DEFAULT_STEPS,
        problems: Sequence[str] = (),
    ) -> None:
        self._tools: dict[str, Tool] = {}
        for each in tools:
            self._tools.setdefault(each.name, each)
        self._approve = approve
        self._asking = asyncio.Lock()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self.steps = steps
        self.problems = tuple(problems)

    def __bool__(self) -> bool:
        return bool(self._tools)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All of them."""
        return tuple(self._tools.values())

    def definitions(self) -> list[ToolDefinition]:
        """As the model is told of them."""
        return [each.definition for each in self._tools.values()]

    async def run(self, calls: Sequence[ToolCall], ended: Callable[[int, ToolResult], None]) -> None:
        """Run the calls side by side; returns when all have ended.

        What goes wrong is a result, too: whatever a tool raises is told to the model.

        Args:
            calls: as the model made them.
            ended: called with each call's place and its result, as it comes.
        """
        async with asyncio.TaskGroup() as group:
            for place, call in enumerate(calls):
                group.create_task(self._run(place, call, ended), name=f"tool {call.function.name}")

    async def _run(self, place: int, call: ToolCall, ended: Callable[[int, ToolResult], None]) -> None:
        async with self._places:
            ended(place, await self._result(call))

    async def _result(self, call: ToolCall) -> ToolResult:
        found = self._tools.get(call.function.name)
        if found is None:
            known = ", ".join(self._tools) or "none"
            return _failure(f"There is no tool {call.function.name}. There are: {known}.")
        try:
            arguments = _arguments(call)
        except ToolFailed as error:
            return _failure(str(error))
        if found.effect == "asks" and not await self._allowed(call):
            return _failure("The user did not allow this call.")
        began = time.monotonic()
        try:
            async with asyncio.timeout(found.seconds):
                text = await found.run(arguments)
        except TimeoutError:
            return _failure(_too_long(found), began)
        except TensorWallError as error:
            return _failure(str(error), began)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return _failure(f"{type(error).__name__}: {error}", began)  # not us: it cancelled itself
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - a tool is anybody's code; the model is told
            return _failure(f"{type(error).__name__}: {error}", began)
        return ToolResult(_cut(text), time.monotonic() - began)

    async def _allowed(self, call: ToolCall) -> bool:
        async with self._asking:
            return await self._approve(call)


class ToolSource(Protocol):
    """Gives the tools for a turn, once its request is made."""

    async def __call__(self, *, known: bool) -> Toolbox:
        """The tools; ``known`` tells whether the catalogue knows that the model can call any."""


def _arguments(call: ToolCall) -> dict[str, Any]:
    text = call.function.arguments.strip() or "{}"
    try:
        given = from_json(text)
    except ValueError as error:
        raise ToolFailed(f"The arguments are not JSON: {error}.") from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ToolFailed("The arguments are not a JSON object.")
    return given


def _too_long(tool: Tool) -> str:
    ended = "was ended" if tool.stoppable else "was left running: nothing can stop it but its own end"
    return f"It took longer than {tool.seconds:g} seconds and {ended}."


def _failure(text: str, began: float | None = None) -> ToolResult:
    return ToolResult(_cut(text), 0.0 if began is None else time.monotonic() - began, failed=True)


def _cut(text: str) -> str:
    more = len(text) - LONGEST_RESULT
    return text if more <= 0 else f"{text[:LONGEST_RESULT]}\n… [cut off here: {more:,} more characters]"
