"""Drives the turn machine: one message at a time, and the clock between them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.voice.turn_taking.actions import Action, WakeAt

if TYPE_CHECKING:
    from core.voice.turn_taking.machine import TurnMachine
    from core.voice.turn_taking.messages import Message

__all__ = ("MachineDriver",)


class MachineDriver:
    """Hands messages to a machine and its actions to whoever carries them out.

    Args:
        machine: decides.
        now: seconds of the clock that messages go by.
        carry_out: does what it decided; may tell the next message while at it.
        decided: called when all is carried out for now.
    """

    def __init__(
        self,
        machine: TurnMachine,
        *,
        now: Callable[[], float],
        carry_out: Callable[[Action], None],
        decided: Callable[[], None],
    ) -> None:
        self._machine = machine
        self._now = now
        self._carry_out = carry_out
        self._decided = decided
        self._inbox: deque[Callable[[], Sequence[Action]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self._deciding = False

    def start(self) -> None:
        """Go on with what was told so far."""
        self._running = True
        self._decide()

    def close(self) -> None:
        """Decide nothing any more."""
        self._running = False
        if self._timer is not None:
            self._timer.cancel()

    def tell(self, message: Message) -> None:
        """Let the machine know, and have its decision carried out at once; before `start` it waits."""
        self._inbox.append(lambda: self._machine.handle(message))
        self._decide()

    def _wake(self) -> None:
        self._inbox.append(lambda: self._machine.advance(self._now()))
        self._decide()

    def _decide(self) -> None:
        """One thing after the other, also where carrying out an action brings the next message."""
        if not self._running or self._deciding:
            return
        self._deciding = True
        try:
            while self._inbox:
                for action in self._inbox.popleft()():
                    self._do(action)
        finally:
            self._deciding = False
        self._decided()

    def _do(self, action: Action) -> None:
        if isinstance(action, WakeAt):
            self._wake_at(action.at)
        else:
            self._carry_out(action)

    def _wake_at(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, at - self._now())
        self._timer = asyncio.get_running_loop().call_later(delay, self._wake)
