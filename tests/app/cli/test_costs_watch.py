"""`tensorwall costs --watch`: shown again whenever something was spent."""

from __future__ import annotations

import io
import signal
import subprocess
from collections.abc import Callable
from decimal import Decimal

from tests.app.cli.booked import BIG, Ledger, exact
from tests.app.cli.conftest import OnTerminal, Run
from tests.simulated import Simulated


def test_watching_writes_a_line_of_json_at_every_change(
    tensorwall: Run, start: Callable[..., subprocess.Popen[bytes]], ledger: Ledger, simulator: Simulated
) -> None:
    simulator.configure(text="Yes.")
    process = start("costs", "--watch", "--format", "json", "--by", "model")
    assert process.stdout is not None
    with io.BufferedReader(process.stdout) as lines:  # type: ignore[type-var]
        before = exact(lines.readline().decode())
        assert before["totals"]["cost_usd"] == ledger.totals.cost
        cost = Decimal(str(tensorwall("chat", "hi", "-m", BIG, "--output", "json").json["cost_usd"]))
        while (after := exact(lines.readline().decode()))["totals"]["turns"] == before["totals"]["turns"]:
            continue
        assert after["totals"]["cost_usd"] >= before["totals"]["cost_usd"] + cost
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


def test_watching_on_a_terminal_draws_in_place_and_leaves_what_was_seen(
    on_terminal: Callable[..., OnTerminal], ledger: Ledger
) -> None:
    terminal = on_terminal("costs", "--watch", columns=80)
    terminal.expect("in all")
    terminal.expect_bytes(b"\x1b[?1049h")
    terminal.send("\x03")
    assert terminal.wait() == 130
    last = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "in all" in last
