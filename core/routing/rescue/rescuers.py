"""Who may go on with an answer that broke off, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.chat import ChatRequest
from core.errors import CredentialsError, ProviderError, StreamInterrupted
from core.routing.actions import Action, policy_for
from core.routing.candidate import Candidate
from core.routing.known_models import same_weights
from core.routing.rescue.continuation import continuation

__all__ = ("Rescuers",)

_CALLS = 3
"""That may go on with one answer."""


class Rescuers:
    """Those that are asked to go on with one answer.

    Those with the same weights come first, since they go on in the same voice, and the route that broke
    off comes last, where it may work again. Whichever is not ready is left out: nobody waits within a
    sentence. Without any the error stands.

    Args:
        request: what was asked in the first place.
        broken: what broke the answer off.
    """

    __slots__ = ("_broken", "_calls", "_request", "_waiting", "_whole")

    def __init__(self, request: ChatRequest, broken: ProviderError | CredentialsError) -> None:
        self._request = request
        self._broken = broken
        self._whole: list[tuple[Candidate, ChatRequest]] = []
        """What those that are asked to go on had been asked for."""
        self._waiting: list[Candidate] = []
        self._calls = 0

    def broke_off(
        self,
        candidate: Candidate,
        error: ProviderError | CredentialsError,
        said: str,
        candidates: Iterable[Candidate],
    ) -> None:
        """The answer ended early at ``candidate``; of it ``said`` has been passed on."""
        if isinstance(error, StreamInterrupted):
            error.hint = "Ask again, or continue from what arrived."  # this is text: half of it is of use
        candidate.broken = True
        others = [c for c in candidates if c is not candidate and not c.out and not c.reserve]
        others.sort(key=lambda c: (c.broken, not same_weights(c.model, candidate.model)))
        itself = [candidate] if policy_for(error).action is Action.LATER else []
        self._waiting = [*others, *itself]
        for rescuer in self._waiting:
            rescuer.forget_cap()
            self._whole.append((rescuer, rescuer.request))
            rescuer.request = continuation(self._request, said, prefill=rescuer.prefills)

    def dismiss(self) -> None:
        """Nobody is to go on any more: whoever is asked from here on is asked for the whole answer."""
        for candidate, request in reversed(self._whole):  # of several, the first is what it was
            candidate.request, candidate.uncapped = request, None

    def put_first(self, candidate: Candidate) -> None:
        """One that has failed to go on is worth another try at once."""
        self._waiting.insert(0, candidate)

    def next(self, is_ready: Callable[[Candidate], bool]) -> Candidate:
        """Who goes on now.

        Raises:
            ProviderError: what broke the answer off, where nobody is left.
            CredentialsError: likewise.
        """
        while self._calls < _CALLS and self._waiting:
            rescuer = self._waiting.pop(0)
            if is_ready(rescuer):
                self._calls += 1
                return rescuer
        raise self._broken
