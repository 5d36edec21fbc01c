"""`tensorwall models` on terminals of every width."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.cells import cell_len

from tests.app.cli.conftest import OnTerminal, Run

Open = Callable[..., OnTerminal]


def _lines(on_terminal: Open, *more: str, columns: int) -> list[str]:
    terminal = on_terminal("models", *more, columns=columns, rows=60, env={"NO_COLOR": "1"})
    assert terminal.wait() == 0
    return terminal.seen.splitlines()


@pytest.mark.parametrize("columns", [60, 80, 100, 140])
def test_every_model_is_told_whole_at_any_width(tensorwall: Run, on_terminal: Open, columns: int) -> None:
    lines = _lines(on_terminal, "--all", columns=columns)
    assert max(map(cell_len, lines)) <= columns
    assert "…" not in "".join(lines)
    words = [line.split() for line in lines]
    rows = tensorwall("models", "--all", "--format", "json").json
    providers = {row["provider"] for row in rows}
    for row in rows:
        (at,) = [n for n, line in enumerate(words) if line[:2] == [row["provider"], row["id"]]]
        # What does not fit beside its name stands below it, up to the next model.
        below = next((n for n in range(at + 1, len(words)) if words[n][0] in providers), len(words))
        told = [word for line in words[at:below] for word in line][2:]
        assert row["state"] in told
        if row["replacement"]:
            assert row["replacement"] in told
        if row["id"] == "openai/gpt-oss-20b":
            assert [*told[-2:]] == ["0.075", "0.30"]
            assert {"131k", "131,072"} & {*told}


def test_a_usual_terminal_has_state_window_and_prices_in_one_line(on_terminal: Open) -> None:
    head, *lines = _lines(on_terminal, columns=80)
    assert head.split() == ["provider", "model", "state", "window", "in", "$/M", "out", "$/M"]
    at = next(n for n, line in enumerate(lines) if " llama-3.1-70b-versatile " in line)
    assert lines[at].split() == ["groq", "llama-3.1-70b-versatile", "retired", "131k", "0.59", "0.79"]
    assert lines[at + 1].split() == ["└", "replaced", "by", "openai/gpt-oss-120b"]


def test_a_wide_terminal_has_all_figures_in_full(on_terminal: Open) -> None:
    (line,) = [
        line for line in _lines(on_terminal, columns=140) if line.startswith("groq      llama-3.1-70b-")
    ]
    assert line.split()[2:] == ["retired", "131,072", "8,000", "0.59", "0.79", "openai/gpt-oss-120b"]
