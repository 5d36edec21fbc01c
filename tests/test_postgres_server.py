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


def test_each_database_is_new_and_gone_afterwards(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url, psycopg.connect(url) as connection:
        connection.execute("INSERT INTO sessions VALUES ('s', 't', 'words', NULL, NULL, NULL, 0, 0)")
    with postgres_server.database() as another, psycopg.connect(another) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
