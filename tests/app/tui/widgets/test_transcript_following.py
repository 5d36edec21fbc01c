"""The transcript keeps to the end, or to the place that is being read."""

from __future__ import annotations

from app.tui.transcript import Entry
from app.tui.widgets.transcript import Transcript
from tests.app.tui.widgets.conftest import Host, answers, until


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
