"""`tensorwall chat`: one question, one answer, over real HTTP."""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.cli.conftest import PATIENCE, OnTerminal, Run
from tests.simulated import Simulated

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
NASTY = "a\x1b]52;c;ZXZpbA==\x07b\x1b[31mred\u202egnp.exe\x9b2J [bold]c[/] é 漢"


def sent(simulator: Simulated) -> dict[str, object]:
    """The body of the last chat request."""
    body: dict[str, object] = simulator.requests()[-1]["body"]
    return body


def read_until(process: subprocess.Popen[bytes], size: int) -> bytes:
    """The first ``size`` bytes of a running command's stdout."""
    assert process.stdout
    got = b""
    while len(got) < size:
        assert select.select([process.stdout], [], [], PATIENCE)[0], "nothing came"
        piece = os.read(process.stdout.fileno(), size - len(got))
        assert piece, "it ended early"
        got += piece
    return got


def test_stdout_carries_the_answer_alone(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text="Forty-two.")
    ran = tensorwall("chat", "the answer?", "-m", "openai/gpt-oss-20b", "-s", "Be brief.")
    assert (ran.status, ran.out, ran.err) == (0, "Forty-two.\n", "")
    assert sent(simulator)["model"] == "openai/gpt-oss-20b"
    assert sent(simulator)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "the answer?"},
    ]


def test_stdin_is_appended_to_the_prompt(tensorwall: Run, simulator: Simulated) -> None:
    tensorwall("chat", "Summarise:", stdin="one\ntwo\n")
    assert sent(simulator)["messages"] == [{"role": "user", "content": "Summarise:\n\none\ntwo"}]


def test_without_a_command_stdin_is_answered(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text="Yes.")
    assert tensorwall(stdin="Are you there?").out == "Yes.\n"
    assert sent(simulator)["messages"] == [{"role": "user", "content": "Are you there?"}]


def test_utf16_text_is_understood(tensorwall: Run, simulator: Simulated) -> None:
    tensorwall("chat", stdin=b"\xff\xfe" + "grüße".encode("utf-16-le"))
    assert sent(simulator)["messages"] == [{"role": "user", "content": "grüße"}]


def test_files_and_images_are_attached(tensorwall: Run, simulator: Simulated, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n```\ncode\n```\n")
    (tmp_path / "dot.jpg").write_bytes(PIXEL)  # what it is follows from its bytes
    notes, dot = str(tmp_path / "notes.md"), str(tmp_path / "dot.jpg")
    ran = tensorwall("chat", "Look", "-f", notes, "--file", dot, "-m", "qwen/qwen3.8-27b")
    assert ran.status == 0, ran.err
    (message,) = sent(simulator)["messages"]  # type: ignore[misc]
    text, image = message["content"]
    assert text["text"] == f"Look\n\n`{notes}`:\n````md\n# Notes\n```\ncode\n```\n````"
    assert image["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(PIXEL).decode()


def test_an_image_on_stdin_is_attached(tensorwall: Run, simulator: Simulated) -> None:
    tensorwall("chat", "What is it?", "-m", "qwen/qwen3.8-27b", stdin=PIXEL)
    (message,) = sent(simulator)["messages"]  # type: ignore[misc]
    assert [part["type"] for part in message["content"]] == ["text", "image_url"]


def test_sessions_are_continued(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text="Noted.")
    first = tensorwall("chat", "My name is Ada.", "--output", "json").json
    tensorwall("chat", "Something else.")
    again = tensorwall("chat", "My name?", "--session", first["session_id"][:10], "--output", "json").json
    assert again["session_id"] == first["session_id"]
    assert [message["content"] for message in sent(simulator)["messages"]] == [  # type: ignore[attr-defined]
        "My name is Ada.",
        "Noted.",
        "My name?",
    ]
    last = tensorwall("chat", "-c", "And now?", "--output", "json").json
    assert last["session_id"] == first["session_id"]


def test_continuing_nothing_is_said(tensorwall: Run) -> None:
    ran = tensorwall("chat", "-c", "hi")
    assert ran.status == 2
    assert "There is no session to continue." in ran.err
    assert tensorwall("chat", "--session", "nonesuch", "hi").status == 2


def test_output_json_is_one_object(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text=["Forty", "-", "two"], reasoning="Hm.", first_token_ms=30, tokens_per_second=50)
    ran = tensorwall("chat", "q", "--output", "json")
    assert ran.err == ""
    told = ran.json
    assert list(told) == [
        "text", "model", "provider", "route", "session_id", "usage", "cost_usd", "ttft_ms",
        "tokens_per_second", "tool_calls",
        "finish_reason", "simulated", "error", "violations",
    ]  # fmt: skip
    assert told["text"] == "Forty-two"
    assert (told["provider"], told["model"]) == ("groq", "openai/gpt-oss-120b")
    assert told["usage"]["completion_tokens"] >= 3
    assert told["cost_usd"] > 0
    assert told["ttft_ms"] >= 30
    assert told["tokens_per_second"] > 0
    assert (told["finish_reason"], told["simulated"], told["error"]) == ("stop", False, None)


def test_output_json_keeps_what_arrived_of_a_broken_answer(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(
        text=["one ", "two ", "three"], faults=[{"kind": "end", "after_tokens": 2}], reasoning=""
    )
    ran = tensorwall("chat", "q", "--output", "json")
    assert ran.status == 1
    assert ran.json["text"] == "one two "
    assert ran.json["finish_reason"] is None
    assert ran.json["error"]
    assert ran.json["error"] in ran.err


def test_a_broken_answer_stays_on_stdout(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(
        text=["one ", "two ", "three"], faults=[{"kind": "cut", "after_tokens": 2}], reasoning=""
    )
    ran = tensorwall("chat", "q")
    assert (ran.status, ran.out) == (1, "one two \n")
    assert "tensorwall: " in ran.err


def test_a_broken_answer_that_is_gone_on_with_is_whole(tensorwall: Run, simulator: Simulated) -> None:
    told = "Once upon a time there was an answer."
    simulator.configure(text=told, faults=[{"kind": "cut", "after_tokens": 6, "times": 1}], reasoning="")
    ran = tensorwall("chat", "q")
    assert (ran.status, ran.out) == (0, f"{told}\n")
    (remark,) = ran.err.splitlines()
    assert "Groq broke off; openai/gpt-oss-120b goes on" in remark


def test_stats_are_one_line_on_stderr(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text="Yes.")
    ran = tensorwall("chat", "q", "--stats")
    assert ran.out == "Yes.\n"
    (line,) = ran.err.splitlines()
    for part in ("groq openai/gpt-oss-120b", "first token", "tok/s", "tokens", "$", "session "):
        assert part in line


@pytest.mark.parametrize(
    ("env", "status", "told"),
    [
        ({"GROQ_API_KEY": None}, 4, "There is no API key for Groq."),
        ({"GROQ_API_KEY": "gsk_wrongwrongwrong"}, 4, "tensorwall: "),
        ({"GROQ_API_URL": "http://127.0.0.1:9/v1"}, 1, "tensorwall: "),
        ({"GROQ_API_URL": "groq.com"}, 2, "GROQ_API_URL: "),
    ],
)
def test_exit_status(tensorwall: Run, env: dict[str, str | None], status: int, told: str) -> None:
    ran = tensorwall("chat", "hi", env=env)
    assert (ran.status, ran.out) == (status, "")
    assert told in ran.err
    assert len(ran.err.splitlines()) >= 2, "what to do about it is missing"
    assert "gsk_wrong" not in ran.err


def test_an_answer_that_reaches_its_longest_length_says_so(tensorwall: Run, simulator: Simulated) -> None:
    tensorwall("config", "set", "chat.max_completion_tokens", "5")
    simulator.configure(content="paragraph", tokens=50, reasoning="")
    ran = tensorwall("chat", "hi")
    assert ran.status == 0
    assert "cut off: " in ran.err
    assert "cut off: " not in ran.out


def test_a_replaced_model_is_one_dim_line(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text="Hello.")
    ran = tensorwall("chat", "hi", "-m", "gemma2-9b-it")
    assert (ran.status, ran.out) == (0, "Hello.\n")
    (line,) = ran.err.splitlines()
    assert "gemma2-9b-it" in line
    assert "openai/gpt-oss-20b" in line


def test_the_answer_streams(start: Callable[..., subprocess.Popen[bytes]], simulator: Simulated) -> None:
    simulator.configure(
        text=["first ", "second"], faults=[{"kind": "stall", "after_tokens": 1}], reasoning=""
    )
    process = start("chat", "hi")
    assert read_until(process, 6) == b"first "
    assert process.poll() is None


def test_ctrl_c_keeps_what_has_arrived(
    start: Callable[..., subprocess.Popen[bytes]], tensorwall: Run, simulator: Simulated
) -> None:
    simulator.configure(
        text=["first ", "second"], faults=[{"kind": "stall", "after_tokens": 1}], reasoning=""
    )
    process = start("chat", "a question")
    read_until(process, 6)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, b"\n")
    assert b"stopped; what arrived is kept in session" in err
    assert simulator.requests()[-1]["outcome"] == "disconnected"
    (session,) = tensorwall("sessions", "list", "--format", "json").json
    shown = tensorwall("sessions", "show", session["id"], "--format", "json").json
    assert "first " in json.dumps(shown)
    assert "stopped" in json.dumps(shown)


def test_a_reader_that_leaves_ends_the_answer_quietly(
    start: Callable[..., subprocess.Popen[bytes]], simulator: Simulated
) -> None:
    simulator.configure(content="markdown", tokens=200_000)
    process = start("chat", "hi")
    read_until(process, 10)
    assert process.stdout
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (141, b"")


def test_a_reader_that_pauses_does_not_hold_up_the_network(
    start: Callable[..., subprocess.Popen[bytes]], tensorwall: Run, simulator: Simulated
) -> None:
    tensorwall("config", "set", "chat.max_completion_tokens", "60000")
    simulator.configure(content="markdown", tokens=40_000)
    process = start("chat", "hi")
    read_until(process, 10)
    while simulator.requests()[-1]["outcome"] == "answering":
        assert process.poll() is None
    assert simulator.requests()[-1]["outcome"] == "answered"
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert len(out) > 2 * 65536, "the pipe was never full, so nothing was shown"


def test_a_full_disk_is_said(tensorwall: Run, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    with full.open("wb") as sink:
        for command in (["chat", "hi"], ["models"]):
            process = start(*command, stdout=sink)
            _, err = process.communicate(timeout=PATIENCE)
            assert process.returncode == 1
            assert err == b"tensorwall: stdout cannot be written: No space left on device.\n"


def test_an_empty_answer_is_said(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text="", reasoning="")
    ran = tensorwall("chat", "hi")
    assert (ran.status, ran.out.strip()) == (0, "")
    assert ran.err == "the answer is empty: the model wrote nothing\n"


def test_an_answer_that_broke_off_unstored_is_not_called_whole(
    tensorwall: Run, simulator: Simulated, tmp_path: Path
) -> None:
    simulator.configure(text="one two three four", reasoning="", faults=[{"kind": "cut", "after_tokens": 2}])
    database = tmp_path / "broken.db"
    database.write_text("not a database")
    ran = tensorwall("chat", "hi", env={"TENSORWALL_DATABASE_URL": f"sqlite:///{database}"})
    assert ran.status == 1
    assert "What arrived is above, but this session does not keep it." in ran.err


def test_remarks_that_cannot_be_written_cost_no_answer(
    start: Callable[..., subprocess.Popen[bytes]], simulator: Simulated
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    simulator.configure(text="Whole.")
    with Path("/dev/full").open("wb") as sink:
        process = start("chat", "-m", "gemma2-9b-it", "--stats", "hi", stderr=sink)
        out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, b"Whole.\n")


def test_a_pipe_gets_the_text_as_it_is_and_a_terminal_gets_it_harmless(
    tensorwall: Run, on_terminal: Callable[..., OnTerminal], simulator: Simulated
) -> None:
    simulator.configure(text=NASTY)
    assert tensorwall("chat", "hi").out == NASTY + "\n"
    terminal = on_terminal("chat", "hi")
    assert terminal.wait() == 0
    shown = terminal.raw.decode().replace("\r\n", "\n")
    assert shown == "a␛]52;c;ZXZpbA==␇b␛[31mredgnp.exe\ufffd2J [bold]c[/] é 漢\n"


def test_silence_is_said_once(
    on_terminal: Callable[..., OnTerminal], simulator: Simulated, tensorwall: Run
) -> None:
    tensorwall("config", "set", "network.stall_notice", "0.3")
    simulator.configure(
        text=["first ", "second"], faults=[{"kind": "stall", "after_tokens": 1}], reasoning=""
    )
    terminal = on_terminal("chat", "hi")
    terminal.expect(r"first \nnothing from openai/gpt-oss-120b by groq for \d+ ms; Ctrl-C stops\n")
    terminal.send(b"\x03")
    terminal.expect(r"stopped; what arrived is kept in session \w+\n")
    assert terminal.wait() == 130
    assert terminal.seen.partition("first ")[2].count("nothing from") == 1


def test_the_demo_answers_without_a_key_and_says_what_it_is(tensorwall: Run) -> None:
    ran = tensorwall("chat", "--demo", "hello", env={"GROQ_API_KEY": None, "GROQ_API_URL": None})
    assert ran.status == 0
    assert "simulator" in ran.out
    assert "simulated" in ran.err


def test_a_budget_refuses_with_its_own_status_and_says_what_to_do(
    tensorwall: Run, simulator: Simulated
) -> None:
    assert tensorwall("config", "set", "budgets.day.hard", "0.0000001").status == 0
    ran = tensorwall("chat", "hello")
    assert (ran.status, ran.out) == (3, "")
    assert "The hard limit of $0.00000010 a day has $0.00000010 left" in ran.err
    assert "config set budgets.day.hard" in ran.err
    assert simulator.questions() == []


def test_a_soft_limit_is_told_in_the_first_of_all_runs(tensorwall: Run, simulator: Simulated) -> None:
    assert tensorwall("config", "set", "budgets.month.soft", "0.0000001").status == 0
    assert "spent this month: more than your soft limit" in tensorwall("chat", "hello").err
    assert "soft limit" not in tensorwall("chat", "hello").err


def test_an_object_about_an_answer_that_broke_off_has_what_its_calls_cost(
    tensorwall: Run, simulator: Simulated
) -> None:
    simulator.configure(text="one two three four", reasoning="", faults=[{"kind": "cut", "after_tokens": 2}])
    told = tensorwall("chat", "count", "--output", "json").json
    assert told["error"]
    assert told["cost_usd"] > 0
    (row,) = tensorwall("costs", "--by", "session", "--format", "json").json["rows"]
    assert told["cost_usd"] == float(row["cost_usd"])
