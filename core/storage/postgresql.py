"""A database on a PostgreSQL server, which several machines may share."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event, func, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import NullPool

from core.errors import ConfigurationError
from core.storage.presence import Presence, ServerPresence

__all__ = ("Postgresql",)

_DRIVER = "postgresql+psycopg"
_NAMES = frozenset({"postgresql", "postgres", _DRIVER})
_SECRETS = ("password", "sslpassword", "oauth_client_secret")
"""What a URL may tell after its question mark and nobody should see."""
_MIGRATION = 0x7E5_0B0D7
"""The advisory lock under which the tables are migrated."""
_MIGRATION_TIMEOUT = "60s"
_LIBPQ: dict[str, int | str] = {
    "connect_timeout": 10,
    "fallback_application_name": "tensorwall",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A network that died is noticed within a minute, unless the URL says otherwise.

See https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""
_SESSION = {
    "lock_timeout": "5s",  # to wait for another process's write
    "jit": "off",  # takes longer than any of our questions
    "work_mem": "64MB",  # at most, that a big ledger is summed up and sorted in
    # The server's side of the same: what a machine held that vanished is free soon.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


class Postgresql:
    """What differs on PostgreSQL; see ``core.storage.store.Backend``.

    Args:
        url: of a database that is there; its tables need not be.

    Raises:
        ConfigurationError: the URL cannot be used, or the driver is not installed.
    """

    def __init__(self, url: URL) -> None:
        if url.drivername not in _NAMES:
            raise ConfigurationError(
                f"PostgreSQL is reached with psycopg, not with {url.drivername}.",
                key="TENSORWALL_DATABASE_URL",
                hint="Let the URL begin with postgresql://.",
            )
        if "@" in (url.host or ""):
            raise ConfigurationError(
                "The database URL has an @ too many.",
                key="TENSORWALL_DATABASE_URL",
                hint="Write it as %40 within the user or the password, / as %2F and : as %3A.",
            )
        self.file: Path | None = None
        self.place = url.difference_update_query(_SECRETS).render_as_string(hide_password=True)
        asked = {name: value for name, value in _LIBPQ.items() if name not in url.query}
        try:
            self.engine = create_engine(url.set(drivername=_DRIVER), poolclass=NullPool, connect_args=asked)
        except ImportError as error:
            raise ConfigurationError(
                "PostgreSQL's driver, psycopg, is not installed.",
                key="TENSORWALL_DATABASE_URL",
                hint="Install the postgres extra: pip install 'tensorwall[postgres]'",
            ) from error
        event.listen(self.engine, "connect", _configure)

    def prepare(self) -> None:
        """Whoever runs the server has made the database."""

    def begin_reading(self, connection: Connection) -> None:
        """All that is read in this transaction is of one moment."""
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def begin_writing(self, connection: Connection) -> None:
        """The driver begins."""

    def begin_migrating(self, connection: Connection) -> None:
        """One after the other, which the write lock sees to on SQLite."""
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_MIGRATION_TIMEOUT}'")
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION)))

    def join(self, connection: Connection) -> Presence:
        """Hold a lock on the server for as long as there is a connection to it."""
        return ServerPresence(connection)


def _configure(connected: DBAPIConnection, _: object) -> None:
    cursor = connected.cursor()
    for setting in _SESSION.items():
        cursor.execute("SELECT set_config(%s, %s, false)", setting)
    cursor.close()
    connected.commit()
