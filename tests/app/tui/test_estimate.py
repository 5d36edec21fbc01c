"""What the composer's border tells of a prompt before it is sent."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from app.tui.estimate import Estimate, estimate_in_words
from app.tui.live_turn import waiting_in_words
from core.chat import Waiting
from core.locations import find_locations
from tests.app.tui.conftest import User, opened, says
from tests.simulated import Simulated

PROMPT = Estimate(1_234, 8_192, Decimal("0.0012"), "Groq", 0.0)


def border(user: User) -> str:
    return str(user.chat.composer._border_subtitle or "")


def prompt_tokens(user: User) -> int:
    found = re.search(r"~(\d+)", border(user))
    return int(found[1]) if found else 0


def test_with_room_all_is_told() -> None:
    assert estimate_in_words(PROMPT, 100) == "~1.2k + up to 8.2k tokens   at most $0.0012   fits now"
    told = estimate_in_words(replace(PROMPT, output_cap=None, cost=None, has_files=True), 100)
    assert told == "~1.2k + files tokens   price unknown   fits now"


def test_what_keeps_it_is_told_last_of_all_to_go() -> None:
    waits = replace(PROMPT, ready_in=4.83)
    assert estimate_in_words(waits, 100).endswith("Groq ready in 4.8 s")
    assert estimate_in_words(waits, 19) == "Groq ready in 4.8 s"
    assert estimate_in_words(replace(PROMPT, ready_in=math.inf), 100).endswith("too large for Groq")
    short = replace(waits, left=Decimal("0.001"))
    assert estimate_in_words(short, 100).endswith("budget leaves $0.0010")
    assert estimate_in_words(replace(short, left=Decimal(1)), 100).endswith("Groq ready in 4.8 s")


@given(
    st.builds(
        Estimate,
        st.integers(0, 10**7),
        st.none() | st.integers(1, 10**6),
        st.none() | st.decimals(0, 100, places=6),
        st.sampled_from(["Groq", "OpenAI", "a server of my own"]),
        st.floats(0, 10**5) | st.just(math.inf),
        st.none() | st.decimals(0, 100, places=6),
        st.booleans(),
    ),
    st.integers(0, 150),
)
def test_it_never_is_wider_than_its_place(estimate: Estimate, width: int) -> None:
    assert cell_len(estimate_in_words(estimate, width)) <= width


def test_a_wait_counts_down() -> None:
    room = Waiting(4.8, "Groq ready in 4.8 s", predicted=True, label="Groq")
    assert waiting_in_words(room, 4.8) == "Groq ready in 4.8 s"
    assert waiting_in_words(room, 0.31) == "Groq ready in 0.3 s"
    failed = Waiting(9.0, "Groq is overloaded", label="Groq")
    assert waiting_in_words(failed, 7.2) == "Trying again in 7 s: Groq is overloaded"


async def test_it_follows_what_is_typed_and_goes_with_it(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.types("why is the sky blue")
        await user.until(lambda: "fits now" in border(user))
        assert "at most $" in border(user)
        assert border(user).strip() in user.screen
        short = border(user)
        await user.pastes(" and the sea so salty" * 20)
        await user.until(lambda: border(user) not in ("", short))
        await user.presses("ctrl+c")
        await user.until(lambda: not border(user))
        await user.types("/model x")
        await user.until(lambda: not user.chat.estimate.is_outdated)
        assert not border(user)
        assert keyed.questions() == []


async def test_it_says_when_the_route_is_ready_and_counts_down(folder: Path, keyed: Simulated) -> None:
    says(keyed, "Yes.")
    async with opened(folder) as user:
        keyed.fail("rate_limited", retry_after=400)
        await user.sends("first")
        await user.until(lambda: not user.conversation.busy)
        await user.until(lambda: "Groq ready in" in border(user))
        before = border(user)
        await user.until(lambda: border(user) != before)
        assert "Groq ready in" in border(user)


async def test_it_says_what_a_budget_leaves(folder: Path, keyed: Simulated) -> None:
    settings = find_locations().settings_file
    settings.write_text(settings.read_text("utf-8") + "[budgets.day]\nhard = 0.0001\n", "utf-8")
    async with opened(folder) as user:
        await user.types("how much is left")
        await user.until(lambda: "budget leaves $0.00010" in border(user))


async def test_a_narrow_screen_keeps_what_matters(folder: Path, keyed: Simulated) -> None:
    async with opened(folder, size=(40, 20)) as user:
        await user.types("hello")
        await user.until(lambda: border(user))
        assert cell_len(border(user)) <= 38


async def test_the_conversation_before_counts_too(folder: Path, keyed: Simulated) -> None:
    says(keyed, "word " * 400)
    async with opened(folder) as user:
        await user.types("hello")
        await user.until(lambda: border(user))
        before = prompt_tokens(user)
        await user.presses("enter")
        await user.settles(2)
        await user.types("hello")
        await user.until(lambda: prompt_tokens(user) > before + 400)
