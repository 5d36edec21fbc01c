"""Wrong usage and bad input: one line that says what, one that says what to do, status 2."""

from __future__ import annotations

import importlib
import io
import json
import sys
from pathlib import Path

import click
import pytest

from app.cli.entry import run
from app.cli.root import COMMANDS


@pytest.fixture(autouse=True)
def _no_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))


@pytest.mark.parametrize(
    ("arguments", "told", "hint"),
    [
        (["chatt"], "No such command 'chatt'", "tensorwall --help"),
        (["chat", "--colour"], "No such option '--colour'", "tensorwall chat --help"),
        (["chat", "a", "b"], "unexpected extra argument", "tensorwall chat --help"),
        (["chat", "-c", "--session", "x", "hi"], "exclude each other", "tensorwall chat --help"),
        (["chat", "--output", "yaml", "hi"], "'yaml'", "tensorwall chat --help"),
        (["chat"], "nothing to answer", "tensorwall chat --help"),
        ([], "nothing to answer", "tensorwall --help"),
        (["chat", "--json"], "need a PROMPT", "tensorwall chat --help"),
        (["--demo", "chat", "hi"], "put them after `chat`", "tensorwall --help"),
        (["sessions", "delete", "x"], "needs --yes", "tensorwall sessions delete --help"),
        (["sessions", "list", "-n", "0"], "0 is not in the range", "tensorwall sessions list --help"),
        (["completion", "tcsh"], "'tcsh'", "tensorwall completion --help"),
        (["models", "--provider", "nobody"], "There is no provider 'nobody'", "Known: groq, openai"),
        (["login", "nobody"], "There is no provider 'nobody'", "Known: groq, openai"),
        (["chat", "--schema", "/no/such/file", "hi"], "/no/such/file cannot be read", "Check the path"),
        (["chat", "--schema", "-", "hi"], "--schema takes a file", "Name the file"),
        (["chat", "--file", "/no/such/file", "hi"], "/no/such/file cannot be read", "Check the path"),
    ],
)
def test_usage_errors_take_two_lines(
    arguments: list[str], told: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first.startswith("tensorwall: ")
    assert told in first
    assert hint in second


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ('{"type": "object",\n "properties": }', ":2:16: not JSON: Expecting value."),
        ('["object"]', ":1:1: a schema is one JSON object."),
        ('{"type": "objekt"}', ":1:10: /type: 'objekt' is not one of ['array', "),
        ('{"anyOf": [{}, 3]}', ":1:16: /anyOf/1: 3 is not of type 'object', 'boolean'."),
        ('{"$ref": "b.json"}', ':1:10: /$ref: "b.json" refers to something outside of the file.'),
    ],
)
def test_a_bad_schema_names_the_place(
    schema: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "schema.json"
    file.write_text(schema)
    assert run(["chat", "--schema", str(file), "hi"]) == 2
    assert f"{file}{place}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x7fELF\0\0\0", "(7 B) is neither text nor an image"),
        (b"na\xefve", "is not UTF-8 text (byte 0xef at offset 2)"),
        (b"x" * 2_000_001, "is 2.0 MB; at most 2.0 MB can be sent"),
        (b"x" * 10_000_000, "is 10.0 MB; at most 2.0 MB can be sent"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 4_000_000, "is 4.0 MB; at most 4.0 MB can be sent"),
    ],
)
def test_files_that_cannot_be_sent_are_refused_with_their_size(
    content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "attachment.bin"
    file.write_bytes(content)
    assert run(["chat", "--file", str(file), "hi"]) == 2
    assert f"{file} {told}" in capsys.readouterr().err


def test_stdin_that_is_too_large_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * 10_000_000)))
    assert run(["chat", "summarise"]) == 2
    assert "stdin holds more than 4.0 MB" in capsys.readouterr().err


def test_a_broken_config_names_file_line_and_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENSORWALL_HOME", str(tmp_path))
    file = tmp_path / "config" / "config.toml"
    file.parent.mkdir()
    file.write_text("[chat]\ntemperature = 'hot'\n")
    assert run(["chat", "hi"]) == 2
    assert f"{file}:2: chat.temperature: " in capsys.readouterr().err


def test_an_internal_error_is_one_line_without_secrets_unless_debugging(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("it said gsk_abcdefghijklmnop and\nmore")

    monkeypatch.setattr("core.settings.load_settings", broken)
    assert run(["config", "show"]) == 1
    err = capsys.readouterr().err
    assert "RuntimeError: it said gsk_[redacted] and more" in err
    assert len(err.splitlines()) == 2
    assert run(["--debug", "config", "show"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_help_lists_the_exit_statuses_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "4    no API key, or a wrong one" in lines
    assert not any("\\b" in line for line in lines)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    place, summary = COMMANDS[name]
    module, _, attribute = place.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert len(summary) <= 60
    assert command.help


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert run([name, "--help"]) == 0
        assert f"Usage: tensorwall {name}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tensorwall ")


def test_config_round_trip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENSORWALL_HOME", str(tmp_path))
    assert run(["config", "path"]) == 0
    file = Path(capsys.readouterr().out.strip())
    assert run(["config", "init"]) == 0
    assert file.exists()
    assert run(["config", "init"]) == 2
    assert run(["config", "set", "chat.temperature", "0.3"]) == 0
    assert run(["config", "set", "chat.system_prompt", "true"]) == 0
    assert run(["config", "set", "keymap.chat.stop", "ctrl+x"]) == 0
    capsys.readouterr()
    assert run(["config", "show", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["chat"]["temperature"] == 0.3
    assert shown["chat"]["system_prompt"] == "true"
    assert shown["keymap"] == {"chat.stop": "ctrl+x"}
    assert run(["config", "unset", "chat.temperature"]) == 0
    assert run(["config", "set", "chat.temperature", "hot"]) == 2
    capsys.readouterr()
    assert run(["config", "show", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["chat"]["temperature"] is None
