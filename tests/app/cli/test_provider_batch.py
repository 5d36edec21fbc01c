"""`tensorwall batch --provider-batch` as a process: handed over once, collected once, at half the price."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.app.cli.conftest import PATIENCE, Run
from tests.app.cli.test_batch import MODEL, by_id, line, read_until, rows, text
from tests.simulated import Simulated

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str) -> Path:
        path = tmp_path / "in.jsonl"
        path.write_text("".join(f"{entry}\n" for entry in lines))
        return path

    return write


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def state(out: Path) -> Path:
    return out.with_name("out.jsonl.batch.json")


def sent(simulator: Simulated, method: str, path: str) -> list[dict[str, Any]]:
    return [row for row in simulator.requests() if row["method"] == method and row["path"].endswith(path)]


def test_answers_are_collected_and_booked_at_half_the_price(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="")
    path = source(line("a"), line("b", temperature=9), line("c", model="gpt-oss-20b"))
    ran = tensorwall("batch", str(path), "-o", str(out), "--provider-batch")
    assert ran.status == 1, ran.err
    found = by_id(out)
    assert text(found["a"]) == text(found["c"]) == "Well met."
    assert found["c"]["response"]["body"]["model"] == MODEL
    assert found["b"]["response"]["status_code"] == 400
    assert "2 answered · 1 failed" in ran.err
    assert not state(out).exists()
    assert simulator.questions() == []
    usage = found["a"]["response"]["body"]["usage"]
    single = Decimal(usage["prompt_tokens"]) * Decimal("0.075") + usage["completion_tokens"] * Decimal("0.3")
    costs = tensorwall("costs", "--by", "feature", "--format", "json").json["rows"]
    (row,) = [row for row in costs if row["feature"] == "batch"]
    assert row["calls"] == 3
    assert Decimal(str(row["cost_usd"])) == 2 * single / 2 / 1_000_000
    assert row["estimated_calls"] == row["unknown_price_calls"] == 0


def test_a_run_that_ends_while_it_waits_hands_nothing_over_twice(
    tensorwall: Run, start: Start, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", batch_seconds=1_000)
    path = source(*(line(f"n{n}") for n in range(5)))
    process = start("batch", str(path), "-o", str(out), "--provider-batch")
    read_until(process, b"has it as batch_")
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=PATIENCE)
    process = start("batch", str(path), "-o", str(out), "--provider-batch")
    read_until(process, b"in progress")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"the same command collects it" in err
    simulator.advance(1_001)
    ran = tensorwall("batch", str(path), "-o", str(out), "--provider-batch")
    assert ran.status == 0, ran.err
    assert by_id(out).keys() == {f"n{n}" for n in range(5)}
    assert len(sent(simulator, "POST", "/batches")) == len(sent(simulator, "POST", "/files")) == 1
    again = tensorwall("batch", str(path), "-o", str(out), "--provider-batch")
    assert again.status == 0, again.err
    assert len(sent(simulator, "POST", "/batches")) == 1


def left_waiting(start: Start, path: Path, out: Path) -> None:
    """Hand lines over, and be killed while they are waited for."""
    process = start("batch", str(path), "-o", str(out), "--provider-batch")
    read_until(process, b"has it as batch_")
    process.kill()
    process.wait(timeout=PATIENCE)


@pytest.mark.parametrize("more", [(), ("--cancel",), ("-m", "llama-70b")])
def test_another_input_does_not_collect_what_was_handed_over(
    tensorwall: Run,
    start: Start,
    simulator: Simulated,
    source: Callable[..., Path],
    out: Path,
    more: tuple[str, ...],
) -> None:
    simulator.configure(text="Well met.", reasoning="", batch_seconds=1_000)
    path = source(*(line(f"n{n}") for n in range(6)))
    left_waiting(start, path, out)
    simulator.advance(1_001)
    other = path
    if "-m" not in more:
        other = path.with_name("other.jsonl")
        other.write_text("".join(f"{line(f'n{n}')}\n" for n in range(2)))
    ran = tensorwall("batch", str(other), "-o", str(out), "--provider-batch", *more)
    assert ran.status == 2, ran.err
    assert f"waits for a batch of another input, {path}" in ran.err
    assert str(state(out)) in ran.err.replace("\n", "")
    assert state(out).exists()
    assert tensorwall("batch", str(path), "-o", str(out), "--provider-batch").status == 0
    assert by_id(out).keys() == {f"n{n}" for n in range(6)}


def test_what_an_earlier_version_handed_over_is_collected_to_the_last_line(
    tensorwall: Run, start: Start, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", batch_seconds=1_000)
    left_waiting(start, source(*(line(f"n{n}") for n in range(6))), out)
    simulator.advance(1_001)
    known = json.loads(state(out).read_text())
    state(out).write_text(
        json.dumps({name: known[name] for name in ("provider", "input_file_id", "batch_id")})
    )
    ran = tensorwall("batch", str(source(line("n0"), line("n1"))), "-o", str(out), "--provider-batch")
    assert ran.status == 0, ran.err
    assert "2 answered" in ran.err
    assert by_id(out).keys() == {f"n{n}" for n in range(6)}
    (row,) = tensorwall("costs", "--by", "feature", "--format", "json").json["rows"]
    assert (row["feature"], row["calls"], row["unknown_price_calls"]) == ("batch", 6, 0)


def test_what_is_handed_over_is_not_asked_at_the_full_price(
    tensorwall: Run, start: Start, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", batch_seconds=1_000)
    path = source(line("a"))
    left_waiting(start, path, out)
    ran = tensorwall("batch", str(path), "-o", str(out))
    assert ran.status == 2, ran.err
    assert "waits for a batch at groq" in ran.err
    assert "--provider-batch collects it" in ran.err
    assert simulator.questions() == []


def test_a_batch_that_was_made_as_the_run_ended_is_found_again(
    tensorwall: Run, start: Start, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", batch_seconds=1_000)
    path = source(line("a"))
    process = start("batch", str(path), "-o", str(out), "--provider-batch")
    read_until(process, b"has it as batch_")
    process.kill()
    process.wait(timeout=PATIENCE)
    known = json.loads(state(out).read_text())
    state(out).write_text(json.dumps(known | {"batch_id": None}))
    simulator.advance(1_001)
    assert tensorwall("batch", str(path), "-o", str(out), "--provider-batch").status == 0
    assert len(sent(simulator, "POST", "/batches")) == 1
    assert len(rows(out)) == 1


def test_a_cancelled_batch_keeps_what_was_done_and_the_rest_is_handed_over_anew(
    tensorwall: Run, start: Start, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", batch_seconds=1_000)
    path = source(*(line(f"n{n}") for n in range(4)))
    command = ("batch", str(path), "-o", str(out), "--provider-batch")
    assert tensorwall(*command, "--cancel").status == 1
    process = start(*command)
    read_until(process, b"has it as batch_")
    process.kill()
    process.wait(timeout=PATIENCE)
    simulator.advance(500)
    ran = tensorwall(*command, "--cancel")
    assert ran.status == 1, ran.err
    assert "2 lines unanswered" in ran.err
    assert by_id(out).keys() == {"n0", "n1"}
    simulator.configure(text="Well met.", reasoning="")
    assert tensorwall(*command).status == 0
    assert by_id(out).keys() == {"n0", "n1", "n2", "n3"}


def test_what_expired_has_its_error_and_can_be_asked_again(
    tensorwall: Run, start: Start, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", batch_seconds=2 * 86_400)
    path = source(line("a"), line("b"))
    process = start("batch", str(path), "-o", str(out), "--provider-batch")
    read_until(process, b"has it as batch_")
    process.kill()
    process.wait(timeout=PATIENCE)
    simulator.advance(86_500)
    assert tensorwall("batch", str(path), "-o", str(out), "--provider-batch").status == 1
    assert by_id(out)["b"]["error"]["code"] == "batch_expired"
    assert tensorwall("batch", str(path), "-o", str(out), "--retry-failed").status == 0
    assert text(by_id(out)["b"]) == "Well met."


def test_a_budget_is_asked_before_anything_is_handed_over(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    assert tensorwall("config", "set", "budgets.month.hard", "0.0001").status == 0
    path = source(*(line(f"n{n}") for n in range(5)))
    ran = tensorwall("batch", str(path), "-o", str(out), "--provider-batch")
    assert ran.status == 3, ran.err
    assert simulator.requests() == []


def test_a_plan_without_batches_is_told(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    message = "Batch processing is not available on your plan."
    simulator.fail("forbidden", path="batches", code="not_available_for_plan", message=message)
    ran = tensorwall("batch", str(source(line("a"))), "-o", str(out), "--provider-batch")
    assert ran.status == 1
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_a_dry_run_tells_half_the_price(tensorwall: Run, source: Callable[..., Path]) -> None:
    path = source(line("a"), line("b"))
    whole, half = (
        Decimal(tensorwall("batch", str(path), "--dry-run", *more).out.split()[-1].lstrip("$"))
        for more in ((), ("--provider-batch",))
    )
    assert half == pytest.approx(whole / 2, rel=Decimal("0.1"))
