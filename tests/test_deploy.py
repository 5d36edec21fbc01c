"""The files in ``deploy`` start what there is, with options that there are."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from app.cli.serve import serve

ROOT = Path(__file__).parents[1]
COMPOSE, UNIT = ROOT / "deploy" / "compose.yaml", ROOT / "deploy" / "tensorwall.service"


def options_of(command: list[str]) -> dict[str, object]:
    assert command.pop(0) == "serve"
    return serve.make_context("serve", command).params


def test_compose_starts_the_gateway_once_its_database_answers():
    compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    gateway, database = compose["services"]["gateway"], compose["services"]["database"]
    options = options_of(list(gateway["command"]))
    assert options["workers"] == 2
    assert options["host"] == "0.0.0.0"
    assert all(port.startswith("127.0.0.1:") for port in gateway["ports"])
    assert gateway["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "healthcheck" in database
    for source in re.findall(r"^COPY (.+) \S+$", gateway["build"]["dockerfile_inline"], re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split())
    named = {volume.partition(":")[0] for service in (gateway, database) for volume in service["volumes"]}
    assert named == compose["volumes"].keys()


def test_the_unit_starts_the_gateway():
    (line,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    program, *command = shlex.split(line)
    assert Path(program).name == "tensorwall"
    assert options_of(command)["host"] == "127.0.0.1"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_understands_the_unit(tmp_path):
    here = tmp_path / UNIT.name  # a program and a user that are there, or else it complains about those
    text = UNIT.read_text(encoding="utf-8").replace("/opt/tensorwall/bin/tensorwall", "/bin/true")
    here.write_text(text.replace("User=tensorwall", "User=root"), encoding="utf-8")
    run = subprocess.run(
        ["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False, timeout=30
    )
    assert (run.returncode, run.stderr) == (0, "")
