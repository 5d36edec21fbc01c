"""Where a request can go, and which names lead there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from core.errors import ConfigurationError, UnknownRoute
from core.providers import Provider

__all__ = ("RouteEndpoint", "RouteTable")

_MOST_FOUND = 1_000
"""Models whose patterns are remembered; clients name them, and there is no end of names."""


@dataclass(frozen=True, slots=True)
class RouteEndpoint:
    """One provider that can serve a route.

    Attributes:
        provider: who is called.
        priority: the tier; a lower number is used while it is healthy.
        model: what this provider calls the model; by default the catalogue's name for the alias.
        weight: the share of calls within the tier under the weighted strategy; 0 is a last resort.
        api_key: instead of the provider's own key.
        base_url: instead of the provider's own address.

    Raises:
        ConfigurationError: the weight is negative or not a number.
    """

    provider: Provider
    priority: int = 0
    model: str | None = None
    weight: float = 1
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.weight < float("inf"):
            raise ConfigurationError(
                f"A route's weight is {self.weight}.", key="weight", hint="Use a number from 0 upwards."
            )


class RouteTable:
    """Patterns and their endpoints.

    An exact name wins, then the longest prefix that ends in ``*``; a lone ``*`` is the last resort.
    """

    def __init__(self) -> None:
        self._routes: dict[str, tuple[RouteEndpoint, ...]] = {}
        self._found: dict[str, str] = {}

    def add(self, pattern: str, endpoints: Sequence[RouteEndpoint]) -> None:
        """Register ``endpoints`` under ``pattern``, in place of what it had.

        Raises:
            ConfigurationError: the pattern is empty or has a ``*`` before its end, or no endpoint is given.
        """
        if not pattern or "*" in pattern[:-1]:
            raise ConfigurationError(
                f"{pattern!r} is not a route pattern.",
                key="routes",
                hint="Use a model name, or a beginning of one followed by a single '*'.",
            )
        if not endpoints:
            raise ConfigurationError(
                f"The route {pattern!r} leads nowhere.", key="routes", hint="Give it at least one endpoint."
            )
        self._routes[pattern] = tuple(endpoints)
        self._found.clear()

    def match(self, model: str) -> tuple[str, tuple[RouteEndpoint, ...]]:
        """The pattern that fits ``model`` best, with its endpoints.

        Raises:
            UnknownRoute: nothing fits; the hint names what comes near.
        """
        pattern = self._found.get(model)
        if pattern is None:
            pattern = self._pattern(model)
            if len(self._found) < _MOST_FOUND:
                self._found[model] = pattern
        return pattern, self._routes[pattern]

    def _pattern(self, model: str) -> str:
        if model in self._routes:
            return model
        prefixes = [
            pattern for pattern in self._routes if pattern[-1] == "*" and model.startswith(pattern[:-1])
        ]
        if not prefixes:
            raise UnknownRoute(f"No route leads to the model {model!r}.", hint=self._hint(model))
        return max(prefixes, key=len)

    def items(self) -> list[tuple[str, tuple[RouteEndpoint, ...]]]:
        """Every pattern with its endpoints, in the order of registration."""
        return list(self._routes.items())

    def _hint(self, model: str) -> str:
        if not self._routes:
            return "No routes are registered yet: call add_route first."
        near = get_close_matches(model, self._routes, n=3, cutoff=0.5)
        if near:
            return f"Did you mean {' or '.join(near)}?"
        return f"Known routes: {', '.join(list(self._routes)[:8])}."
