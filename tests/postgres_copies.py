"""Databases that are as a template is, given out again and again.

PostgreSQL takes a fifth of a second of the processor's time to copy one, a test often less. So one that a
test has left as it was but for its rows gets the template's rows back; any other goes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from psycopg import OperationalError, sql

if TYPE_CHECKING:
    import psycopg

__all__ = ("Connect", "Copies")

Connect = Callable[[str], "psycopg.Connection[Any]"]
"""Connects to a database of this name as the owner of the server, outside of any transaction."""

_GROWTH = 4 * 1024 * 1024
"""Bytes that dead rows may take before a database is rather copied anew."""
_DEPARTURE = 5_000
"""Milliseconds that whoever still uses a database has to leave it."""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_OTHERS_LEAVE = f"""
SELECT bool_and(pg_terminate_backend(pid, {_DEPARTURE})) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SHAPE = """
SELECT concat(relname, relkind, relowner, attname, atttypid, attnotnull, atthasdef) FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT concat(tgname, tgenabled, md5(pg_get_triggerdef(oid))) FROM pg_trigger
UNION ALL SELECT concat(proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT concat(conname, convalidated, md5(pg_get_constraintdef(oid))) FROM pg_constraint
UNION ALL SELECT concat('schema ', nspname) FROM pg_namespace WHERE nspname NOT LIKE 'pg_%'
UNION ALL SELECT concat('setting ', setconfig) FROM pg_db_role_setting
UNION ALL SELECT concat('sequence ', sequencename) FROM pg_sequences
ORDER BY 1
"""


class Copies:
    """Copies of one database.

    Args:
        template: its name; nobody is connected to it, and nobody changes it.
        connect: to any database of the server.
    """

    def __init__(self, template: str, connect: Connect) -> None:
        self._template = template
        self._connect = connect
        self._free: list[str] = []
        with connect(template) as connection:
            self._shape = connection.execute(_SHAPE).fetchall()
            self._size = _size(connection)
            self._rows = {
                table: _rows(connection, table) for (table,) in connection.execute(_TABLES).fetchall()
            }

    def take(self, new_name: str) -> str:
        """A copy that nobody uses; ``new_name`` is its name if it has to be made."""
        if self._free:
            return self._free.pop()
        with self._connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {new_name} TEMPLATE {self._template}".encode())
        return new_name

    def give_back(self, name: str) -> None:
        """End the use of a copy, whoever still uses it."""
        # An error where nobody may connect to it any more.
        with contextlib.suppress(OperationalError), self._connect(name) as connection:
            if self._is_whole(connection):
                self._put_rows_back(connection)
                self._free.append(name)
                return
        with self._connect("postgres") as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _is_whole(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether nobody else is connected any more, and only rows differ from the template's."""
        (all_gone,) = connection.execute(_OTHERS_LEAVE.encode()).fetchone() or (False,)
        grown = _size(connection) - self._size
        return (
            all_gone is not False and grown < _GROWTH and connection.execute(_SHAPE).fetchall() == self._shape
        )

    def _put_rows_back(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute("SET session_replication_role = replica")  # no trigger and no key holds them
        with connection.transaction():
            for table, rows in self._rows.items():
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                for row in rows:
                    values = sql.SQL(", ").join(map(sql.Literal, row))
                    connection.execute(
                        sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(table), values)
                    )


def _size(connection: psycopg.Connection[Any]) -> int:
    ((size,),) = connection.execute("SELECT pg_database_size(current_database())").fetchall()
    return int(size)


def _rows(connection: psycopg.Connection[Any], table: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
