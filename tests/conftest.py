"""For every test: nothing of the user's is touched, nothing beyond this machine is reached."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from core.offline.models import is_installed
from tests.chat_model import model_hub, smollm2
from tests.databases import NewDatabase, copied_tables, sqlite_database
from tests.postgres_server import PostgresServer, what_is_missing_for_postgresql
from tests.random_whisper import make_random_whisper
from tests.simulated import Simulated, simulator_process
from tests.sound_server import SoundServer, what_is_missing
from tests.voice_models import Clip, speech_clips, whisper_base

_VARIABLES = (
    "GROQ_API_KEY",
    "GROQ_API_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_ORGANIZATION",
    "OPENAI_PROJECT",
    "TENSORWALL_DATABASE_URL",
)
_POSTGRESQL = (
    "PGHOST",
    "PGPORT",
    "PGUSER",
    "PGPASSWORD",
    "PGDATABASE",
    "PGOPTIONS",
    "PGSERVICE",
    "PGPASSFILE",
)
_SOUND = ("PULSE_SINK", "PULSE_SOURCE", "PULSE_LATENCY_MSEC", "PULSE_CLIENTCONFIG")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

# How long an example takes says more of the machine than of what is tested.
hypothesis.settings.register_profile("timeless", deadline=None)
hypothesis.settings.load_profile("timeless")


@pytest.fixture(autouse=True)
def _isolated_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORWALL_HOME", str(tmp_path / "tensorwall"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # no weights come from afar either
    for name in (*_VARIABLES, *_POSTGRESQL, *_PROXIES, *(proxy.lower() for proxy in _PROXIES)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _copied_tables() -> Iterator[None]:
    """A folder whose tests are about how the tables come to be overrides this."""
    with copied_tables():
        yield


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded(real: Any) -> Any:
        def to_loopback(sock: socket.socket, address: Any) -> Any:
            if sock.family in {socket.AF_INET, socket.AF_INET6} and not _is_local(address[0]):
                pytest.fail(f"a test tried to reach {address}")
            return real(sock, address)

        return to_loopback

    def local_names(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is not None and not _is_local(host):
            raise socket.gaierror(
                socket.EAI_NONAME, f"Name or service not known: {host} (tests stay on this machine)"
            )
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", local_names)


def _is_local(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def _heeds_ctrl_c() -> None:
    """A shell that starts the tests in its background has them, and all they start, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_real_sound() -> Iterator[SoundServer]:
    with (
        tempfile.TemporaryDirectory(prefix="tw-sound-") as directory,  # a socket's path must be short
        pytest.MonkeyPatch.context() as environment,
    ):
        server = SoundServer(Path(directory))
        for name in _SOUND:
            environment.delenv(name, raising=False)
        for name, value in server.environment().items():
            environment.setenv(name, value)
        yield server
        server.stop()


@pytest.fixture
def sound(_no_real_sound: SoundServer) -> Iterator[SoundServer]:
    """A microphone and a speaker: this worker's own sound server, running."""
    if missing := what_is_missing():
        pytest.skip(f"no virtual sound: {missing}")
    if not _no_real_sound.running:
        _no_real_sound.start()
        if portaudio := sys.modules.get("sounddevice"):  # it listed the devices when there were none
            portaudio._terminate()
            portaudio._initialize()
    yield _no_real_sound
    _no_real_sound.hush()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """This worker's own PostgreSQL server, running."""
    if missing := what_is_missing_for_postgresql():
        pytest.skip(f"no PostgreSQL: {missing}")
    with tempfile.TemporaryDirectory(prefix="tw-postgres-") as directory:  # a socket's path must be short
        server = PostgresServer(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """Makes databases, first of the one kind, then of the other."""
    if request.param == "sqlite":
        return sqlite_database
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.database


@pytest.fixture
def location(new_database: NewDatabase) -> Iterator[str | Path]:
    """This test's own database, of each kind in turn, as ``open_database`` takes it."""
    with new_database() as location:
        yield location


@pytest.fixture(scope="session")
def whisper_weights() -> Path:
    """The folder of Whisper base with its real weights."""
    if (folder := whisper_base()) is None:
        pytest.skip("no real Whisper weights here: python -m tests.voice_models fetches them")
    return folder


@pytest.fixture(scope="session")
def speech() -> tuple[Clip, ...]:
    """Sentences read by people, and their words."""
    if not (clips := speech_clips()):
        pytest.skip("no recorded speech here: python -m tests.voice_models fetches it")
    return clips


@pytest.fixture(scope="session")
def chat_model() -> Path:
    """The file of a small chat model with its real weights."""
    if not is_installed():
        pytest.skip("the extra `offline` is not installed")
    if (file := smollm2()) is None:
        pytest.skip("no chat model here: python -m tests.chat_model fetches it")
    return file


@pytest.fixture
def hub(chat_model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server of that file, where the program takes it for the hub."""
    with model_hub(chat_model) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield address


@pytest.fixture(scope="session")
def random_whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Whisper model that loads and decodes as a real one does, and writes nonsense."""
    return make_random_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="session")
def simulator_url() -> Iterator[str]:
    """Base URL of a simulator process shared by the tests of this worker."""
    with simulator_process() as base_url:
        yield base_url


@pytest.fixture
def simulator(simulator_url: str) -> Iterator[Simulated]:
    """This test's own account at the simulator."""
    simulated = Simulated(simulator_url)
    yield simulated
    simulated.close()
