"""A small application around the transcript that feeds itself: what the benchmark runs by default."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.widgets import Input

from app.tui.themes import THEMES
from app.tui.transcript import Entry
from app.tui.widgets.transcript import Transcript
from tests.bench.tui.answers import earlier_answer, tokens


class Host(App[None]):
    """A transcript above an input; Enter starts the answer."""

    CSS = "Input { dock: bottom; }"
    BINDINGS: ClassVar = [("ctrl+o", "theme", "Theme")]

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options

    def compose(self) -> ComposeResult:
        yield Transcript()
        field = Input(placeholder="ready")
        field.cursor_blink = False
        yield field

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.options.theme
        entries: list[Entry] = []
        for number in range(self.options.history // 2):
            entries.append(Entry("user", f"q{number}", f"Question {number}: how does it work?", time="14:02"))
            text = earlier_answer(number)
            entries.append(
                Entry("answer", f"a{number}", text, header="openai/gpt-oss-120b · Groq", time="14:02")
            )
        if self.options.show:
            entries.append(Entry("user", "q", "Show me **everything** [b]you[/b] have.", time="14:02"))
            text = Path(self.options.show).read_text(encoding="utf-8")
            footer = "812 tok/s · 0.21 s to first token · 1,024 tokens · $0.0004"
            entries.append(
                Entry("answer", "a", text, "openai/gpt-oss-120b · Groq", "14:02", footer, reasoning="Hm.")
            )
        self.query_one(Transcript).load(entries)
        self.query_one(Input).focus()

    def action_theme(self) -> None:
        self.theme = "tensorwall-light" if self.theme == "tensorwall" else "tensorwall"

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.input.clear()
        self.run_worker(self._answer())

    async def _answer(self) -> None:
        options, transcript = self.options, self.query_one(Transcript)
        transcript.add_user("question", "Tell me more.")
        transcript.begin_answer("answer", "openai/gpt-oss-120b · Groq")
        started = time.monotonic()
        sent: list[float] = []
        for number, token in enumerate(tokens(options.shape, options.tokens)):
            wait = started + number / options.rate - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            transcript.append_text("answer", token)
            if number in (0, options.tokens - 1):
                sent.append(time.monotonic())
                self._log(sent)
        transcript.finish_answer("answer", footer="done")

    def _log(self, sent: list[float]) -> None:
        if self.options.log:
            lines = (f"{name} {at}\n" for name, at in zip(("first", "last"), sent, strict=False))
            Path(self.options.log).write_text("".join(lines), encoding="ascii")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", default="mixed")
    parser.add_argument("--tokens", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--history", type=int, default=0)
    parser.add_argument("--theme", default="tensorwall")
    parser.add_argument("--log", default="")
    parser.add_argument("--show", default="", help="a Markdown file to show as an answer")
    Host(parser.parse_args()).run()


if __name__ == "__main__":
    main()
