"""The gateways that are compared: how each is started in front of an upstream, and spoken to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.gateway.upstream import MODEL

__all__ = ("BARE", "CANDIDATES", "OURS", "Candidate", "Setting", "Spec")

_PEERS = Path(__file__).parents[3] / ".venv" / "peers"
_KEY = "gsk_bench"


@dataclass(frozen=True)
class Setting:
    """Where a gateway is to run.

    Attributes:
        upstream: the upstream's address, without a path.
        port: where to listen, on loopback.
        home: a folder of its own.
    """

    upstream: str
    port: int
    home: Path


@dataclass(frozen=True)
class Spec:
    """How to start a gateway and talk to it.

    Attributes:
        command: runs it; none for the upstream by itself, which runs already.
        headers: what a request needs beside its body.
        environment: added to this process's own.
        path: of its chat completions.
    """

    command: list[str]
    headers: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    path: str = "/v1/chat/completions"


@dataclass(frozen=True)
class Candidate:
    """A gateway by name; ``prepare`` readies its folder and tells how to start it.

    ``prepare`` raises OSError or CalledProcessError where the program is not there, or not willing.
    """

    name: str
    prepare: Callable[[Setting], Spec]


def _bare(setting: Setting) -> Spec:
    return Spec([])


def _litellm(setting: Setting) -> Spec:
    """As its documentation tunes it for production, with neither database nor callbacks."""
    parameters = {
        "model": f"groq/{MODEL}",
        "api_key": _KEY,
        "api_base": f"{setting.upstream}/openai/v1",
    }
    config = {
        "model_list": [{"model_name": MODEL, "litellm_params": parameters}],
        "litellm_settings": {"set_verbose": False, "telemetry": False},
        "general_settings": {"master_key": "sk-bench"},
    }
    file = setting.home / "config.yaml"
    file.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    return Spec(
        [
            str(_PEERS / "bin" / "litellm"),
            *("--config", str(file), "--host", "127.0.0.1", "--port", str(setting.port)),
            *("--num_workers", "1", "--telemetry", "False"),
        ],
        {"Authorization": "Bearer sk-bench"},
        {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"},
    )


def _portkey(setting: Setting) -> Spec:
    """Told in each request where to go; loopback is among the hosts that it trusts unless told otherwise."""
    return Spec(
        [
            *("node", "--import", str(Path(__file__).with_name("portkey_streams.mjs"))),
            str(_PEERS / "node" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"),
            *(f"--port={setting.port}", "--headless"),
        ],
        {
            "Authorization": f"Bearer {_KEY}",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"{setting.upstream}/openai/v1",
        },
        {"NODE_ENV": "production"},
    )


def _tensorwall(setting: Setting) -> Spec:
    """As a user has it: with its key, its ledger and its limits."""
    program = str(Path(sys.executable).with_name("tensorwall"))
    environment = {
        "TENSORWALL_HOME": str(setting.home),
        "GROQ_API_URL": f"{setting.upstream}/openai/v1",
        "GROQ_API_KEY": _KEY,
        "OPENAI_API_KEY": "",
    }
    made = subprocess.run(
        [program, "keys", "create", "bench", "--quiet"],
        env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Spec(
        [program, "serve", "--port", str(setting.port)], {"X-API-Key": made.stdout.strip()}, environment
    )


BARE = Candidate("bare upstream", _bare)
OURS = Candidate("tensorwall", _tensorwall)
CANDIDATES = (BARE, OURS, Candidate("litellm", _litellm), Candidate("portkey", _portkey))
