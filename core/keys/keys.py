"""The keys kept in a database: made, replaced and revoked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from core.errors import InputError
from core.identifiers import new_id
from core.keys.key import GatewayKey, KeyScopes, clean_name, end_of_grace
from core.keys.ring import KeyRing
from core.keys.secret import KeySecret, new_secret
from core.keys.stored import insert_key, read_keys, update_key
from core.storage import Database

__all__ = ("Keys",)


class Keys:
    """The gateway's keys in one database.

    A key is named by its id, its name, the prefix of its secret, or a whole secret of it. Every method
    raises ``StorageError`` or one of its kin when the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, name: str, scopes: KeyScopes | None = None, expires_at: datetime | None = None
    ) -> tuple[GatewayKey, str]:
        """Make a key; it and its secret, which is told this once.

        Raises:
            InputError: it would be good for nothing, or a key that may be used is named so already.
        """
        now, secret = datetime.now(UTC), new_secret()
        scopes = scopes or KeyScopes()
        scopes.check()
        if expires_at is not None and expires_at <= now:
            raise InputError("A key that has expired already is good for nothing.")
        key = GatewayKey(new_id(), clean_name(name), KeySecret.of(secret), scopes, now, expires_at=expires_at)
        await self._database.run(_insert_named, key)
        return key, secret

    async def create_first(self, name: str) -> str | None:
        """Make a key that is good for everything, where there is none yet.

        Returns:
            Its secret, which is told this once; ``None`` where there is a key.
        """
        secret = new_secret()
        key = GatewayKey(new_id(), clean_name(name), KeySecret.of(secret), KeyScopes(), datetime.now(UTC))
        return secret if await self._database.run(_insert_first, key) else None

    async def all(self) -> list[GatewayKey]:
        """Every key there ever was, oldest first: the ledger refers to them."""
        return await self._database.read(read_keys)

    async def rotate(self, named: str, grace: timedelta) -> tuple[GatewayKey, str]:
        """Give a key a new secret; the key and its secret, which is told this once.

        The secret it had stays good for the time of grace; one it had before that ends now.

        Raises:
            InputError: no key or several are named so, or the key may not be used any more.
        """
        secret = new_secret()
        return await self._database.run(
            _rotate, named, datetime.now(UTC), grace, KeySecret.of(secret)
        ), secret

    async def revoke(self, named: str) -> GatewayKey:
        """End a key now, with all its secrets; one that is revoked already stays as it is.

        Raises:
            InputError: no key or several are named so.
        """
        return await self._database.run(_revoke, named, datetime.now(UTC))

    async def ring(self) -> KeyRing:
        """The keys as they are now, to ask at every call."""
        ring = KeyRing()
        await self._database.read(ring.refresh)
        return ring


def _insert_named(connection: Connection, key: GatewayKey) -> None:
    for other in read_keys(connection, to_change=True):
        if other.is_named(key.name) and other.state(key.created_at) == "active":
            raise InputError(
                f"There is a key named {key.name} already: {other.id} ({other.prefix}…).",
                hint="Choose another name, rotate that key, or revoke it first.",
            )
    insert_key(connection, key)


def _insert_first(connection: Connection, key: GatewayKey) -> bool:
    if read_keys(connection, to_change=True):
        return False
    insert_key(connection, key)
    return True


def _rotate(
    connection: Connection, named: str, now: datetime, grace: timedelta, secret: KeySecret
) -> GatewayKey:
    key = _named(connection, named)
    if problem := key.problem(now):
        raise InputError(problem.message, hint="Make another with: tensorwall keys create NAME")
    until = end_of_grace(now, grace)
    previous = replace(key.secret, until=until) if until else None
    key = replace(key, secret=secret, previous=previous)
    update_key(connection, key)
    return key


def _revoke(connection: Connection, named: str, now: datetime) -> GatewayKey:
    key = _named(connection, named)
    if key.revoked_at is None:
        key = replace(key, revoked_at=now)
        update_key(connection, key)
    return key


def _named(connection: Connection, word: str) -> GatewayKey:
    """The one key that is meant: of those that share a name, the one that may be used."""
    found = [key for key in read_keys(connection, to_change=True) if key.is_named(word)]
    now = datetime.now(UTC)
    chosen = [key for key in found if key.state(now) == "active"]
    chosen = chosen or [key for key in found if key.revoked_at is None] or found
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise InputError("There is no such key.", hint="`tensorwall keys list` lists them.")
    which = ", ".join(f"{key.id} ({key.prefix}…)" for key in chosen)
    raise InputError(f"{len(chosen)} keys are named {word}: {which}.", hint="Name one by its id.")
