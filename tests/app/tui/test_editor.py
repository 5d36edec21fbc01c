"""Writing the prompt in an editor of one's own."""

from __future__ import annotations

from pathlib import Path

from app.terminal import Terminal
from tests.app.tui.conftest import opened
from tests.simulated import Simulated


async def test_an_editor_that_cannot_be_read_is_told_and_the_prompt_kept(
    keyed: Simulated, folder: Path
) -> None:
    async with opened(folder) as user:
        user.app.terminal = Terminal(remote=True, editor="vi 'half")
        await user.types("so far")
        await user.presses("ctrl+g")
        await user.told("The EDITOR variable cannot be read")
        assert user.chat.composer.text == "so far"
