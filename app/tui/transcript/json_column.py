"""JSON that may still be arriving, in a `BlockColumn`'s place."""

from __future__ import annotations

from collections.abc import Collection

from app.tui.transcript.block_column import Section, Source
from app.tui.transcript.code_layout import CodeLayout
from app.tui.transcript.json_layout import JsonLayout
from app.tui.transcript.layout import Piece
from app.tui.transcript.painted import Frame

__all__ = ("JsonColumn",)


class JsonColumn:
    """One block of JSON.

    Attributes:
        sections: the block laid out, as of the last ``sync``.
        sources: empty: what is shown is set out anew, so that nothing can be marked in it.
        codes: empty: JSON colours itself.
        layout: the block.
    """

    def __init__(self, frame: Frame, margin: Piece, folded: Collection[int]) -> None:
        self.sections: list[Section] = []
        self.sources: list[Source] = []
        self.codes: list[CodeLayout] = []
        self.layout = JsonLayout(frame, margin, folded)
        self._is_empty = True
        self._finished = False

    def feed(self, text: str) -> None:
        """Add safe text; it is laid out by ``sync``."""
        if text:
            self._is_empty = False
            self.layout.feed(text)

    def finish(self) -> None:
        """End the text."""
        if not self._finished and not self._is_empty:
            self._finished = True
            self.layout.finish()

    def sync(self) -> int:
        """Lay out what has changed; returns the first section that is not as it was."""
        if not self._is_empty:
            self.layout.update()
            self.sections = [Section(0, self.layout)]
        return 0
