"""The line-by-line conversation, on a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.app.cli.conftest import OnTerminal, Run
from tests.simulated import Simulated

Open = Callable[..., OnTerminal]
PROMPT = r"\n> $"


def test_a_conversation(on_terminal: Open, tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text="Noted.")
    terminal = on_terminal("chat")
    terminal.expect(r"openai/gpt-oss-120b\. /help lists the commands, Ctrl-D ends\.\n> ")
    terminal.send("My name is Ada.\n")
    terminal.expect(r"\nNoted\.\n> ")
    terminal.send("two \\\n")
    terminal.expect(r"\n\| ")
    terminal.send("lines\n")
    terminal.expect(r"\nNoted\.\n> ")
    terminal.send("\n")  # nothing is asked
    terminal.expect(r"> ")
    terminal.send("\x04")
    assert terminal.wait() == 0
    asked = [message["content"] for message in simulator.requests()[-1]["body"]["messages"]]
    assert asked == ["My name is Ada.", "Noted.", "two \nlines"]
    (session,) = tensorwall("sessions", "list", "--format", "json").json
    assert session["message_count"] == 4


def test_commands(on_terminal: Open, simulator: Simulated) -> None:
    simulator.configure(text="Yes.")
    terminal = on_terminal("chat")
    terminal.expect("> ")
    terminal.send("/help\n")
    for command in ("/help", "/new", "/model", "/quit"):
        terminal.expect(command)
    terminal.send("/model openai/gpt-oss-20b\n")
    terminal.expect(r"openai/gpt-oss-20b answers\.\n> ")
    terminal.send("one\n")
    terminal.expect(r"\nYes\.\n> ")
    terminal.send("/new\n")
    terminal.expect(r"A new session\.\n> ")
    terminal.send("two\n")
    terminal.expect(r"\nYes\.\n> ")
    terminal.send("/jump\n")
    terminal.expect(r"There is no command /jump")
    terminal.send("/quit\n")
    assert terminal.wait() == 0
    last = simulator.requests()[-1]["body"]
    assert last["model"] == "openai/gpt-oss-20b"
    assert [message["content"] for message in last["messages"]] == ["two"]


def test_a_continued_session_keeps_its_model(
    on_terminal: Open, tensorwall: Run, simulator: Simulated
) -> None:
    simulator.configure(text="Yes.")
    assert tensorwall("chat", "-m", "openai/gpt-oss-20b", "one").status == 0
    terminal = on_terminal("chat", "-c")
    terminal.expect(r"openai/gpt-oss-20b\. /help lists the commands")
    terminal.send("two\n")
    terminal.expect(r"\nYes\.\n> ")
    assert simulator.requests()[-1]["body"]["model"] == "openai/gpt-oss-20b"
    terminal.send("/new\n")
    terminal.send("/model\n")
    terminal.expect(r"openai/gpt-oss-120b answers\.")


def test_ctrl_c_stops_the_answer_not_the_conversation(on_terminal: Open, simulator: Simulated) -> None:
    simulator.configure(
        text=["first ", "second"],
        reasoning="",
        faults=[{"kind": "stall", "after_tokens": 1, "times": 1}],
    )
    terminal = on_terminal("chat")
    terminal.expect("> ")
    terminal.send("one\n")
    terminal.expect("first ")
    terminal.send("\x03")
    terminal.expect(r"stopped; what arrived is kept in session \w+\n> ")
    terminal.send("two\n")
    terminal.expect(r"first second\n> ")
    terminal.send("half a quest")
    terminal.expect("half a quest")
    terminal.wait_until_it_sleeps()
    terminal.send("\x03")
    terminal.expect(r"\(Ctrl-D ends\)\n> ")
    terminal.send("\x04")
    assert terminal.wait() == 0
    asked = [message["content"] for message in simulator.requests()[-1]["body"]["messages"]]
    assert asked == ["one", "first ", "two"]


def test_an_error_ends_the_answer_not_the_conversation_and_the_question_comes_back(
    on_terminal: Open, simulator: Simulated
) -> None:
    simulator.configure(text="Yes.", faults=[{"kind": "bad_request", "times": 1}])
    terminal = on_terminal("chat")
    terminal.expect("> ")
    terminal.send("a question\n")
    terminal.expect(r"tensorwall: .*\n(.*\n)*.*the up arrow brings it back\.\n> ")
    terminal.send("\x1b[A")
    terminal.expect("a question")
    terminal.send("\n")
    terminal.expect(r"\nYes\.\n> ")


def test_history_outlives_the_process(on_terminal: Open, simulator: Simulated) -> None:
    simulator.configure(text="Yes.")
    terminal = on_terminal("chat")
    terminal.expect("> ")
    terminal.send("remember this\n")
    terminal.expect(r"\nYes\.\n> ")
    terminal.send("\x04")
    assert terminal.wait() == 0
    again = on_terminal("chat", "-c")
    again.expect("> ")
    again.send("\x1b[A")
    again.expect("remember this")


def test_a_dumb_terminal_gets_no_escape_sequences(on_terminal: Open, simulator: Simulated) -> None:
    simulator.configure(text="Yes.")
    terminal = on_terminal("chat", env={"TERM": "dumb"})
    terminal.expect("> ")
    terminal.send("one\n")
    terminal.expect(r"\nYes\.\n> ")
    terminal.send("\x04")
    assert terminal.wait() == 0
    assert b"\x1b" not in terminal.raw


def test_without_a_key_it_says_so_and_ends(on_terminal: Open) -> None:
    terminal = on_terminal("chat", env={"GROQ_API_KEY": None})
    terminal.expect(r"There is no API key for Groq\.\n.*tensorwall login")
    assert terminal.wait() == 4


SUMMARY = r"(\d+) turns? · \S+ tokens · ~?\$[\d.]+ · median [\d,]+ tok/s · session \w+"


def test_at_its_end_a_session_says_what_it_took(on_terminal: Open, simulator: Simulated) -> None:
    simulator.configure(text="Yes, at some length.")
    terminal = on_terminal("chat")
    terminal.expect("> ")
    for question in ("one", "two"):
        terminal.send(f"{question}\n")
        terminal.expect(r"\nYes, at some length\.\n> ")
    terminal.send("/new\n")
    assert re.search(SUMMARY, terminal.expect("A new session"))[1] == "2"
    terminal.send("three\n")
    terminal.expect(r"\nYes, at some length\.\n> ")
    terminal.send("\x04")
    assert terminal.wait() == 0
    assert re.findall(SUMMARY, terminal.seen) == ["2", "1"]


def test_where_nothing_was_asked_nothing_is_summed_up(
    on_terminal: Open, tensorwall: Run, simulator: Simulated
) -> None:
    simulator.configure(text="Yes.")
    tensorwall("chat", "one")
    terminal = on_terminal("chat", "-c")
    terminal.expect("> ")
    terminal.send("\x04")
    assert terminal.wait() == 0
    assert " turn" not in terminal.seen


def test_a_budget_that_is_nearly_spent_is_told_at_the_end(
    on_terminal: Open, tensorwall: Run, simulator: Simulated
) -> None:
    simulator.configure(text="Yes. " * 2_000, reasoning="")
    spent = tensorwall("chat", "one", "--output", "json").json["cost_usd"]
    tensorwall("config", "set", "budgets.day.hard", f"{spent * 1.2:.9f}")
    simulator.configure(text="No.", reasoning="")
    terminal = on_terminal("chat")
    terminal.expect("> ")
    terminal.send("one\n")
    terminal.expect(r"No\.\n> ")
    terminal.send("\x04")
    assert terminal.wait() == 0
    assert re.search(SUMMARY + r"\nbudget of today: \S+ of \S+ spent, \S+ left\n", terminal.seen)


def test_the_screen_says_so_once_it_is_gone(on_terminal: Open, simulator: Simulated) -> None:
    simulator.configure(text="Yes, at some length.")
    terminal = on_terminal()
    terminal.expect_bytes(b"\x1b[?1049h")
    terminal.expect("openai/gpt-oss-120b")
    terminal.send("one\r")
    terminal.expect("at some length")
    terminal.expect(r"\$")
    terminal.send("\x11")
    assert terminal.wait() == 0
    after = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert re.search(SUMMARY, after), after
