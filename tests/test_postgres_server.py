"""The tests' own PostgreSQL server ends with whoever started it, and leaves nothing of a test to the next."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.postgres_server import PostgresServer

_STARTER = """
import sys
from pathlib import Path
from tests.postgres_server import PostgresServer
server = PostgresServer(Path(sys.argv[1]))
server.start()
print(server._process.pid, flush=True)
sys.stdin.readline()
"""


@pytest.mark.usefixtures("postgres_server")  # skipped where there can be none
def test_it_ends_with_a_worker_that_is_killed() -> None:
    with tempfile.TemporaryDirectory(prefix="tw-postgres-") as directory:
        command = [sys.executable, "-c", _STARTER, directory]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=Path(__file__).parents[1], stdin=pipe, stdout=pipe) as starter:
            assert starter.stdout is not None
            server = os.pidfd_open(int(starter.stdout.readline()))
            starter.kill()
        ended, _, _ = select.select([server], [], [], 30)
        os.close(server)
        assert ended


def test_each_database_is_as_new(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url, psycopg.connect(url) as connection:
        connection.execute("INSERT INTO sessions VALUES ('s', 't', 'words', NULL, NULL, NULL, 0, 0)")
        connection.execute("UPDATE gateway_key_version SET version = 7")
    with postgres_server.database() as another, psycopg.connect(another) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
        assert connection.execute("SELECT version FROM gateway_key_version").fetchone() == (0,)
        assert connection.execute("SHOW session_replication_role").fetchone() == ("origin",)


def test_whoever_still_uses_a_database_loses_it(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        left = psycopg.connect(url, autocommit=True)
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    left.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE calls DROP COLUMN role",
        "ALTER TABLE calls ADD COLUMN of_another text",
        "ALTER TABLE sessions DISABLE TRIGGER ALL",
        "CREATE TABLE of_another (id text)",
        "DROP INDEX {index}",
        "DROP FUNCTION {function} CASCADE",
        "ALTER DATABASE {database} SET timezone = 'Asia/Kolkata'",
    ],
)
def test_a_database_that_was_changed_is_given_to_nobody_else(
    postgres_server: PostgresServer, change: str
) -> None:
    with postgres_server.database() as url, psycopg.connect(url) as connection:

        def first(query: str) -> str:
            ((name,), *_) = connection.execute(query.encode()).fetchall()
            return str(name)

        statement = change.format(
            database=first("SELECT current_database()"),
            function=first("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"),
            index=first("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix%'"),
        )
        connection.execute(statement.encode())
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
