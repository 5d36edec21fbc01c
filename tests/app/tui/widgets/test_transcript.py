"""What the transcript shows, at any size."""

from __future__ import annotations

import pytest
import textual
from textual.app import ComposeResult
from textual.strip import Strip
from textual.widgets import Input

from app.tui.transcript import Entry
from app.tui.widgets.transcript import Transcript
from tests.app.tui.widgets.conftest import Host, answers, until


def test_the_textual_that_its_internals_were_read_in() -> None:
    """``Transcript`` leans on: ``render_lines`` being all that the compositor paints of a widget and
    ``render_line`` what it looks for offsets in, ``set_reactive`` on ``virtual_size`` and ``scroll_y``
    without a layout, and selections as ordered pairs of offsets. Read those again, then raise this.
    """
    assert textual.__version__ == "8.2.8"


async def test_links_are_told_and_only_harmless_ones() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.load([Entry("answer", 1, "[bad](javascript:x) [good](https://a.b/c)", header="model")])
        await pilot.pause()
        await pilot.click(Transcript, offset=(3, 1))
        await pilot.click(Transcript, offset=(8, 1))
        await until(pilot, lambda: any(isinstance(m, Transcript.LinkActivated) for m in app.seen))
        assert [m.url for m in app.seen if isinstance(m, Transcript.LinkActivated)] == ["https://a.b/c"]


async def test_reasoning_is_folded_and_unfolded() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.load([Entry("answer", 1, "The answer", header="model", reasoning="the thought")])
        await pilot.pause()
        assert not any("the thought" in line for line in app.screen_text())
        await pilot.click(Transcript, offset=(4, 1))
        await until(pilot, lambda: any("the thought" in line for line in app.screen_text()))
        app.transcript.focus()
        await pilot.press("t")
        await until(pilot, lambda: not any("the thought" in line for line in app.screen_text()))
        app.transcript.show_reasoning = True
        app.transcript.load([Entry("answer", 2, "Another", reasoning="more thought")])
        await until(pilot, lambda: any("more thought" in line for line in app.screen_text()))


async def test_code_is_coloured_in_the_colours_of_the_theme() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)

        def strip() -> Strip:
            rows = app.transcript.render_lines(app.transcript.size.region)
            return next(row for row in rows if "def" in row.text)

        def colour() -> object:
            return next(segment.style.color for segment in strip() if segment.text == "def" and segment.style)

        app.transcript.load([Entry("answer", 1, "```python\ndef f(): pass\n```")])
        await until(pilot, lambda: any(segment.text == "def" for segment in strip()))
        dark = colour()
        app.theme = "textual-light"
        await until(pilot, lambda: colour() != dark)


async def test_markup_in_what_is_shown_is_text() -> None:
    nasty = "[bold]x[/bold] [@click=app.exit]y[/] \x1b[31mz"
    async with Host().run_test(size=(80, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.add_user("q", nasty)
        app.transcript.begin_answer("a", nasty)
        app.transcript.append_text("a", nasty)
        app.transcript.add_notice(nasty)
        app.transcript.add_error(nasty, nasty)
        await until(pilot, lambda: sum("[@click=app.exit]y[/]" in line for line in app.screen_text()) == 6)
        assert not any("\x1b" in line for line in app.screen_text())


async def test_everything_after_a_message_can_be_removed() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        transcript = app.transcript
        transcript.load(answers(5))
        transcript.rename("a1", 7)
        transcript.remove_after(7)
        assert [entry.id for entry in transcript.entries] == ["a0", 7]
        await until(pilot, lambda: any("end of 1" in line for line in app.screen_text()))
        transcript.remove_after(None)
        await until(pilot, lambda: not any(app.screen_text()))


@pytest.mark.parametrize("size", [(80, 24), (10, 4), (1, 1)])
async def test_it_draws_at_any_size(size: tuple[int, int]) -> None:
    source = "# H\n\n- a\n  - b\n\n> q\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nx = 1\n```\n\n---\n中文👍"
    async with Host().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.load(
            [Entry("user", "q", "Q", time="14:02"), Entry("answer", "a", source, "m", "14:02")]
        )
        await pilot.pause()
        app.transcript.scroll_to(y=0)
        await pilot.pause()
        assert len(app.transcript.render_lines(app.transcript.size.region)) == app.transcript.size.height


async def test_it_may_be_filled_before_it_is_on_screen() -> None:
    class Early(Host):
        def compose(self) -> ComposeResult:
            transcript = Transcript()
            transcript.load([Entry("user", "q", "early")])
            transcript.begin_answer("a")
            transcript.append_text("a", "bird")
            yield transcript
            yield Input()

    async with Early().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        await until(pilot, lambda: any("bird" in line for line in app.screen_text()))
