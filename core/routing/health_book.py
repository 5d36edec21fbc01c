"""What is known of every endpoint, by provider, key and model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary, WeakSet

from core.providers import Provider
from core.routing.breaker import BreakerPolicy
from core.routing.health import EndpointHealth
from core.routing.known_models import KnownModels
from core.routing.limits.shared import SharedLevels
from core.routing.own_keys import OwnKeys

__all__ = ("FindShared", "HealthBook")

FindShared = Callable[[Provider, str], SharedLevels | None]
"""Where the limits of a provider's model are counted together with other processes, if they are."""


class HealthBook:
    """The health of every endpoint that has been asked.

    Args:
        models: their published limits.
        clock: monotonic seconds.
        breaker: when an endpoint's circuit opens.
        shared: where limits are shared; those of a key that came with a request never are.
    """

    def __init__(
        self,
        models: KnownModels,
        clock: Callable[[], float],
        breaker: BreakerPolicy | None,
        shared: FindShared | None = None,
    ) -> None:
        self._models = models
        self._clock = clock
        self._breaker = breaker
        self._shared = shared
        self._own_keys = OwnKeys()
        self._lent: WeakSet[Provider] = WeakSet()
        # By model; weak, since a provider with a key for one request ends with it.
        self._by_provider: WeakKeyDictionary[Provider, dict[str, EndpointHealth]] = WeakKeyDictionary()

    def of(self, provider: Provider, model: str) -> EndpointHealth:
        """The health of a model at a provider."""
        by_model = self._by_provider.setdefault(provider, {})
        health = by_model.get(model)
        if health is None:
            health = by_model[model] = self._fresh(provider, model)
        return health

    def seen(self, provider: Provider, model: str) -> EndpointHealth:
        """The same, to be looked at: an endpoint that nobody has asked stays unknown."""
        return self.known(provider).get(model) or self._fresh(provider, model)

    def known(self, provider: Provider) -> Mapping[str, EndpointHealth]:
        """By model, what the provider has been asked for."""
        return self._by_provider.get(provider, {})

    def lend(self, provider: Provider, key: str) -> None:
        """Let a provider that was made for one request go on from what earlier ones learned under its key."""
        self._lent.add(provider)
        self._by_provider[provider] = self._own_keys.health(provider.name, key)

    def _fresh(self, provider: Provider, model: str) -> EndpointHealth:
        share = self._shared is not None and provider not in self._lent
        shared = self._shared(provider, model) if share and self._shared is not None else None
        return EndpointHealth(self._clock, self._breaker, self._models.plans(provider, model), shared)
