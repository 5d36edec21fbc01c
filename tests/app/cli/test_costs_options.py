"""The options of `tensorwall costs`: what they narrow, sort and complete, and what is refused in words."""

from __future__ import annotations

import pytest

from tests.app.cli.booked import BIG, SMALL, Ledger, exact
from tests.app.cli.conftest import Run


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        (("--since", "7d"), 5),
        (("--until", "7d"), 1),
        (("--since", "yesterday", "--until", "yesterday"), 1),
        (("--filter", "model:gpt-oss-20b"), 1),
        (("--filter", "outcome:failed outcome:interrupted"), 2),
        (("--filter", "rivers provider:groq"), 3),
        (("--filter", f"model:={SMALL}"), 1),
        (("--filter", "model:=gpt-oss-20b"), 0),
    ],
)
def test_the_scope_is_narrowed(tensorwall: Run, ledger: Ledger, options: tuple[str, ...], calls: int) -> None:
    report = tensorwall("costs", *options, "--by", "model", "--format", "json").json
    assert report["totals"]["calls"] == sum(row["calls"] for row in report["rows"]) == calls


def test_rows_are_sorted_and_limited(tensorwall: Run, ledger: Ledger) -> None:
    rows = tensorwall("costs", "--by", "model", "--sort", "tokens", "-n", "2", "--format", "json").json
    assert [row["model"] for row in rows["rows"]] == [BIG, SMALL]
    assert rows["count"] == 3
    table = tensorwall("costs", "--by", "model", "--sort", "tokens", "-n", "2").out
    assert "… and 1 more." in table
    for options in ((), ("--by", "model"), ("--session", "latest")):
        assert (
            tensorwall("costs", *options, "-n", "9" * 30).out == tensorwall("costs", *options, "-n", "99").out
        )
    dearest = tensorwall("costs", "--sort", "cost", "-n", "1", "--format", "json").json["rows"]
    assert [row["session"] for row in dearest] == [ledger.rivers]


@pytest.mark.parametrize(
    ("options", "column", "least"),
    [
        (("--by", "model", "--sort", "tokens"), "prompt_tokens", "last"),
        (("--by", "model", "--sort", "tokens:desc"), "prompt_tokens", "last"),
        (("--by", "model", "--sort", "tokens:asc"), "prompt_tokens", "first"),
        (("--by", "model", "--sort", "key"), "model", "first"),
        (("--by", "model", "--sort", "key:DESC"), "model", "last"),
        (("--by", "model", "--sort", "tokens:asc", "-n", "2"), "prompt_tokens", "first"),
        (("--sort", "cost"), "cost_usd", "last"),
        (("--sort", "cost:asc"), "cost_usd", "first"),
        (("--sort", "started:asc"), "first_at", "first"),
    ],
)
def test_rows_come_in_the_order_that_was_asked_for(
    tensorwall: Run, ledger: Ledger, options: tuple[str, ...], column: str, least: str
) -> None:
    rows = exact(tensorwall("costs", *options, "--format", "json").out)["rows"]
    found = [row[column] for row in rows]
    assert len(set(found)) > 1
    assert found == sorted(found, reverse=least == "last")


def test_turns_come_in_the_order_that_was_asked_for(tensorwall: Run, ledger: Ledger) -> None:
    def output(sort: str) -> list[str]:
        table = tensorwall("costs", "--session", ledger.rivers, "--sort", sort).out.splitlines()
        turns = [line.split("  ") for line in table if "(question deleted)" in line]
        return [[cell.strip() for cell in turn if cell.strip()][2] for turn in turns]

    assert len(set(output("tokens"))) == 3
    assert output("tokens") == output("tokens:desc") == output("tokens:asc")[::-1]
    assert output("started") == output("started:asc") == output("started:desc")[::-1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--since", "soon"), "'soon' is no day or time"),
        (("--since", "2026-02-30"), "'2026-02-30' is no day"),
        (("--since", "today", "--until", "yesterday"), "--until is not after --since"),
        (("--by", "weather"), "there is no 'weather'"),
        (("--by", ","), "a name is missing; there are session, model"),
        (("--filter", "colour:red"), "There is no field 'colour'"),
        (("--session", "nonesuch"), "No calls are booked for a session 'nonesuch'"),
        (("--session", ""), "No calls are booked for a session ''"),
        (("--sort", "beauty"), "cannot be sorted by 'beauty'"),
        (("--by", "model", "--sort", "duration"), "cannot be sorted by 'duration'"),
        (("--by", "model", "--sort", "duration:asc"), "key, cost, tokens, turns, calls, speed"),
        (("--sort", "beauty"), "last_used, started, cost, tokens, turns, calls, duration, speed"),
        (("--sort", "cost:up"), "there is no 'up'; there are asc and desc"),
        (("--instead", "nonesuch"), "There is no model 'nonesuch'"),
        (("--budgets", "--by", "day"), "--budgets and --by exclude each other"),
        (("--watch", "-o", "x.csv"), "--watch and -o exclude each other"),
        (("--watch", "--format", "csv"), "--format csv is for sessions"),
        (("--session", "latest", "--since", "7d"), "--session shows all its turns"),
        (("--provider", "groq"), "it needs --audit"),
        (("-o", "costs.xlsx"), "costs.xlsx does not tell what to write"),
        (("-o", "costs.csv", "--format", "table"), "-o writes csv, json or markdown"),
        (("-n", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    tensorwall: Run, ledger: Ledger, options: tuple[str, ...], told: str
) -> None:
    ran = tensorwall("costs", *options)
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err
    assert len(ran.err.splitlines()) >= 2, "a hint says what to do"


def test_dimensions_and_sessions_are_completed(tensorwall: Run, ledger: Ledger) -> None:
    def completed(*words: str) -> list[str]:
        ran = tensorwall(
            env={
                "_TENSORWALL_COMPLETE": "zsh_complete",
                "COMP_WORDS": " ".join(("tensorwall", *words)),
                "COMP_CWORD": str(len(words)),
            }
        )
        return ran.out.split("\n")[1::3]

    assert completed("costs", "--by", "day,mo") == ["day,model", "day,month"]
    assert completed("costs", "--session", ledger.rivers[:11]) == [ledger.rivers]
    assert "latest" in completed("costs", "--session", "l")


def test_the_dimensions_are_those_of_the_review() -> None:
    from app.cli.costs_options import DIMENSIONS
    from core import review

    assert DIMENSIONS == review.DIMENSIONS
