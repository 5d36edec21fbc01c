"""Statements that run with every call of a server, turned into a database's own language only once.

At each execution SQLAlchemy looks up a statement's compiled form, prepares each value by its type anew and
makes a result; that takes longer than SQLite takes to write the row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.sql.dml import UpdateBase

__all__ = ("ReadOften", "WrittenOften", "sqlite_driver")

_Convert = Callable[[Any], Any]


def sqlite_driver(connection: Connection) -> sqlite3.Connection | None:
    """The connection beneath, where that is SQLite's; its errors are told apart as SQLAlchemy's are."""
    driver = connection.connection.driver_connection
    return driver if isinstance(driver, sqlite3.Connection) else None


class ReadOften:
    """A question that takes no values and has one number for an answer.

    Attributes:
        sql: the question, as every database takes it.
    """

    def __init__(self, question: Select[Any]) -> None:
        self._question = question
        self.sql = str(question)

    def answer(self, connection: Connection) -> int:
        """Ask."""
        if driver := sqlite_driver(connection):
            return int(driver.execute(self.sql).fetchone()[0])
        answer: int = connection.execute(self._question).scalar_one()
        return answer


class WrittenOften:
    """An insert, update or delete whose rows all have the same values to fill in.

    Args:
        statement: with a name for each value; an insert takes the names of its columns from the rows.
    """

    def __init__(self, statement: UpdateBase) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it once for each row; nothing happens where there is none."""
        if not rows:
            return
        dialect, names = connection.dialect, tuple(rows[0])
        compiled = self._compiled.get((dialect.name, names))
        if compiled is None:
            compiled = self._compiled[dialect.name, names] = _compile(self._statement, dialect, names)
        parameters = [compiled.parameters(row) for row in rows]
        if driver := sqlite_driver(connection):
            driver.executemany(compiled.sql, parameters)
        else:
            connection.exec_driver_sql(compiled.sql, parameters)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in the language of one database, its values in the order or by the names it has there."""

    sql: str
    values: Sequence[tuple[str, _Convert | None]]
    in_order: bool

    def parameters(self, row: Mapping[str, Any]) -> list[Any] | dict[str, Any]:
        values = [convert(row[name]) if convert else row[name] for name, convert in self.values]
        return values if self.in_order else dict(zip([name for name, _ in self.values], values, strict=True))


def _compile(statement: UpdateBase, dialect: Dialect, names: Sequence[str]) -> _Compiled:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))
    converts = {
        name: value.type.dialect_impl(dialect).bind_processor(dialect)
        for name, value in compiled.binds.items()
    }
    order = compiled.positiontup if compiled.positional else converts
    return _Compiled(str(compiled), [(name, converts[name]) for name in order], bool(compiled.positional))
