"""A private PostgreSQL server: a cluster in a temporary folder, reached by its socket and on loopback.

It is for tests alone, so it does not care whether the disk has what it was told. Whoever connects by the
socket is let in; on loopback there is a password (`PASSWORD`), as on a server that others share.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from tests.postgres_copies import Copies

__all__ = ("PASSWORD", "PostgresServer", "what_is_missing_for_postgresql")

USER = "tensorwall"
PASSWORD = "open sesame / 100%"
_TEMPLATE = "migrated"
_PATIENCE = 30.0
_ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # it would keep the template from being copied
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "40",
    "shared_buffers": "16MB",
    "listen_addresses": "127.0.0.1",
}


def what_is_missing_for_postgresql() -> str:
    """Why there is no PostgreSQL server on this machine; empty where there is."""
    if sys.platform != "linux":
        return "the server ends with its worker by means of Linux"
    missing = []
    if not shutil.which("setpriv"):
        missing.append("util-linux")
    if _program("initdb") is None or _user() is None:
        missing.append("postgresql")
    if find_spec("psycopg") is None:
        missing.append("tensorwall[postgres]")
    return f"not installed: {' '.join(missing)}" if missing else ""


class PostgresServer:
    """A cluster of one's own and its server.

    Args:
        directory: for its files, and its socket.
        settings: other than those of the tests.

    Attributes:
        port: on 127.0.0.1, and in the name of the socket.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        self._settings = {**_SETTINGS, **(settings or {})}
        self._data = directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._copies: Copies | None = None
        self._numbers = count(1)
        self.port = _free_port()

    def start(self) -> None:
        """Start the server and wait until it answers; a new one gets a cluster and a template first.

        It ends with the thread that started it, even by SIGKILL: so that is the main thread.
        """
        assert threading.current_thread() is threading.main_thread()
        new = not self._data.exists()
        if new:
            self._make_cluster()
        settings = {**self._settings, "port": self.port, "unix_socket_directories": self._directory}
        # SIGQUIT ends it at once, without putting anything in order.
        command = ["setpriv", "--pdeathsig", "QUIT", str(_program("postgres")), "-D", str(self._data)]
        command += [f"--{name}={value}" for name, value in settings.items()]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_user() or {},
            )
        self._wait_until_it_answers()
        if new:
            self._make_template()

    def kill(self) -> None:
        """End it as a crash would; `start` brings it back with what was stored."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=_PATIENCE)
            self._process = None

    def url(self, database: str) -> str:
        """Of a database, by the socket."""
        return f"postgresql://{USER}@/{database}?host={self._directory}&port={self.port}"

    @contextmanager
    def database(self, template: str = _TEMPLATE) -> Iterator[str]:
        """A database with our tables and without a row, for as long as the context lasts; its URL.

        Args:
            template: ``template1`` for a new one without tables.
        """
        name = f"test_{next(self._numbers)}"
        if template == _TEMPLATE:
            assert self._copies is not None
            name = self._copies.take(name)
            try:
                yield self.url(name)
            finally:
                self._copies.give_back(name)
            return
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Do something on the server as its owner, outside of any transaction."""
        with self._connect(database) as connection:
            connection.execute(statement.encode())

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        import psycopg

        return psycopg.connect(self.url(database), autocommit=True)

    def _make_cluster(self) -> None:
        if owner := _user():
            shutil.chown(self._directory, owner["user"], owner["group"])
        options = f"--username={USER} --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync"
        done = subprocess.run(
            [str(_program("initdb")), *options.split(), str(self._data)],
            capture_output=True, text=True, check=False, timeout=_PATIENCE, **owner or {},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (self._data / "pg_hba.conf").write_text(_ACCESS)

    def _make_template(self) -> None:
        from core.storage.store import Store
        from tests.postgres_copies import Copies

        self.execute(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
        self.execute(f"CREATE DATABASE {_TEMPLATE}")
        Store(self.url(_TEMPLATE)).close()
        self._copies = Copies(_TEMPLATE, self._connect)

    def _wait_until_it_answers(self) -> None:
        import psycopg

        assert self._process is not None
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError:
                time.sleep(0.02)  # nothing tells when it will
            else:
                return
        log = (self._directory / "log").read_text(errors="replace")
        raise AssertionError(f"the PostgreSQL server did not start:\n{log[-2000:]}")


def _user() -> dict[str, Any] | None:
    """Whom to run the server as: it refuses root, for whom the user of Debian's package stands in."""
    import pwd  # Unix has it

    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        return None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _program(name: str) -> Path | None:
    """On the path, or where Debian keeps those of each version: the newest."""
    if found := shutil.which(name):
        return Path(found)
    installed = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return max(installed, key=lambda path: float(path.parts[-3]), default=None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
