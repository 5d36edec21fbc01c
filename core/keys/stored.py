"""Keys as rows of the table ``gateway_keys``; these functions run on the storage worker."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from core.keys.key import PERIODS, GatewayKey, KeyBudget, KeyScopes
from core.keys.secret import KeySecret
from core.storage.statements import ReadOften
from core.storage.tables import gateway_key_version, gateway_keys

__all__ = ("VERSION", "insert_key", "read_keys", "read_version", "update_key")

_ALL = select(gateway_keys).order_by(gateway_keys.c.created_at, gateway_keys.c.id)
VERSION = ReadOften(select(gateway_key_version.c.version))
"""How often any key was made or changed."""
_MINE_TO_CHANGE = select(gateway_key_version.c.version).with_for_update()
"""The row that every change of a key counts up, so that it is there to lock where there is no key yet; on
SQLite who writes has the whole database."""
_SEPARATOR = " "
"""Between names of models and of endpoints, none of which has one."""


def read_keys(connection: Connection, *, to_change: bool = False) -> list[GatewayKey]:
    """All keys, oldest first; ``to_change`` keeps others from making and changing any in this transaction."""
    if to_change:
        connection.execute(_MINE_TO_CHANGE)
    return [_key(row) for row in connection.execute(_ALL).mappings()]


def read_version(connection: Connection) -> int:
    """How often any key was made or changed."""
    return VERSION.answer(connection)


def insert_key(connection: Connection, key: GatewayKey) -> None:
    """Keep a new key."""
    connection.execute(insert(gateway_keys), _values(key))


def update_key(connection: Connection, key: GatewayKey) -> None:
    """Keep a key as it has become."""
    connection.execute(update(gateway_keys).where(gateway_keys.c.id == key.id), _values(key))


def _values(key: GatewayKey) -> dict[str, Any]:
    budgets = {budget.period: budget.hard for budget in key.scopes.budgets}
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.secret.prefix,
        "hash": key.secret.hash,
        "previous_prefix": key.previous.prefix if key.previous else None,
        "previous_hash": key.previous.hash if key.previous else None,
        "previous_until": key.previous.until if key.previous else None,
        "models": _joined(key.scopes.models),
        "endpoints": _joined(key.scopes.endpoints),
        **{f"budget_{period}": budgets.get(period) for period in PERIODS},
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _key(row: RowMapping) -> GatewayKey:
    budgets = [(period, row[f"budget_{period}"]) for period in PERIODS]
    scopes = KeyScopes(
        models=_split(row["models"]),
        endpoints=_split(row["endpoints"]),
        budgets=tuple(KeyBudget(period, hard) for period, hard in budgets if hard is not None),
    )
    previous = None
    if row["previous_hash"] is not None and row["previous_until"] is not None:
        previous = KeySecret(row["previous_prefix"] or "", row["previous_hash"], row["previous_until"])
    return GatewayKey(
        id=row["id"],
        name=row["name"],
        secret=KeySecret(row["prefix"], row["hash"]),
        scopes=scopes,
        created_at=row["created_at"],
        previous=previous,
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


def _joined(names: tuple[str, ...] | None) -> str | None:
    return None if names is None else _SEPARATOR.join(names)


def _split(names: str | None) -> tuple[str, ...] | None:
    """Nothing between separators stands for no name at all, never for all names."""
    return None if names is None else tuple(names.split())
