"""The routes' screen as a user comes to it: how each stands, and why an answer came from where it did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.tui.routes.screen import RoutesScreen
from tests.app.tui.conftest import User, opened, says
from tests.simulated import Simulated


@pytest.fixture
def second(keyed: Simulated, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    """OpenAI answers, too; the simulator plays both, told apart by their keys."""
    openai = Simulated(keyed.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", openai.api_key)
    monkeypatch.setenv("OPENAI_BASE_URL", openai.generic_url)
    yield openai
    openai.close()


async def opens_routes(user: User) -> RoutesScreen:
    await user.presses("alt+r")
    await user.until(lambda: isinstance(user.app.screen, RoutesScreen))
    screen = user.app.screen
    assert isinstance(screen, RoutesScreen)
    return screen


async def test_what_is_not_known_yet_is_told_as_unknown(folder: Path, second: Simulated) -> None:
    async with opened(folder, size=(80, 24)) as user:
        await opens_routes(user)
        await user.sees("1  groq", "2  openai", "is asked next: tier 0", "unknown: an answer has to tell")
        await user.sees("none in the last week")
        await user.presses("down")
        await user.sees("is number 2")
        await user.presses("escape")
        await user.until(lambda: user.app.screen is user.chat)


async def test_an_answer_fills_speed_limits_and_cost(folder: Path, keyed: Simulated) -> None:
    says(keyed, "Because of Rayleigh scattering.", limits="free")
    async with opened(folder, size=(140, 45)) as user:
        await user.asks("Why is the sky blue?")
        await opens_routes(user)
        await user.sees(
            "tokens a minute", "of 8,000 left", "requests a day", "of 1,000 left", "(p95)", "1 call,"
        )
        await user.sees("network", "queue", "prompt", "thinking")


async def test_why_names_the_calls_the_reasons_and_who_was_at_fault(
    folder: Path, second: Simulated, keyed: Simulated
) -> None:
    keyed.fail("server_error", status=500)
    says(second, "From the other one.")
    async with opened(folder, size=(100, 34)) as user:
        await user.asks("Who answers?")
        await user.sends("/why")
        await user.sees("Who answers?", "openai answered, after", "1 first", "ServerFailed", "2 fallback")
        await user.sees("not told apart", "Skipped", "Strategy   least latency")


async def test_an_answer_in_the_transcript_is_asked_why(folder: Path, keyed: Simulated) -> None:
    says(keyed, "One.")
    async with opened(folder) as user:
        await user.asks("first question")
        says(keyed, "Two.")
        await user.asks("second question")
        await user.presses("alt+up", "alt+up", "alt+up", "w")
        await user.sees("first question", "answer 1 of 2", "1 first")
        await user.presses("right")
        await user.sees("second question", "answer 2 of 2")
        await user.presses("right", "left", "left", "left")
        await user.sees("answer 1 of 2")
        await user.presses("1")
        await user.sees("is asked next")


async def test_an_answer_of_an_earlier_run_has_its_calls_and_says_what_is_not_kept(
    folder: Path, keyed: Simulated
) -> None:
    says(keyed, "Kept.")
    async with opened(folder) as user:
        await user.asks("what is kept?")
    async with opened(folder, session="latest") as user:
        await user.sees("Kept.")
        await user.sends("/why")
        await user.sees("what is kept?", "1 first", "known only in the TensorWall that gave the answer")


async def test_a_route_that_waits_counts_down(folder: Path, keyed: Simulated) -> None:
    says(keyed, "Yes.")
    async with opened(folder) as user:
        await user.asks("hello")
        keyed.fail("rate_limited", retry_after=400)
        await user.sends("and now?")
        await user.until(lambda: not user.conversation.busy)
        await opens_routes(user)
        await user.sees("ready in")
        assert keyed.questions()[-1]["status"] == 429


async def test_a_connection_is_warm_before_it_is_needed_and_cold_where_nobody_answers(
    folder: Path, keyed: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody")
    monkeypatch.setenv("OPENAI_BASE_URL", keyed.state()["refused_url"])
    async with opened(folder, size=(140, 45)) as user:
        await opens_routes(user)
        await user.sees("Connection warm:", "in reserve")
        await user.until(lambda: _connections(user) == {"groq": "warm", "openai": "cold"})
        await user.presses("down")
        await user.sees("Connection cold: the next call opens one")
        await user.presses("escape")

        keyed.configure(text=["On"] * 500, tokens_per_second=20, reasoning="")
        await user.sends("hello")
        await user.sees("OnOn")
        await opens_routes(user)
        await user.sees("in reserve, 1 in use")
        await user.presses("escape", "escape")
        await user.until(lambda: not user.conversation.busy)


def _connections(user: User) -> dict[str, str]:
    rows = [line.split() for line in user.screen.splitlines() if line.strip()[:1] in ("1", "2")]
    return {row[1]: row[row.index("closed") + 1] for row in rows if "closed" in row}


async def test_nothing_runs_once_it_is_closed(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        screen = await opens_routes(user)
        assert screen._timers
        await user.presses("q")
        await user.until(lambda: not screen.is_attached)
        assert not screen._timers


async def test_without_an_answer_there_is_nothing_to_ask(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.sends("/why")
        await user.told("no answer yet")
        await opens_routes(user)
        await user.presses("w")
        await user.sees("no answer yet")
