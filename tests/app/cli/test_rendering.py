"""Tables, widths, JSON verdicts, secrets and remarks: the pure parts."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from app.cli.failures import exit_status, one_line, report
from app.cli.output import emit_json
from app.cli.progress import Progress
from app.cli.tables import render_table
from core.chat.decision import Decision
from core.chat.events import ModelLoading, RouteChanged, RouteChosen, TextDelta, Waiting
from core.errors import (
    AllRoutesFailed,
    AuthenticationFailed,
    BudgetExceeded,
    CredentialsError,
    DiskFull,
    InputError,
    RateLimited,
    TensorWallError,
    UnknownRoute,
)


def test_a_table_aligns_wide_characters_and_numbers() -> None:
    lines = render_table(
        ("name", "cost", "title"), [("漢字", "5", "a\nb"), ("x", "12", "")], right=frozenset({1})
    )
    assert lines == ["name  cost  title", "漢字     5  a b", "x       12"]


def test_a_wide_cell_costs_the_columns_after_it_nothing_on_a_terminal() -> None:
    headers, right = ("model", "state", "cost", "note"), frozenset({2})
    rows = [("m" * 300, "active", "$1.20", "n" * 300), ("short", "retired", "$0.03", "")]
    wide, short = render_table(headers, rows, right=right, width=80)[1:]
    assert cell_len(wide) == 80
    assert wide.count("…") == 2
    assert "  active   $1.20  n" in wide
    assert short.split() == ["short", "retired", "$0.03"]
    in_a_pipe = render_table(headers, rows, right=right)[1]
    assert in_a_pipe == f"{'m' * 300}  active   $1.20  {'n' * 300}"


def test_columns_of_a_usual_width_are_cut_at_the_end_alone() -> None:
    model = "meta-llama/llama-4-scout-17b-16e-instruct"[:40]
    (line,) = render_table(("model", "note"), [(model, "n" * 60)], width=60)[1:]
    assert line == f"{model}  {'n' * 17}…"


@given(
    st.lists(st.lists(st.text(max_size=30), min_size=3, max_size=3), max_size=5),
    st.integers(min_value=10, max_value=60),
)
def test_no_line_of_a_table_leaves_the_terminal_or_acts_on_it(rows: list[list[str]], width: int) -> None:
    for line in render_table(("one", "two", "three"), rows, width=width):
        assert cell_len(line) <= width
        assert not any(char < " " or "\x7f" <= char <= "\x9f" for char in line)


def _all_failed(*causes: CredentialsError | AuthenticationFailed | RateLimited) -> AllRoutesFailed:
    return AllRoutesFailed("No route answered.", causes=causes, decision=Decision("m", "random"))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (_all_failed(AuthenticationFailed("no"), CredentialsError("none")), 4),
        (_all_failed(AuthenticationFailed("no"), RateLimited("later")), 1),
        (_all_failed(), 1),
        (CredentialsError("none"), 4),
        (BudgetExceeded("enough", scope="day"), 3),
        (InputError("no"), 2),
        (UnknownRoute("no"), 2),
        (DiskFull("full"), 1),
        (TensorWallError("?"), 1),
    ],
)
def test_exit_status(error: TensorWallError, status: int) -> None:
    assert exit_status(error) == status


def test_one_line_has_no_secrets() -> None:
    text = "POST https://me:hunter22@host/v1\nAuthorization: Bearer gsk_0123456789abcdef"
    shown = one_line(text)
    assert "\n" not in shown
    assert "hunter22" not in shown
    assert "0123456789abcdef" not in shown


def test_tries_that_met_the_same_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    busy = RateLimited("Groq is busy.", provider="groq", hint="Wait.")
    report(_all_failed(busy, busy, busy))
    assert capsys.readouterr().err.splitlines() == ["tensorwall: No route answered."]
    report(_all_failed(busy, RateLimited("OpenAI is busy.", provider="openai"), busy))
    assert capsys.readouterr().err.splitlines() == [
        "tensorwall: No route answered.",
        "  groq: Groq is busy. Wait.",
        "  openai: OpenAI is busy.",
    ]


def test_times_for_programs_are_iso_8601(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"at": datetime(2026, 5, 1, 12, tzinfo=UTC), "cost": Decimal("0.10")})
    assert json.loads(capsys.readouterr().out) == {"at": "2026-05-01T12:00:00+00:00", "cost": "0.10"}


async def test_progress_says_what_happens_in_one_line_each() -> None:
    said: list[str] = []
    progress = Progress(said.append, silence=60)
    progress.on_event(RouteChosen("c1", "fast", "groq", "big", "first choice"))
    progress.on_event(RouteChanged("groq", "big", "openai", "small", "rate limited"))
    progress.on_event(Waiting(0.01, "hardly worth a line"))
    progress.on_event(Waiting(1.5, "every route is busy"))
    chosen = RouteChosen("c2", "fast", "openai", "small", "next")
    progress.on_event(chosen)
    progress.on_event(TextDelta("hi"))
    progress.stop()
    assert said == [
        "moved from big (groq) to small (openai): rate limited",
        "waiting 1.5 s: every route is busy",
    ]
    assert progress.route == chosen


async def test_a_model_of_this_machine_is_labelled_in_one_line_an_answer() -> None:
    said: list[str] = []
    progress = Progress(said.append, silence=60)
    chosen = RouteChosen("c1", "fast", "embedded", "tiny", "first choice", "small model, may be wrong")
    progress.on_event(chosen)
    progress.on_event(ModelLoading("Tiny"))
    progress.on_event(chosen)
    progress.stop()
    assert said == ["offline · tiny · small model, may be wrong", "loading Tiny"]

    said.clear()
    progress = Progress(said.append, silence=60)
    progress.on_event(RouteChanged("groq", "big", "embedded", "tiny", "offline: Groq did not answer"))
    progress.on_event(chosen)
    progress.stop()
    assert said == ["moved from big (groq) to tiny (embedded): offline: Groq did not answer"]


async def test_each_silence_is_said_once() -> None:
    said: list[str] = []
    heard = asyncio.Event()

    def say(line: str) -> None:
        said.append(line)
        heard.set()

    progress = Progress(say, silence=0.02)
    await heard.wait()
    heard.clear()
    progress.on_event(TextDelta("hi"))
    await heard.wait()
    progress.stop()
    assert len(said) == 2
    assert all(line.startswith("nothing from an answer for") for line in said)
