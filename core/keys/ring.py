"""The keys in memory, as the gateway asks for them at every call; as fresh as the last transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.errors import KeyRefused
from core.keys.key import GatewayKey
from core.keys.secret import KeySecret, hash_of, prefix_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ("KeyRing",)

_HINT = "`tensorwall keys create NAME` makes one."


@dataclass(frozen=True, slots=True)
class _Snapshot:
    version: int | None
    by_prefix: Mapping[str, list[tuple[KeySecret, GatewayKey]]]


class KeyRing:
    """All keys at one version of theirs; empty until the first `refresh`.

    It is refreshed by the storage worker and asked by any thread: a snapshot is replaced whole.
    """

    def __init__(self) -> None:
        self._snapshot = _Snapshot(None, {})

    @property
    def version(self) -> int | None:
        """How often keys had been made or changed when this was last refreshed."""
        return self._snapshot.version

    def find(self, secret: str | None, now: datetime | None = None) -> GatewayKey:
        """The key that this is a secret of.

        Looked up by its prefix, which is no secret; the rest is compared in constant time.

        Args:
            secret: what the client sent; ``None`` or empty where it sent nothing.
            now: the moment that counts, if not this one.

        Raises:
            KeyRefused: nothing was sent, it is no key, or the key may not be used any more.
        """
        if not secret:
            raise KeyRefused("No key was sent.", code="missing", hint=_HINT)
        hashed = hash_of(secret)
        for kept, key in self._snapshot.by_prefix.get(prefix_of(secret), ()):
            if kept.matches(hashed):
                if problem := key.problem(now or datetime.now(UTC), kept):
                    raise problem
                return key
        raise KeyRefused("There is no such key.", code="unknown", hint=_HINT)

    def recheck(self, key: GatewayKey, secret: str, version: int | None) -> None:
        """See that a key which was found at a version may still be used; quick where nothing has changed.

        Raises:
            KeyRefused: it may not.
        """
        if version != self._snapshot.version or key.expires_at is not None or key.previous is not None:
            self.find(secret)

    def refresh(self, connection: Connection) -> bool:
        """Read the keys where they have changed; whether they have.

        Within the transaction of a call, so that a key revoked by another process is refused at once.
        """
        from core.keys.stored import read_keys, read_version  # here, since they import SQLAlchemy

        # The version comes first: keys that change in between are newer than it, and are read again.
        version = read_version(connection)
        if version == self._snapshot.version:
            return False
        self._snapshot = _Snapshot(version, _by_prefix(read_keys(connection)))
        return True


def _by_prefix(keys: Iterable[GatewayKey]) -> dict[str, list[tuple[KeySecret, GatewayKey]]]:
    found: dict[str, list[tuple[KeySecret, GatewayKey]]] = {}
    for key in keys:
        for secret in key.secrets:
            found.setdefault(secret.prefix, []).append((secret, key))
    return found
