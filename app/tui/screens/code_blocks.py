"""Choosing one of an answer's code blocks by a letter."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from app.cells import MUTED, column, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.tui.transcript import CodeBlock

__all__ = ("CodeBlocksScreen",)


class CodeBlocksScreen(ModalScreen["int | None"]):
    """Closes with the block's number; a letter or a digit chooses at once."""

    CSS_PATH = "code_blocks.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close", show=False)]

    def __init__(self, blocks: Sequence[CodeBlock]) -> None:
        super().__init__()
        self._blocks = blocks[: len(ascii_lowercase)]

    def compose(self) -> ComposeResult:
        """One row a block."""
        with Vertical(id="panel") as panel:
            panel.border_title = "Copy a code block"
            yield OptionList(
                *(Option(self._row(n, block)) for n, block in enumerate(self._blocks)), markup=False
            )
            yield Static("Press a letter   Enter the highlighted one   Esc close", id="hint", markup=False)

    def on_mount(self) -> None:
        """The last block is the likeliest."""
        blocks = self.query_one(OptionList)
        blocks.highlighted = len(self._blocks) - 1
        blocks.focus()

    def _row(self, number: int, block: CodeBlock) -> Content:
        lines = block.text.splitlines()
        first = next((line for line in lines if line.strip()), "")
        return Content.assemble(
            (f" {ascii_lowercase[number]} ", "bold $warning"),
            (column(one_line(block.language) or "text", 12), "$primary"),
            (column(f"{len(lines)} lines", 10), MUTED),
            one_line(first)[:200],
        )

    def on_key(self, event: events.Key) -> None:
        """A letter or a digit names a block."""
        name = event.character or ""
        number = (
            ascii_lowercase.find(name.lower()) if name.isalpha() else int(name) - 1 if name.isdigit() else -1
        )
        if name and 0 <= number < len(self._blocks):
            event.stop()
            self.dismiss(number)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)
