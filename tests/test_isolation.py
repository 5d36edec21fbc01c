"""What ``conftest.py`` keeps every test from."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


def test_the_users_files_and_keys_are_out_of_reach(tmp_path: Path) -> None:
    assert Path(os.environ["TENSORWALL_HOME"]).is_relative_to(tmp_path)
    assert os.environ["PYTHON_KEYRING_BACKEND"] == "keyring.backends.null.Keyring"
    assert not {"GROQ_API_KEY", "OPENAI_API_KEY", "HTTPS_PROXY", "https_proxy"} & set(os.environ)


def test_names_beyond_this_machine_are_not_found() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("api.groq.com", 443), timeout=1)


def test_addresses_beyond_this_machine_fail_the_test() -> None:
    with socket.socket() as sock, pytest.raises(pytest.fail.Exception, match="tried to reach"):
        sock.connect(("192.0.2.1", 443))


def test_this_machine_is_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
