"""Words, code and whole answers are selected, found and copied."""

from __future__ import annotations

from textual.selection import Selection

from app.tui.transcript import CodeBlock, Entry
from app.tui.widgets.transcript import Transcript
from tests.app.tui.widgets.conftest import LONG, Host, answers, until


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
