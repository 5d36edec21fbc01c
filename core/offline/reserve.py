"""Whom the router calls in while there is no network: a server on this machine, else its own model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from core.catalogue import Catalogue
from core.errors import TensorWallError
from core.offline.provider import EmbeddedProvider
from core.providers import OpenAICompatibleProvider, Provider
from core.providers.discovery import find_local_servers
from core.routing import RouteEndpoint

__all__ = ("OfflineReserve",)


class OfflineReserve:
    """Implements ``core.routing.Reserve``; nothing is looked for before it is needed.

    Args:
        servers: local servers that may be running; they hold better models than ours.
        embedded: the model of this machine.
        catalogue: tells models that chat from others.
    """

    def __init__(
        self, servers: Sequence[OpenAICompatibleProvider], embedded: EmbeddedProvider, catalogue: Catalogue
    ) -> None:
        self._servers = servers
        self._embedded = embedded
        self._catalogue = catalogue
        self.missing = ""
        """Why nobody could answer when somebody was looked for last, and what to do about it."""

    async def endpoints(self) -> list[RouteEndpoint]:
        """The servers that run and have a model to chat with, then the embedded model where it is there."""
        self.missing = ""
        running = await find_local_servers(self._servers)
        offers = [*(await asyncio.gather(*map(self._offer, running))), await self._offer(self._embedded)]
        return [endpoint for endpoint in offers if endpoint is not None]

    async def aclose(self) -> None:
        """Close connections and end the embedded model's process."""
        providers: list[Provider] = [*self._servers, self._embedded]
        for provider in providers:
            await provider.aclose()

    async def _offer(self, provider: Provider) -> RouteEndpoint | None:
        """Its first model that chats."""
        try:
            self._catalogue.merge(provider.name, await provider.models())
        except TensorWallError as error:
            if provider is self._embedded:
                self.missing = str(error)
            return None
        offered = [info.id for info in self._catalogue.models(provider.name, kind="chat") if info.offered]
        return RouteEndpoint(provider=provider, model=offered[0]) if offered else None
