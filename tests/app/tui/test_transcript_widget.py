from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import textual
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.selection import Selection
from textual.strip import Strip
from textual.widgets import Input

from app.tui.transcript import CodeBlock, Entry
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


def test_the_textual_that_its_internals_were_read_in() -> None:
    """``Transcript`` leans on: ``render_lines`` being all that the compositor paints of a widget and
    ``render_line`` what it looks for offsets in, ``set_reactive`` on ``virtual_size`` and ``scroll_y``
    without a layout, and selections as ordered pairs of offsets. Read those again, then raise this.
    """
    assert textual.__version__ == "8.2.8"


async def test_the_first_token_is_shown_at_once_and_the_rest_with_the_frames() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.add_user("q", "Hi", time="14:02")
        app.transcript.begin_answer("a", "model · provider")
        app.transcript.append_text("a", "Hel")
        app.transcript.append_text("a", "lo **wor")
        await until(pilot, lambda: any("Hello wor" in line for line in app.screen_text()))
        app.transcript.finish_answer("a", footer="812 tok/s")
        await until(pilot, lambda: any("812 tok/s" in line for line in app.screen_text()))
        text = "\n".join(app.screen_text())
        assert "Hi" in text
        assert "14:02" in text
        assert "model · provider" in text
        assert "Hello **wor" in text  # it never was closed


async def test_no_timer_runs_while_nothing_streams() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.begin_answer("a")
        app.transcript.append_text("a", "x")
        assert app.transcript._frames is not None
        await until(pilot, lambda: app.transcript._frames is None)
        app.transcript.append_text("a", "y")
        assert app.transcript._frames is not None


async def test_it_follows_the_end_until_the_reader_scrolls_up_and_counts_what_is_new() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        transcript = app.transcript
        transcript.load(answers(3))
        await pilot.pause()
        assert any("end of 2" in line for line in app.screen_text())
        transcript.focus()
        await pilot.press("pageup")
        await pilot.pause()
        assert not transcript.following
        before = app.screen_text()[:-1]
        transcript.begin_answer("new")
        transcript.append_text("new", "1\n\n2\n\n3")
        await until(pilot, lambda: any("new lines" in line for line in app.screen_text()))
        assert app.screen_text()[:-1] == before
        assert "↓ 6 new lines" in app.screen_text()[-1]
        await pilot.press("end")
        await until(pilot, lambda: transcript.following)
        await pilot.pause()
        assert "3" in app.screen_text()[-1]
        assert not any("new line" in line for line in app.screen_text())


async def test_clicking_the_pill_goes_to_the_end() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.load(answers(3))
        await pilot.pause()
        app.transcript.scroll_to(y=0)
        app.transcript.add_notice("Groq is rate limited; answered by OpenAI")
        await until(pilot, lambda: "new line" in app.screen_text()[-1])
        await pilot.click(Transcript, offset=(29, app.transcript.size.height - 1))
        await until(pilot, lambda: app.transcript.following)


async def test_keys_scroll_without_moving_what_was_read() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        transcript = app.transcript
        transcript.load(answers(40))
        transcript.focus()
        await pilot.pause()
        for _ in range(30):
            before = app.screen_text()
            await pilot.press("up")
            await pilot.pause()
            assert app.screen_text()[1:] == before[:-1]
        await pilot.press("home")
        await pilot.pause()
        assert transcript.scroll_offset.y == 0
        assert "model" in app.screen_text()[0]


async def test_a_new_width_wraps_anew_and_keeps_the_place() -> None:
    async with Host().run_test(size=(80, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.load([Entry("answer", n, f"{n} " + "word " * 150) for n in range(60)])
        await pilot.pause()
        app.transcript.scroll_to(y=app.transcript.max_scroll_y // 2)
        await pilot.pause()
        position = app.transcript._document.position_at(app.transcript.scroll_offset.y)
        assert position is not None
        await pilot.resize_terminal(50, 20)
        await until(
            pilot,
            lambda: (
                app.transcript._document.frame.width == app.transcript.scrollable_content_region.width - 1
            ),
        )
        await pilot.pause()
        now = app.transcript._document.position_at(app.transcript.scroll_offset.y)
        assert now is not None
        assert (now.entry, now.section) == (position.entry, position.section)
        assert abs(now.offset - position.offset) < 60
        assert max(map(len, app.screen_text())) <= 50


async def test_a_drag_over_code_copies_the_code_alone() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.load([Entry("answer", "a", "Text.\n\n```py\nx = 1\n    y = 2\n```", header="model")])
        await pilot.pause()
        rows = app.screen_text()
        first = next(y for y, row in enumerate(rows) if "x = 1" in row)
        await pilot.mouse_down(Transcript, offset=(0, first))
        await pilot.hover(Transcript, offset=(50, first + 1))
        await pilot.mouse_up(Transcript, offset=(50, first + 1))
        assert app.screen.get_selected_text() == "x = 1\n    y = 2"
        await pilot.press("tab", "shift+tab")
        app.transcript.focus()
        await pilot.press("y")
        await until(pilot, lambda: any(isinstance(m, Transcript.CopyRequested) for m in app.seen))
        (copied,) = [m for m in app.seen if isinstance(m, Transcript.CopyRequested)]
        assert copied.text == "x = 1\n    y = 2"


async def test_the_selection_stays_on_its_words_while_the_page_grows_and_is_wrapped() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.load([Entry("answer", "a", "alpha beta gamma", header="model")])
        await pilot.pause()
        await pilot.click(Transcript, offset=(9, 1), times=2)
        assert app.screen.get_selected_text() == "beta"
        app.transcript.begin_answer("b")
        app.transcript.append_text("b", LONG)
        await pilot.resize_terminal(30, 20)
        await pilot.pause()
        assert app.screen.get_selected_text() == "beta"


async def test_all_of_it_can_be_selected() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.transcript.load(answers(2))
        await pilot.pause()
        app.screen.selections = {app.transcript: Selection(None, None)}
        text = app.screen.get_selected_text()
        assert text is not None
        assert text.startswith("model\n- item 0")
        assert text.rstrip().endswith("end of 1")


async def test_the_block_cursor_copies_edits_and_regenerates() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        transcript = app.transcript
        transcript.load(
            [
                Entry("user", "q", "Question", branch=(1, 2)),
                Entry("answer", "a", "Answer\n\n```py\nx = 1\n```"),
            ]
        )
        transcript.focus()
        await pilot.press("alt+up", "y", "alt+up", "y", "r", "alt+up", "e", "right_square_bracket", "escape")
        await until(pilot, lambda: any(isinstance(m, Transcript.Left) for m in app.seen))
        told = [m for m in app.seen if not isinstance(m, Transcript.FollowChanged)]
        assert [type(message).__name__ for message in told] == [
            "CopyRequested",
            "CopyRequested",
            "RegenerateRequested",
            "EditRequested",
            "BranchRequested",
            "Left",
        ]
        code, answer, regenerate, edit, branch = told[:5]
        assert isinstance(code, Transcript.CopyRequested)
        assert (code.text, code.what) == ("x = 1", "code block")
        assert isinstance(answer, Transcript.CopyRequested)
        assert answer.text.startswith("Answer\n\n```py")
        assert isinstance(regenerate, Transcript.RegenerateRequested)
        assert regenerate.id == "a"
        assert isinstance(edit, Transcript.EditRequested)
        assert edit.id == "q"
        assert isinstance(branch, Transcript.BranchRequested)
        assert (branch.id, branch.step) == ("q", 1)


async def test_copying_by_call() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        transcript = app.transcript
        assert not transcript.copy_answer()
        assert not transcript.copy_code_block()
        transcript.load([Entry("answer", 1, "```a\n1\n```\n```b\n2\n```"), Entry("answer", 2, "none")])
        assert transcript.code_blocks() == [CodeBlock("a", "1"), CodeBlock("b", "2")]
        assert transcript.code_blocks(2) == []
        assert transcript.copy_code_block(0)
        assert not transcript.copy_code_block(2)
        assert transcript.copy_answer()
        await until(pilot, lambda: len([m for m in app.seen if isinstance(m, Transcript.CopyRequested)]) == 2)
        assert [m.text for m in app.seen if isinstance(m, Transcript.CopyRequested)] == ["1", "none"]


async def test_find_goes_through_history_that_was_never_shown() -> None:
    async with Host().run_test(size=(60, 20)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        transcript = app.transcript
        transcript.load(answers(100))
        await pilot.pause()

        def last() -> tuple[int, int]:
            updates = [m for m in app.seen if isinstance(m, Transcript.FindUpdated)]
            return (updates[-1].current, updates[-1].total) if updates else (-1, -1)

        transcript.find("end of 7")
        await until(pilot, lambda: last() == (11, 11))
        transcript.find_next()
        await until(pilot, lambda: last() == (1, 11))
        await pilot.pause()
        assert any("end of 7" in line for line in app.screen_text())
        transcript.find_previous()
        await until(pilot, lambda: last() == (11, 11))
        transcript.find("nowhere")
        await until(pilot, lambda: last() == (0, 0))
        transcript.find("")
        transcript.find_next()
        await until(pilot, lambda: last() == (0, 0))


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


def painted_with(app: Host, style: str) -> str:
    """The text on screen that has the background or colour of a style of the transcript."""
    wanted = getattr(app.transcript._document.frame.theme, style)
    found = []
    for strip in app.transcript.render_lines(app.transcript.size.region):
        for text, base, _ in strip:
            if base and text.strip() and (base + wanted) == base:
                found.append(text)
    return "".join(found)


async def test_the_clause_that_is_read_aloud_is_marked_and_moves_on() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.begin_answer("a")
        app.transcript.append_text("a", "The **first** one. And a second.")
        await until(pilot, lambda: "second" in "".join(app.screen_text()))
        app.transcript.mark_spoken("a", 0, 18)
        await pilot.pause()
        assert painted_with(app, "spoken") == "The first one."
        app.transcript.mark_spoken("a", 19, 32)
        await pilot.pause()
        assert painted_with(app, "spoken") == "And a second."
        app.transcript.mark_spoken(None)
        await pilot.pause()
        assert painted_with(app, "spoken") == ""


async def test_what_was_not_heard_is_dimmed_now_and_after_loading() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.load([Entry("answer", "a", "Heard this. Not that.", heard=12)])
        await pilot.pause()
        assert painted_with(app, "unheard") == "Not that."
        app.transcript.mark_heard("a", None)
        await pilot.pause()
        assert painted_with(app, "unheard") == ""
        app.transcript.mark_heard("a", 0)
        await pilot.pause()
        assert painted_with(app, "unheard") == "Heard this. Not that."


async def test_only_a_reader_at_the_end_is_taken_along_by_what_is_read_aloud() -> None:
    app = Host()
    text = "\n\n".join(f"Paragraph {n}." for n in range(60))
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.load([Entry("answer", "a", text)])
        await pilot.pause()
        app.transcript.mark_spoken("a", 0, 12)
        await until(pilot, lambda: "Paragraph 0." in "".join(app.screen_text()))
        later = text.index("Paragraph 30.")
        app.transcript.mark_spoken("a", later, later + 13)
        await until(pilot, lambda: "Paragraph 30." in "".join(app.screen_text()))
        app.transcript.scroll_to(y=40, animate=False)
        await pilot.pause()
        app.transcript.mark_spoken("a", 0, 12)
        await pilot.pause()
        assert app.transcript.scroll_offset.y == 40
