"""The turn in progress: read to its end onto the screen, stopped, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.tui.garbage import brief_collections
from app.tui.live_turn import LiveTurn
from app.tui.routes.answers import DecisionLog
from core.errors import TensorWallError

if TYPE_CHECKING:
    from app.composition import Services
    from app.tui.gauges import Gauges
    from app.tui.status_line import Status
    from app.tui.transcript import AnswerState
    from app.tui.widgets.transcript import Transcript
    from core.assistant import Turn
    from core.chat import Decision, Event

__all__ = ("Ending", "TurnReader")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ended.

    Attributes:
        failure: what ended it early, if anything did.
        stopped: whether the user did.
        left_anything: whether any text or call of a tool is on screen.
    """

    failure: TensorWallError | None
    stopped: bool
    left_anything: bool

    @property
    def early(self) -> bool:
        """Whether it is not whole."""
        return self.failure is not None or self.stopped


class TurnReader:
    """One at a time: from ``begin`` to ``settled`` it is busy, and in between the turn is read.

    Args:
        services: where prices, tools and settings are.
        transcript: where it is shown.
        gauges: take its figures.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        services: Callable[[], Services],
        transcript: Transcript,
        gauges: Gauges,
        clock: Callable[[], float],
    ) -> None:
        self._services = services
        self._transcript = transcript
        self._gauges = gauges
        self._clock = clock
        self._live: LiveTurn | None = None
        self._stopping = False
        self._decided = DecisionLog()
        self._free = asyncio.Event()
        self._free.set()

    @property
    def busy(self) -> bool:
        """Whether a turn is in progress."""
        return not self._free.is_set()

    async def free(self) -> None:
        """Wait until none is."""
        await self._free.wait()

    def figures(self) -> Status:
        """Those of the turn that streams, or of the last one."""
        return self._gauges.during(self._live) if self._live else self._gauges.last

    def decisions(self, answer_id: str) -> Sequence[Decision]:
        """What the router has decided for an answer, where this TensorWall gave it."""
        live = self._live
        if live is not None and live.turn.answer_id == answer_id:
            return live.turn.decisions
        return self._decided.of(answer_id)

    def begin(self, turn: Turn, branch: tuple[int, int] | None) -> None:
        """Show this turn from now on; ``branch`` is the answer's place among its siblings."""
        services = self._services()
        self._live = LiveTurn(
            turn,
            self._transcript,
            services.catalogue,
            stall_notice=services.settings.network.stall_notice,
            awaited_servers=lambda: self._services().tools.awaited_servers,
            branch=branch,
            clock=self._clock,
        )
        self._stopping = False
        self._free.clear()

    async def read(self, events: AsyncIterable[Event]) -> Ending:
        """Take the events of the turn that has begun as they come."""
        live, failure = self._live, None
        assert live is not None
        with brief_collections():
            async with live.turn:
                try:
                    async for event in events:
                        if not self._stopping:
                            live.take(event)
                except TensorWallError as error:
                    failure = error
            self._end(live, failure)
        return Ending(failure, self._stopping, live.has_text or live.has_tools)

    def _end(self, live: LiveTurn, failure: TensorWallError | None) -> None:
        self._stopping = self._stopping or live.turn.state == "stopped"
        how: AnswerState = "failed" if failure else "stopped" if self._stopping else "complete"
        live.finish(how)
        self._gauges.ended(live, how)
        self._decided.keep(live.turn)
        self._live = None

    async def stop(self) -> bool:
        """Stop the answer now, keeping its text; whether there was one."""
        if self._live is None or self._stopping:
            return False
        self._stopping = True
        self._live.finish("stopped")
        await self._live.turn.aclose()
        return True

    def settled(self) -> None:
        """The turn is over and stored, or given up: another one may begin."""
        self._live = None
        self._free.set()
