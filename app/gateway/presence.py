"""Whether a connection's client is still there: the connection knows, and an exchange wants to be told."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ("EXTENSION", "Presence")

EXTENSION = "tensorwall.presence"
"""Where it is among a scope's ``extensions``; asking ``receive`` would take a task for each request."""


class Presence:
    """Of one client.

    Attributes:
        gone: the connection is closed.
        when_gone: whom to tell, once.
    """

    __slots__ = ("gone", "when_gone")

    def __init__(self) -> None:
        self.gone = False
        self.when_gone: Callable[[], object] | None = None

    def leave(self) -> None:
        """The connection is closed now."""
        self.gone = True
        if self.when_gone is not None:
            self.when_gone()
