"""What each way of starting may import; checked in the process itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.app.cli.conftest import ROOT, environment
from tests.simulated import Simulated

_PROBE = """
import json, sys
sys.argv = ["tensorwall", *{arguments!r}]
from app.cli import main
try:
    main()
except SystemExit as ended:
    status = ended.code
sys.stderr.write("\\n" + json.dumps([status, sorted(sys.modules)]))
"""


def imported(*arguments: str, simulator: Simulated | None = None) -> set[str]:
    """The top-level modules that a run imports."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE.format(arguments=arguments)],
        cwd=ROOT,
        env=environment(simulator),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    assert status == 0, done.stderr
    return {name.partition(".")[0] for name in modules} | {
        name for name in modules if name.startswith("app.")
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("chat", "--help"),
        ("costs", "--help"),
        ("batch", "--help"),
        ("--version",),
        ("completion", "fish"),
    ],
)
def test_help_imports_next_to_nothing(arguments: tuple[str, ...]) -> None:
    heavy = {"textual", "rich", "pydantic", "httpx", "sqlalchemy", "genai_prices", "keyring", "asyncio"}
    assert imported(*arguments) & heavy == set()


def test_a_one_shot_answer_imports_no_interface(simulator: Simulated) -> None:
    never = {"textual", "genai_prices", "keyring", "starlette", "uvicorn", "tomlkit"}
    found = imported("chat", "hi", simulator=simulator)
    assert found & never == set()
    assert "app.tui.application" not in found


def test_a_request_leaves_before_storage_is_imported(simulator: Simulated) -> None:
    """Storage is imported by a thread of its own once the request is on its way."""
    simulator.configure(faults=[{"kind": "unauthorized"}])
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app.cli", "chat", "hi"],
        cwd=ROOT,
        env=environment(simulator),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    names = [
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    ]
    assert "httpx" in names
    assert "core.turn" in names
    if "sqlalchemy" in names:
        assert names.index("httpx") < names.index("sqlalchemy")
        assert names.index("app.composition") < names.index("sqlalchemy")


def test_simulate_imports_no_database(simulator: Simulated) -> None:
    found = imported("sessions", "list")
    assert found & {"textual", "rich", "httpx", "genai_prices", "uvicorn"} == set()
