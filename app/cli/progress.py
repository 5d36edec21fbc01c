"""What there is to say while an answer is on its way: routes, waits and silence, a dim line each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from app.call_words import servers_in_words
from app.figures import cut_off, duration, output_capped, soft_limit_passed
from app.tool_uses import ToolUses
from core.chat.events import (
    AnswerRejected,
    Event,
    Finished,
    ModelLoading,
    OutputCapped,
    RouteChanged,
    RouteChosen,
    SoftLimitPassed,
    ToolFinished,
    ToolsMissing,
    ToolStarted,
    Waiting,
)

__all__ = ("Progress",)

_NOTICEABLE = 0.1
"""Seconds; a shorter wait is not worth a line."""


class Progress:
    """Turns events into remarks, and says when nothing has come for a while.

    Args:
        say: takes each remark.
        silence: seconds without an event after which that is said, once a silence.
        awaited_servers: the MCP servers that are waited for by now.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        silence: float,
        awaited_servers: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._say = say
        self._awaited_servers = awaited_servers
        self._silence = silence
        self._waiting_for = "an answer"
        self._loop = asyncio.get_running_loop()
        self._last_event = self._loop.time()
        self._told = False
        self._capped: OutputCapped | None = None
        self._labelled = ("", "")
        self._timer = self._loop.call_later(silence, self._look)
        self.route: RouteChosen | None = None
        """The call that is on, or that gave the answer."""
        self.tools = ToolUses()
        """What the model called."""

    def on_event(self, event: Event) -> None:
        """Take note of an event; cheap, since most are pieces of text."""
        self._last_event = self._loop.time()
        self._told = False
        match event:
            case RouteChosen():
                self._label(event)
                self.route = event
                self._waiting_for = f"{event.model} by {event.provider}"
            case RouteChanged():
                self._labelled = (event.to_provider, event.to_model)
                self._say(_moved(event))
            case Waiting() if event.seconds >= _NOTICEABLE:
                self._say(
                    event.reason if event.predicted else f"waiting {event.seconds:.1f} s: {event.reason}"
                )
                self._last_event += event.seconds
            case ModelLoading():
                self._say(f"loading {event.label}")
            case OutputCapped():
                self._capped = event
                self._say(output_capped(event))
            case Finished(reason="length") if self._capped:
                self._say(f"cut off: {cut_off(self._capped)}")
            case Finished(reason="length"):
                self._say(
                    "cut off: the answer reached the longest length allowed (chat.max_completion_tokens)"
                )
            case Finished(reason="content_filter"):
                self._say("cut off by the provider's content filter")
            case AnswerRejected():
                self._say(f"{event.reason} Asking for a better one.")
            case ToolsMissing():
                self._say(event.reason)
            case ToolStarted() | ToolFinished():
                self._tool(event)
            case SoftLimitPassed():
                self._say(soft_limit_passed(event))

    def _label(self, event: RouteChosen) -> None:
        """A model that may be wrong is told to be, once an answer."""
        if event.caution and self._labelled != (event.provider, event.model):
            self._labelled = (event.provider, event.model)
            self._say(f"offline · {event.model} · {event.caution}")

    def _tool(self, event: ToolStarted | ToolFinished) -> None:
        if (use := self.tools.take(event)) is not None:
            self._say(str(use))
        if running := self.tools.running:
            self._waiting_for = ", ".join(running)

    def stop(self) -> None:
        """The answer is over."""
        self._timer.cancel()

    def _awaited(self) -> str:
        servers = self._awaited_servers()
        return servers_in_words(servers) if servers else self._waiting_for

    def _look(self) -> None:
        silent_for = self._loop.time() - self._last_event
        if silent_for >= self._silence:
            if not self._told:
                self._say(f"nothing from {self._awaited()} for {duration(silent_for)}; Ctrl-C stops")
                self._told = True
            silent_for = 0.0
        self._timer = self._loop.call_later(self._silence - silent_for, self._look)


def _moved(event: RouteChanged) -> str:
    left, taken = (event.from_model, event.from_provider), (event.to_model, event.to_provider)
    if left == taken:
        return f"asking {event.to_model} ({event.to_provider}) again: {event.reason}"
    return (
        f"moved from {event.from_model} ({event.from_provider}) to "
        f"{event.to_model} ({event.to_provider}): {event.reason}"
    )
