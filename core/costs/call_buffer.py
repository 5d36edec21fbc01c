"""Holds what happens to calls until there is a ledger to book it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.chat import CallObserver, UpstreamCall

__all__ = ("CallBuffer",)


class CallBuffer:
    """A ``CallObserver`` for calls that leave before storage is open.

    It keeps copies until `attach`, then passes everything on in order.
    """

    def __init__(self) -> None:
        self._observer: CallObserver | None = None
        self._waiting: list[Callable[[CallObserver], None]] = []

    def attach(self, observer: CallObserver) -> None:
        """Pass on what was kept, and from now on everything at once."""
        self._observer = observer
        for tell in self._waiting:
            tell(observer)
        self._waiting.clear()

    def call_started(self, call: UpstreamCall) -> None:
        """The call is about to be sent."""
        started = replace(call)
        self._tell(lambda observer: observer.call_started(started))

    def call_ended(self, call: UpstreamCall) -> None:
        """The call is over."""
        ended = replace(call)
        self._tell(lambda observer: observer.call_ended(ended))

    def _tell(self, tell: Callable[[CallObserver], None]) -> None:
        if self._observer is None:
            self._waiting.append(tell)
        else:
            tell(self._observer)
