"""What the gateway's keys are called, revoked ones too; on the storage worker."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, select

from core.storage.tables import gateway_keys

__all__ = ("key_names",)


def key_names(connection: Connection) -> dict[str, str]:
    """The name of every key there ever was, by its id; where several share one, their ids tell them apart."""
    names = dict([*connection.execute(select(gateway_keys.c.id, gateway_keys.c.name))])
    times = Counter(names.values())
    return {id_: f"{name} ({id_})" if times[name] > 1 else name for id_, name in names.items()}
