"""Who an endpoint's calls are made by."""

from __future__ import annotations

from collections.abc import Iterable

from core.providers import Provider
from core.routing.endpoint import RouteEndpoint

__all__ = ("EndpointProviders",)


class EndpointProviders:
    """Providers with the keys and addresses of endpoints; one object for equal ones."""

    def __init__(self) -> None:
        self._made: dict[tuple[Provider, str | None, str | None], Provider] = {}

    def of(self, endpoint: RouteEndpoint) -> Provider:
        """The endpoint's provider with its key and address."""
        if endpoint.api_key is None and endpoint.base_url is None:
            return endpoint.provider
        key = (endpoint.provider, endpoint.api_key, endpoint.base_url)
        if key not in self._made:
            self._made[key] = endpoint.provider.with_overrides(endpoint.api_key, endpoint.base_url)
        return self._made[key]

    def distinct(self, endpoints: Iterable[RouteEndpoint]) -> list[Provider]:
        """Those of several endpoints, each once."""
        return list(dict.fromkeys(self.of(endpoint) for endpoint in endpoints))
