"""The transcript in an app of its own, which keeps what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input

from app.tui.transcript import Entry
from app.tui.widgets.transcript import Transcript

LONG = "\n".join(f"- item {n}" for n in range(60))


class Host(App[None]):
    CSS = "Input { dock: bottom; }"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Message] = []

    def compose(self) -> ComposeResult:
        yield Transcript()
        yield Input()

    def _told(self, message: Message) -> None:
        self.seen.append(message)

    on_transcript_copy_requested = _told
    on_transcript_edit_requested = _told
    on_transcript_regenerate_requested = _told
    on_transcript_branch_requested = _told
    on_transcript_link_activated = _told
    on_transcript_find_updated = _told
    on_transcript_left = _told
    on_transcript_follow_changed = _told

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    def screen_text(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        width, height = self.transcript.scrollable_content_region.size
        return [strip.crop(0, width).text.rstrip() for strip in strips[:height]]


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await pilot.pause()


def answers(count: int) -> list[Entry]:
    return [Entry("answer", f"a{n}", f"{LONG}\n\nend of {n}", header="model") for n in range(count)]
