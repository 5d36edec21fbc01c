"""Which revision the tables are at, and how to bring them to ours.

The migrations are Alembic's; it takes long to import, so it is, only when there is something to do.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect

from core.errors import DatabaseTooNew
from core.storage.failures import foreign

__all__ = ("HEAD", "MIGRATIONS", "REVISIONS", "migrate", "stored_revision")

MIGRATIONS = Path(__file__).parent / "migrations"
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""Every revision in ``migrations/versions``, oldest first (a test keeps this true)."""
HEAD = REVISIONS[-1]
_VERSION_TABLE = "alembic_version"
_STORED_REVISION = "SELECT version_num FROM alembic_version"


def stored_revision(connection: Connection, place: str) -> str | None:
    """The revision a database is at, or ``None`` for an empty one.

    Raises:
        DatabaseTooNew: a revision that this TensorWall does not know.
        DatabaseDamaged: tables that are not TensorWall's.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if _VERSION_TABLE not in tables:
        raise foreign(place)
    revision = connection.exec_driver_sql(_STORED_REVISION).scalar()
    if revision not in REVISIONS:
        raise DatabaseTooNew(
            f"The database {place} was written by a newer TensorWall (revision {revision}).",
            hint="Nothing was changed. Update TensorWall, or give this one another database with "
            "TENSORWALL_HOME or TENSORWALL_DATABASE_URL.",
        )
    return str(revision)


def migrate(connection: Connection, place: str) -> None:
    """Bring the tables to ``HEAD``, within the caller's transaction.

    That transaction holds the write lock, so that of two processes that start at once the second
    waits and then finds nothing left to do.
    """
    if stored_revision(connection, place) == HEAD:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
