"""`tensorwall batch` as a process: every line answered once, whatever happens on the way."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.cli.conftest import COMMAND, PATIENCE, ROOT, OnTerminal, Run, environment
from tests.simulated import Simulated

MODEL = "openai/gpt-oss-20b"
Start = Callable[..., "subprocess.Popen[bytes]"]


def line(custom_id: str, content: Any = "Say hello.", **fields: Any) -> str:
    body = {"model": MODEL, "messages": [{"role": "user", "content": content}], "max_tokens": 200, **fields}
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body})


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, count: int = 0) -> Path:
        path = tmp_path / "in.jsonl"
        path.write_text("".join(f"{entry}\n" for entry in (*lines, *(line(f"n{n}") for n in range(count)))))
        return path

    return write


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(entry) for entry in path.read_text().splitlines()]


def by_id(path: Path) -> dict[str, dict[str, Any]]:
    found = {row["custom_id"]: row for row in rows(path)}
    assert len(found) == len(rows(path)), "a line was answered twice"
    return found


def text(row: dict[str, Any]) -> str:
    answer: str = row["response"]["body"]["choices"][0]["message"]["content"]
    return answer


def statuses(simulator: Simulated) -> Counter[int | None]:
    return Counter(row["status"] for row in simulator.questions())


def test_every_line_is_answered_in_the_providers_own_words(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="")
    body = {"citation_options": "enabled", "seed": 7, "metadata": {"a": "b"}, "temperature": 0.5}
    ran = tensorwall(
        "batch", str(source(line("a", **body), line("b"), line("c", temperature=9))), "-o", str(out)
    )
    assert ran.status == 1, ran.err
    assert ran.out == ""
    found = by_id(out)
    assert text(found["a"]) == text(found["b"]) == "Well met."
    assert found["a"]["response"]["body"]["object"] == "chat.completion"
    assert found["a"]["response"]["body"]["x_groq"]["id"] == found["a"]["response"]["request_id"]
    assert found["a"]["error"] is None
    assert found["c"]["response"]["status_code"] == 400
    assert "temperature" in found["c"]["response"]["body"]["error"]["message"]
    assert "2 answered · 1 failed" in ran.err
    assert "--retry-failed" in ran.err
    sent = next(row["body"] for row in simulator.questions() if row["body"].get("seed") == 7)
    assert sent["max_completion_tokens"] == 200
    assert (sent["temperature"], sent["citation_options"]) == (0.5, "enabled")


def test_the_calls_are_in_the_ledger(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="")
    ran = tensorwall("batch", str(source(count=3)), "-o", str(out))
    assert ran.status == 0, ran.err
    (group,) = tensorwall("costs", "--by", "feature", "--format", "json").json["rows"]
    assert (group["feature"], group["calls"]) == ("batch", 3)
    usage = [row["response"]["body"]["usage"] for row in rows(out)]
    assert group["completion_tokens"] == sum(entry["completion_tokens"] for entry in usage)


def read_until(process: subprocess.Popen[bytes], words: bytes) -> None:
    """Read what it tells until it has told that, or ends."""
    assert process.stderr is not None
    while (told := process.stderr.readline()) and words not in told:
        pass


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_run_goes_on_where_it_was(
    start: Start, simulator: Simulated, source: Callable[..., Path], out: Path, tensorwall: Run, seed: int
) -> None:
    rng = random.Random(seed)
    count = 40
    waits = [rng.uniform(1, 60) for _ in range(17)]
    simulator.configure(text="Well met.", reasoning="", first_token_ms=waits)
    path = source(count=count)
    for _ in range(2):
        process = start("batch", str(path), "-o", str(out), "--concurrency", str(rng.choice([1, 4, 16])))
        for _ in range(rng.randrange(1, 4)):  # it tells of every tenth of the way
            read_until(process, b" of 40 ")
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=PATIENCE)
        if rng.random() < 0.7 and out.stat().st_size:  # as where the machine itself went down
            os.truncate(out, out.stat().st_size - rng.randrange(1, min(200, out.stat().st_size)))
    ran = tensorwall("batch", str(path), "-o", str(out))
    assert ran.status == 0, ran.err
    assert by_id(out).keys() == {f"n{n}" for n in range(count)}
    again = tensorwall("batch", str(path), "-o", str(out))
    assert again.status == 0
    assert f"{count} of {count} lines are in {out} already" in again.err
    assert f"{count} answered; nothing was left to ask" in again.err
    assert "tokens" not in again.err


@pytest.mark.parametrize(("signal_number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_has_come_is_kept_when_it_is_stopped_and_it_says_how_to_go_on(
    start: Start,
    simulator: Simulated,
    source: Callable[..., Path],
    out: Path,
    signal_number: signal.Signals,
    status: int,
) -> None:
    simulator.configure(text="Well met.", reasoning="", first_token_ms=[0, 0, 20_000])
    process = start("batch", str(source(count=9)), "-o", str(out), "--concurrency", "3")
    read_until(process, b"3 of 9 ")
    process.send_signal(signal_number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, err
    assert b"Traceback" not in err
    assert b"the same command goes on from there" in err
    assert len(by_id(out)) >= 3


def test_answers_to_other_questions_are_not_taken_for_these(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="")
    assert tensorwall("batch", str(source(line("a"), line("b"))), "-o", str(out)).status == 0
    ran = tensorwall("batch", str(source(line("a"), line("b", "Say goodbye."))), "-o", str(out))
    assert ran.status == 2, ran.err
    assert "answers to other questions" in ran.err
    assert len(simulator.questions()) == 2


def test_told_limits_are_never_passed(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", limits={"tokens_per_minute": 9_000})
    path = source(*(line(f"n{n}", max_tokens=2_500) for n in range(30)))
    ran = tensorwall("batch", str(path), "-o", str(out), "--concurrency", "16")
    assert ran.status == 0, ran.err
    assert statuses(simulator) == {200: 30}


def test_a_limit_that_nobody_told_is_met_once_and_then_kept(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", limits={"requests_per_minute": 30})
    path = source(count=32)
    ran = tensorwall("batch", str(path), "-o", str(out), "--concurrency", "8")
    assert ran.status == 0, ran.err
    assert len(by_id(out)) == 32
    found = statuses(simulator)
    assert found[200] == 32
    assert found[429] <= 8


def test_retry_after_is_waited_for_and_no_line_is_lost(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    fault = {"kind": "rate_limited", "skip": 3, "times": 4, "retry_after": 1}
    simulator.configure(text="Well met.", reasoning="", faults=[fault])
    ran = tensorwall("batch", str(source(count=12)), "-o", str(out), "--concurrency", "4")
    assert ran.status == 0, ran.err
    assert len(by_id(out)) == 12
    refused = [row["received_at"] for row in simulator.questions() if row["status"] == 429]
    answered = [row["received_at"] for row in simulator.questions() if row["status"] == 200]
    assert min(at for at in answered if at > refused[0]) >= refused[0] + 0.95


def test_what_may_pass_is_asked_again_and_what_does_not_is_told_on_its_line(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    faults = [
        {"kind": "server_error", "status": 503, "times": 2, "model": MODEL},
        {"kind": "context_length", "model": "openai/gpt-oss-120b"},
    ]
    simulator.configure(text="Well met.", reasoning="", faults=faults)
    path = source(line("a"), line("b", model="openai/gpt-oss-120b"), line("c"))
    ran = tensorwall("batch", str(path), "-o", str(out), "--concurrency", "1")
    assert ran.status == 1, ran.err
    found = by_id(out)
    assert text(found["a"]) == text(found["c"]) == "Well met."
    assert found["b"]["response"]["status_code"] == 400
    assert found["b"]["response"]["body"]["error"]["code"] == "context_length_exceeded"
    simulator.configure(text="Better.", reasoning="")
    ran = tensorwall("batch", str(path), "-o", str(out), "--retry-failed")
    assert ran.status == 0, ran.err
    assert {name: text(row) for name, row in by_id(out).items()} == {
        "a": "Well met.", "b": "Better.", "c": "Well met.",
    }  # fmt: skip


def test_where_nobody_answers_it_stops_and_no_line_counts_as_failed(
    tensorwall: Run, source: Callable[..., Path], out: Path
) -> None:
    path = source(count=3)
    ran = tensorwall("batch", str(path), "-o", str(out), env={"GROQ_API_URL": "http://127.0.0.1:9/v1"})
    assert ran.status == 1
    assert "0 of 3 lines have their answers" in ran.err
    assert rows(out) == []
    assert tensorwall("batch", str(path), "-o", str(out)).status == 0


def test_without_a_key_or_with_a_wrong_one(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    path = source(count=20)
    none = tensorwall("batch", str(path), "-o", str(out), env={"GROQ_API_KEY": None})
    assert none.status == 4
    wrong = tensorwall("batch", str(path), "-o", str(out), env={"GROQ_API_KEY": "gsk_wrongwrongwrong"})
    assert wrong.status == 4
    assert "the same command goes on" in wrong.err
    assert rows(out) == []


def test_a_budget_stops_it_before_it_is_passed(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="word " * 150, reasoning="")
    path = source(count=20)
    assert tensorwall("config", "set", "budgets.day.hard", "0.0004").status == 0
    ran = tensorwall("batch", str(path), "-o", str(out), "--concurrency", "4")
    assert ran.status == 3, ran.err
    done = len(by_id(out))
    assert 0 < done < 20
    spent = tensorwall("costs", "--by", "feature", "--format", "json").json["rows"][0]["cost_usd"]
    assert float(spent) <= 0.0004
    assert float(spent) > 0.0002, "money that others had only set aside was waited for"
    assert tensorwall("config", "set", "budgets.day.hard", "1").status == 0
    assert tensorwall("batch", str(path), "-o", str(out)).status == 0
    assert len(by_id(out)) == 20


def test_bad_lines_are_named_and_nothing_is_sent(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    path = source(line("a"), "{broken", line("a"), line("b", stream=True))
    ran = tensorwall("batch", str(path), "-o", str(out))
    assert ran.status == 2
    for number, problem in (
        (2, "it is not JSON"),
        (3, "custom_id 'a' is on line 1 already"),
        (4, "body.stream"),
    ):
        assert f"{path}, line {number}: {problem}" in ran.err
    assert "3 of 4 lines cannot be asked" in ran.err
    assert simulator.questions() == []
    assert not out.exists()


def test_what_cannot_be_meant(tensorwall: Run, source: Callable[..., Path], out: Path) -> None:
    path = source(count=1)
    assert tensorwall("batch", str(path)).status == 2
    assert tensorwall("batch", str(path), "-o", str(path)).status == 2
    assert tensorwall("batch", str(path), "-o", str(out), "--cancel").status == 2
    assert tensorwall("batch", "-", "-o", str(out)).status == 2
    assert tensorwall("batch", str(path), "-o", "-").status == 2
    assert not (ROOT / "-").exists()
    assert tensorwall("batch", str(out), "-o", str(out)).status == 2
    read_only = tensorwall("batch", str(path), "-o", "/sys/out.jsonl")
    assert read_only.status == 2
    assert "Name a file in a folder that you may write to." in read_only.err


def test_stdin_another_model_and_lines_of_megabytes(tensorwall: Run, simulator: Simulated, out: Path) -> None:
    simulator.configure(text="Well met.", reasoning="", models=["acme/large"])
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0K" * 500_000}}
    lines = [
        line("big", [{"type": "text", "text": "What?"}, image]),
        line("long", "x" * 1_500_000),
        line("a"),
    ]
    ran = tensorwall("batch", "-", "-o", str(out), "-m", "acme/large", stdin="\n".join(lines))
    assert ran.status == 1, ran.err
    found = by_id(out)
    assert text(found["big"]) == text(found["a"]) == "Well met."
    assert found["a"]["response"]["body"]["model"] == "acme/large"
    assert found["long"]["response"]["body"]["error"]["code"] == "context_length_exceeded"


def test_a_full_disk_ends_it_with_whole_lines(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met. " * 300, reasoning="")
    path = source(count=12)
    filling = {"choices": ["x" * 3_000_000]}
    entry = {"custom_id": "other", "response": {"status_code": 200, "body": filling}, "error": None}
    out.write_text(json.dumps(entry) + "\n")
    size = out.stat().st_size + 8_000
    done = subprocess.run(
        [*COMMAND, "batch", str(path), "-o", str(out)],
        capture_output=True,
        cwd=ROOT,
        env=environment(simulator),
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    assert done.returncode == 1, done.stderr
    assert b"cannot be written" in done.stderr
    assert b"Make room" in done.stderr
    assert b"Traceback" not in done.stderr
    assert out.read_bytes().endswith(b"}\n")
    before = by_id(out)
    assert 1 <= len(before) < 13
    assert tensorwall("batch", str(path), "-o", str(out)).status == 0
    assert len(by_id(out)) == 13


def test_a_dry_run_sends_nothing_and_tells_the_most_it_may_cost(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    path = source(line("a"), line("b"), line("c", model="llama-70b"))
    ran = tensorwall("batch", str(path), "--dry-run")
    assert ran.status == 0, ran.err
    head, small, large = ran.out.splitlines()
    assert head.split()[:2] == ["model", "asked"]
    assert small.split()[:4] == [MODEL, "groq", MODEL, "2"]
    assert "≤400" in small
    assert small.split()[-1] == "$0.00012"
    assert large.split()[:3] == ["llama-70b", "groq", "llama-3.3-70b-versatile"]
    assert simulator.questions() == []


def test_a_bar_on_a_terminal(
    on_terminal: Callable[..., OnTerminal], simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", first_token_ms=30)
    terminal = on_terminal("batch", str(source(count=30)), "-o", str(out), "--concurrency", "2")
    terminal.expect(r"█+░+ \d+ of 30 · .* left · \$")
    terminal.expect(r"30 answered · ")
    assert terminal.wait() == 0


def test_the_demo(tensorwall: Run, source: Callable[..., Path], out: Path) -> None:
    ran = tensorwall("batch", str(source(count=2)), "-o", str(out), "--demo", env={"GROQ_API_KEY": None})
    assert ran.status == 0, ran.err
    assert "simulated" in ran.err


def test_the_free_tier_never_refuses_though_it_does_not_tell_of_requests_a_minute(
    tensorwall: Run, simulator: Simulated, source: Callable[..., Path], out: Path
) -> None:
    simulator.configure(text="Well met.", reasoning="", limits="free")
    ran = tensorwall("batch", str(source(count=31)), "-o", str(out), "--concurrency", "8")
    assert ran.status == 0, ran.err
    assert statuses(simulator) == {200: 31}
