"""Budgets in the chat: a refusal gives the prompt back, a short answer and a passed soft limit are told."""

from __future__ import annotations

from pathlib import Path

from core.locations import find_locations
from tests.app.tui.conftest import opened, says
from tests.simulated import Simulated


def limit(text: str) -> None:
    with find_locations().settings_file.open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


async def test_a_refused_prompt_comes_back_with_what_to_do(folder: Path, keyed: Simulated) -> None:
    limit("[budgets.day]\nhard = 0.0000001")
    async with opened(folder, size=(140, 45)) as user:
        await user.sends("hello")
        await user.sees("The hard limit of $0.00000010 a day", "config set budgets.day.hard")
        await user.until(lambda: user.chat.composer.text == "hello")
        assert keyed.questions() == []


async def test_a_limit_that_is_raised_holds_at_once(folder: Path, keyed: Simulated) -> None:
    limit("[budgets.day]\nhard = 0.0000001")
    says(keyed, "Now I may speak.")
    async with opened(folder) as user:
        await user.sends("hello")
        await user.until(lambda: user.chat.composer.text == "hello")
        await user.presses("f10")
        await user.types("budgets.day.hard")
        await user.presses("enter")
        await user.until(lambda: len(user.app.screen_stack) == 3)
        await user.presses("home", "ctrl+k")
        await user.types("5")
        await user.presses("enter")
        await user.until(lambda: len(user.app.screen_stack) == 2)
        await user.presses("escape")
        await user.until(lambda: user.app.screen is user.chat)
        await user.presses("enter")
        await user.sees("Now I may speak.")


async def test_a_short_answer_and_a_soft_limit_are_told_once(folder: Path, keyed: Simulated) -> None:
    limit("[budgets.session]\nsoft = 0.000001\n[budgets.day]\nhard = 0.002")
    says(keyed, "A word or two.")
    async with opened(folder, size=(120, 40)) as user:
        await user.asks("hello")
        await user.sees("money for an answer of at most", "spent this session: more than your soft limit")
        await user.asks("again")
        assert user.screen.count("more than your soft limit") == 1
