"""The review by groups, and the way from a group to its sessions."""

from __future__ import annotations

from pathlib import Path

from tests.app.tui.review.conftest import Past, reviewing


async def test_enter_on_a_group_shows_its_sessions_and_no_others(past: Past, folder: Path) -> None:
    whole, longer, other = [await past.session(title) for title in ("Whole", "Longer", "Other")]
    await past.turn(whole, "why?", model="gpt-4", provider="openai")  # dearer, so it comes first
    await past.turn(longer, "why?", model="gpt-4o", provider="openai")
    await past.turn(other, "why?", model="gpt-4", provider="elsewhere")
    async with reviewing(folder, size=(110, 30)) as user:
        await user.presses("slash")
        await user.types("provider:openai")
        await user.presses("enter", "2")
        await user.sees(" gpt-4 ", " gpt-4o ")
        await user.presses("enter")
        await user.sees('Filter: model:="gpt-4" provider:openai', "1 session")
        assert "Whole" in user.screen
        assert "Longer" not in user.screen
        assert "Other" not in user.screen
        await user.presses("2", "enter")
        await user.sees('Filter: model:="gpt-4" provider:openai', "1 session")


async def test_a_filter_that_cannot_be_read_gives_way_to_the_group(past: Past, folder: Path) -> None:
    await past.turn(await past.session("Kept"), "why?", model='odd "name"')
    async with reviewing(folder, size=(110, 30)) as user:
        await user.sees("Kept")
        await user.presses("slash")
        await user.pastes("modle:x")
        await user.sees("There is no field 'modle'")
        await user.presses("tab", "2")
        await user.sees("[Model]", 'odd "name"')
        await user.presses("enter")
        await user.sees('Filter: model:="odd ""name"""', "1 session", "Kept")
        assert "There is no field" not in user.screen
