"""What has gone wrong with one request so far, and the one error that it ends in where no route is left."""

from __future__ import annotations

from dataclasses import dataclass

from core.chat import Decision, RouteChanged
from core.errors import (
    AllRoutesFailed,
    BudgetExceeded,
    ConnectionFailed,
    CredentialsError,
    ProviderError,
    StreamInterrupted,
    StreamStalled,
)
from core.routing.actions import RouteError, policy_for
from core.routing.candidate import Candidate

__all__ = ("Misfortune", "Misfortunes")

_NO_ANSWER = (ConnectionFailed, StreamInterrupted, StreamStalled, CredentialsError, BudgetExceeded)
"""Failures that do not show that there is a network."""


@dataclass(frozen=True, slots=True)
class Misfortune:
    """Where the last try went, and what became of it: ``told`` is a phrase for the user."""

    provider: str
    model: str
    told: str

    def change_to(self, candidate: Candidate, told: str) -> RouteChanged:
        """The event that tells of going elsewhere."""
        return RouteChanged(self.provider, self.model, candidate.provider.name, candidate.model, told)


class Misfortunes:
    """The failures of one request, in the order in which they came.

    Attributes:
        last: of the tries; ``None`` before any has failed.
        final: what no other route could do anything about, or whoever asks mends itself.
        missing: what to do so that somebody could answer without a network.
    """

    __slots__ = ("_causes", "final", "last", "missing")

    def __init__(self) -> None:
        self._causes: list[tuple[str, RouteError]] = []
        self.last: Misfortune | None = None
        self.final: ProviderError | None = None
        self.missing = ""

    def failed(self, candidate: Candidate, error: RouteError) -> None:
        """A try has come to nothing."""
        self.left_out(candidate, error)
        self.left(candidate, error)

    def left(self, candidate: Candidate, error: RouteError) -> None:
        """A try is left for another; what it was worth is still open."""
        told = f"{candidate.label} {policy_for(error).because}"
        self.last = Misfortune(candidate.provider.name, candidate.model, told)

    def left_out(self, candidate: Candidate, error: RouteError) -> None:
        """An endpoint is not even tried, since it would refuse."""
        self._causes.append((candidate.label, error))

    @property
    def show_no_network(self) -> bool:
        """Whether all of them are of the kind that there is without a network."""
        return all(isinstance(cause, _NO_ANSWER) for _, cause in self._causes)

    def end(self, decision: Decision) -> ProviderError | BudgetExceeded | AllRoutesFailed:
        """The error to raise where no route is left to try, or none would do better."""
        if self.final is not None and len(self._causes) == 1:
            return self.final
        return (None if self.final else self._refused()) or self._all_failed(decision)

    def _refused(self) -> BudgetExceeded | None:
        """The refusal, where money alone kept every route from answering: nothing failed then."""
        refusals = [cause for _, cause in self._causes if isinstance(cause, BudgetExceeded)]
        return refusals[0] if refusals and len(refusals) == len(self._causes) else None

    def _all_failed(self, decision: Decision) -> AllRoutesFailed:
        """The last cause of each provider, in its own words; a single one speaks for itself."""
        latest = dict(self._causes)
        if len(latest) == 1:
            ((_, cause),) = latest.items()
            message, hint = cause.message, cause.hint
        else:
            message = " ".join(
                ["No route answered.", *(f"{label}: {cause.message}" for label, cause in latest.items())]
            )
            hint = next((cause.hint for cause in latest.values() if cause.hint), "")
        causes = [cause for _, cause in self._causes]
        hint = f"{hint} {self.missing}".strip()
        failure = AllRoutesFailed(message, causes=causes, decision=decision, hint=hint)
        failure.__cause__ = causes[-1]
        return failure
