"""What the README prints works as it is printed, but for the port and the keys."""

from __future__ import annotations

import json
import re
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.app.gateway.conftest import HELLO, Gateway
from tests.simulated import Simulated

README = (Path(__file__).parents[4] / "README.md").read_text(encoding="utf-8")


def as_here(printed: str, served: Gateway) -> str:
    port = served.root.rpartition(":")[2]
    mine = {":8000": f":{port}", "gw_...": served.running.key, "gsk_...": served.simulator.api_key}
    for example, real in mine.items():
        printed = printed.replace(example, real)
    return printed


def test_the_curl_line(served: Gateway) -> None:
    (printed,) = re.findall(r"^\$ (curl (?:.*\\\n)*.*)$", README, re.MULTILINE)
    command = ["bash", "-c", as_here(printed, served)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    answer = json.loads(ran.stdout)
    assert answer["choices"][0]["message"]["role"] == "assistant", answer
    assert served.simulator.questions()[-1]["status"] == 200


@pytest.mark.parametrize(("package", "name"), [("openai", "OpenAI"), ("groq", "Groq")])
def test_the_lines_of_clients(served: Gateway, own_account: Simulated, package: str, name: str) -> None:
    (printed,) = re.findall(rf"^{name}\(.*\)", README, re.MULTILINE)
    make: Any = getattr(import_module(package), name)
    with eval(as_here(printed, served), {name: make}) as client:
        answer = client.chat.completions.create(model="llama-70b", messages=HELLO)
    assert answer.choices[0].message.content
    assert own_account.questions()
