"""models, login, logout, doctor, simulate and completion, each as a process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest

from tests.app.cli.conftest import PATIENCE, ROOT, OnTerminal, Run
from tests.simulated import Simulated

Open = Callable[..., OnTerminal]


def test_models_for_people_and_for_programs(tensorwall: Run) -> None:
    rows = {row["id"]: row for row in tensorwall("models", "--format", "json").json}
    old = rows["llama-3.3-70b-versatile"]
    assert (old["input_usd_per_million"], old["output_usd_per_million"]) == (0.59, 0.79)
    assert old["replacement"] == "openai/gpt-oss-120b"
    assert rows["gemma2-9b-it"]["state"] == "retired"
    table = tensorwall("models", "--provider", "groq").out
    (line,) = [line for line in table.splitlines() if " llama-3.1-70b-versatile " in line]
    assert line.split() == [
        "groq", "llama-3.1-70b-versatile", "retired", "131,072", "8,000", "0.59", "0.79",
        "openai/gpt-oss-120b",
    ]  # fmt: skip
    assert "gpt-5" not in table


def test_refreshing_models_asks_the_providers_and_keeps_the_answer(
    tensorwall: Run, simulator: Simulated
) -> None:
    simulator.configure(models=["acme/brand-new"])
    ran = tensorwall("models", "--refresh", "--provider", "groq", "--format", "json")
    assert ran.status == 0, ran.err
    assert "acme/brand-new" in {row["id"] for row in ran.json}
    offline = tensorwall("models", "--format", "json", env={"GROQ_API_URL": "http://127.0.0.1:9/v1"})
    assert "acme/brand-new" in {row["id"] for row in offline.json}


def test_a_failed_refresh_is_said_and_the_offline_copy_is_shown(tensorwall: Run) -> None:
    ran = tensorwall("models", "--refresh", "--format", "json", env={"GROQ_API_URL": "http://127.0.0.1:9/v1"})
    assert ran.status == 1
    assert "Groq: " in ran.err
    assert ran.json
    assert tensorwall("models", "--refresh", "--provider", "nobody").status == 2


def test_login_checks_stores_and_logout_forgets(tensorwall: Run, simulator: Simulated) -> None:
    no_key = {"GROQ_API_KEY": None}
    wrong = tensorwall("login", stdin="gsk_wrongwrongwrong\n", env=no_key)
    assert wrong.status == 4
    assert "gsk_wrong" not in wrong.err
    stored = tensorwall("login", stdin=f"export GROQ_API_KEY='{simulator.api_key}'\n", env=no_key)
    assert stored.status == 0, stored.err
    assert "The key works" in stored.err
    assert "readable by you alone" in stored.err
    assert simulator.api_key not in stored.err
    assert tensorwall("chat", "hi", env=no_key).status == 0
    assert "Removed from" in tensorwall("logout", env=no_key).err
    assert tensorwall("chat", "hi", env=no_key).status == 4


def test_login_does_not_show_the_key(on_terminal: Open, simulator: Simulated) -> None:
    terminal = on_terminal("login", env={"GROQ_API_KEY": None})
    terminal.expect("API key of Groq: ")
    terminal.send(f"{simulator.api_key}\n")
    terminal.expect("The key works")
    assert terminal.wait() == 0
    assert simulator.api_key not in terminal.seen


def test_doctor_when_all_is_well(tensorwall: Run) -> None:
    ran = tensorwall("doctor", "--format", "json", env={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
    found = {row["name"]: row for row in ran.json}
    assert ran.status == 0, ran.out
    assert found["groq"]["state"] == "ok"
    assert "the environment variable GROQ_API_KEY" in found["groq"]["finding"]
    assert found["database"]["state"] == found["settings"]["state"] == "ok"
    assert found["openai"]["state"] == "note"


@pytest.mark.parametrize(
    ("env", "part"),
    [
        ({"GROQ_API_KEY": None}, "groq"),
        ({"GROQ_API_KEY": "gsk_wrongwrongwrong"}, "groq"),
        ({"GROQ_API_URL": "http://127.0.0.1:9/v1"}, "groq"),
        ({"GROQ_API_URL": "groq.com"}, "groq"),
        ({"TENSORWALL_DATABASE_URL": "oracle://host/db"}, "database"),
        ({"TENSORWALL_DATABASE_URL": "sqlite:////proc/none/x.db"}, "database"),
    ],
)
def test_doctor_names_what_is_broken_and_the_mend(
    tensorwall: Run, env: dict[str, str | None], part: str
) -> None:
    ran = tensorwall("doctor", "--format", "json", env=env)
    assert ran.status == 1
    found = {row["name"]: row for row in ran.json}
    assert found[part]["state"] == "broken"
    assert found[part]["mend"]


def test_doctor_with_a_broken_config_goes_on(tensorwall: Run) -> None:
    assert tensorwall("config", "init").status == 0
    file = tensorwall("config", "path").out.strip()
    with open(file, "a") as config:  # noqa: PTH123
        config.write("\n[chat]\nmodle = 'x'\n")
    ran = tensorwall("doctor")
    assert ran.status == 1
    assert "BROKEN  settings" in ran.out
    assert "terminal" in ran.out


def test_doctor_asks_the_terminal(on_terminal: Open) -> None:
    terminal = on_terminal("doctor", columns=100, rows=30, env={"COLORTERM": "truecolor", "TMUX": None})
    terminal.expect_bytes(b"\x1b[>2u\x1b[?u\x1b[<u\x1b[c")
    terminal.send("\x1b[?2u\x1b[?62;22c")  # as kitty answers
    terminal.expect(r"size +100 columns, 30 rows")
    terminal.expect(r"colours +true colour")
    terminal.expect(r"keys +key releases are reported")
    terminal.expect(r"clipboard +")
    assert terminal.wait() == 0


def test_doctor_on_a_silent_terminal_does_not_wait(on_terminal: Open) -> None:
    terminal = on_terminal("doctor", columns=60, env={"TERM": "dumb", "TMUX": None, "STY": None})
    terminal.expect(r"note +size +60 columns, 24 rows\n +-> Make the window at least 80 by 24\.")
    terminal.expect(r"note +colours +none: TERM is dumb")
    terminal.expect(r"note +keys +the terminal does not answer queries")
    assert terminal.wait() == 0


def test_simulate_serves_until_ctrl_c(on_terminal: Open) -> None:
    terminal = on_terminal("simulate")
    base_url = terminal.expect(r"http://127\.0\.0\.1:\d+/openai/v1\n").split()[-1]
    with httpx.Client(trust_env=False) as client:
        answer = client.get(f"{base_url}/models", headers={"Authorization": "Bearer gsk_demo"})
    assert answer.status_code == 200
    terminal.send("\x03")
    assert terminal.wait() in (0, 130)


def complete(words: str) -> list[str]:
    """What bash is told to offer for the last of these words."""
    parts = words.split(" ")
    done = subprocess.run(
        [sys.executable, "-m", "app.cli"],
        env={
            **os.environ,
            "_TENSORWALL_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(parts) - 1),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_completion_offers_commands_models_sessions_and_settings(tensorwall: Run) -> None:
    session = tensorwall("chat", "hi", "--output", "json").json["session_id"]
    assert complete("tensorwall se") == ["sessions", "serve"]
    assert "openai/gpt-oss-120b" in complete("tensorwall chat -m openai/")
    assert complete("tensorwall chat --session ") == [session]
    assert complete("tensorwall sessions show " + session[:3]) == [session]
    assert "chat.model" in complete("tensorwall config set chat.m")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_valid(tensorwall: Run, shell: str) -> None:
    ran = tensorwall("completion", shell)
    assert ran.status == 0
    assert "_TENSORWALL_COMPLETE" in ran.out
    if path := shutil.which(shell):
        checked = subprocess.run([path, "-n"], input=ran.out, text=True, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr
