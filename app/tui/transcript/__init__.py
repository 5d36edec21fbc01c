"""The transcript's model, splitter and renderer; the widget is ``app.tui.widgets.transcript``."""

from app.tui.transcript.entry import AnswerState, CodeBlock, Entry, EntryId, EntryKind

__all__ = ("AnswerState", "CodeBlock", "Entry", "EntryId", "EntryKind")
