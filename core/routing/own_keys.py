"""What is known of routes under keys that requests bring along; the keys themselves are not kept."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from hashlib import blake2b

from core.routing.health import EndpointHealth

__all__ = ("OwnKeys",)

_MOST = 1_000
"""Keys that are remembered; of more, those not used for longest are forgotten."""


class OwnKeys:
    """Health of endpoints by provider and key: limits are those of a key, and its end is no other's.

    A key is known by a digest that nobody can make again: its salt is made here and kept nowhere.
    """

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._known: OrderedDict[tuple[str, bytes], dict[str, EndpointHealth]] = OrderedDict()

    def health(self, provider: str, key: str) -> dict[str, EndpointHealth]:
        """Health by model, to be filled in; the same for the same key as long as it is remembered."""
        place = provider, blake2b(key.encode(), key=self._salt, digest_size=16).digest()
        health = self._known.setdefault(place, {})
        self._known.move_to_end(place)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return health
