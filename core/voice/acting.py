"""From decisions to deeds: what the turn machine decides is done by hearing, answering and the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from core.errors import TensorWallError
from core.voice.answer import Spawn
from core.voice.events import Discarded, FinalText, Noticed, StateChanged, VoiceEvent
from core.voice.turn_taking.actions import (
    Action,
    Commit,
    Discard,
    DropSpeculation,
    Duck,
    Interrupt,
    KeepStretch,
    Notice,
    Show,
    SpeculateReply,
    Transcribe,
    Unduck,
)

if TYPE_CHECKING:
    from core.voice.answering import Answering
    from core.voice.engine import AudioEngine
    from core.voice.hearing import Hearing

__all__ = ("Acting",)


class Acting:
    """Carries out actions, each at once; what takes time goes on as a task of the loop.

    Args:
        engine: makes its sound softer while somebody speaks.
        hearing: transcribes.
        answering: asks, speaks and falls silent.
        show: takes events for the user.
        spawn: starts work as a task of the loop.
        approach: opens what an answer will need, such as a connection; called when somebody speaks.
    """

    def __init__(
        self,
        engine: AudioEngine,
        hearing: Hearing,
        answering: Answering,
        *,
        show: Callable[[VoiceEvent], None],
        spawn: Spawn,
        approach: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.engine = engine
        self._hearing = hearing
        self._answering = answering
        self._show = show
        self._spawn = spawn
        self._approach = approach

    def carry_out(self, action: Action) -> None:
        """Do what the machine decided."""
        match action:
            case Transcribe():
                if action.final:
                    self._answering.receipt(action.turn).transcript_asked(action.revision, self.engine.now())
                self._hearing.transcribe(action)
            case KeepStretch():
                self._hearing.keep(action)
            case SpeculateReply():
                self._answering.speculate(action)
            case DropSpeculation():
                self._answering.drop_early()
            case Commit():
                self._commit(action)
            case Discard(turn=turn, reason=reason):
                self._hearing.forget()
                self._answering.drop_early()
                self._show(Discarded(turn, reason))
            case Duck():
                self.engine.duck()
            case Unduck():
                self.engine.unduck()
            case Interrupt(by=by):
                self._answering.interrupt(by)
            case Show():
                self._show_state(action)
            case Notice(text=text):
                self._show(Noticed(text))

    def _commit(self, said: Commit) -> None:
        self._hearing.forget()
        self._show(FinalText(said.turn, said.text, said.send, self._hearing.confidence))
        if said.send:
            self._answering.commit(said)
        else:
            self._answering.drop_early()

    def _show_state(self, shown: Show) -> None:
        if shown.state == "recording":
            self._answering.interrupt("key")  # one that is read aloud and has not been heard yet
            if self._approach is not None:
                self._spawn(_open_the_way(self._approach))
        closes_in = None if shown.closes_at is None else max(0.0, shown.closes_at - self.engine.now())
        self._show(StateChanged(shown.state, closes_in))


async def _open_the_way(approach: Callable[[], Awaitable[object]]) -> None:
    try:
        await approach()
    except TensorWallError:
        return  # the request will meet the same, and tell
