"""What is read aloud is marked, and what was not heard is dimmed."""

from __future__ import annotations

from app.tui.transcript import Entry
from tests.app.tui.widgets.conftest import Host, until


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
