from __future__ import annotations

from pathlib import Path

from core.locations import find_locations
from tests.app.tui.conftest import opened, says
from tests.simulated import Simulated

STILL = {"tokens_per_second": 20, "tokens": 2000, "content": "answer", "reasoning": ""}


async def test_an_answer_streams_in_and_the_strip_measures_it(folder: Path, keyed: Simulated) -> None:
    says(keyed, "The sky is blue.", limits="free")
    async with opened(folder) as user:
        await user.asks("Why is the sky blue?")
        await user.sees("Why is the sky blue?", "The sky is blue.", "via groq", "billed", "context", "left")
        status = user.chat.strip.status
        assert status.first_token is not None
        assert status.turn_cost is not None
        assert not status.turn_estimated
        assert status.session_cost is not None
        assert status.today_cost == status.session_cost
        assert user.chat.composer.text == ""


async def test_escape_stops_at_once_and_keeps_the_text(folder: Path, keyed: Simulated) -> None:
    keyed.configure(**STILL)
    async with opened(folder) as user:
        await user.sends("a long story")
        await user.until(lambda: user.chat.strip.status.state == "Answering")
        assert user.chat.strip.status.turn_estimated
        assert user.chat.strip.status.session_tokens == user.chat.strip.status.turn_tokens
        assert "~" in user.screen
        await user.presses("escape")
        await user.settles(2)
        answer = user.conversation.branch[-1]
        assert answer.state == "stopped"
        assert answer.message.text
        await user.sees("Stopped")


async def test_what_is_asked_after_a_stop_waits_for_no_handshake(folder: Path, keyed: Simulated) -> None:
    others = keyed.state()["connections_open"]
    async with opened(folder) as user:
        for asked in range(3):
            keyed.configure(**STILL)
            ahead = keyed.state()["connections_accepted"]
            await user.sends("a long story")
            await user.until(lambda: user.chat.strip.status.state == "Answering")
            if asked:
                assert keyed.questions()[-1]["connection"] <= ahead
            await user.until(lambda: keyed.state()["connections_open"] > others + 1)  # it is in reserve
            await user.presses("escape")
            await user.settles(2 * (asked + 1))


async def test_what_is_sent_while_busy_waits_its_turn_and_can_be_taken_back(
    folder: Path, keyed: Simulated
) -> None:
    keyed.configure(**{**STILL, "tokens": 100})
    async with opened(folder) as user:
        await user.sends("first")
        await user.until(lambda: user.chat.strip.status.state == "Answering")
        says(keyed, "The second answer.")
        await user.sends("second")
        await user.sends("third")
        await user.sees("2 queued")
        await user.presses("up")
        assert user.chat.composer.text == "third"
        await user.sees("1 queued")
        await user.settles(4)
        assert [m.message.text for m in user.conversation.branch if m.message.role == "user"] == [
            "first",
            "second",
        ]
        assert user.chat.composer.text == "third"


async def test_regenerating_keeps_both_answers_and_keys_switch_between_them(
    folder: Path, keyed: Simulated
) -> None:
    async with opened(folder) as user:
        says(keyed, "Heads.")
        await user.asks("Flip a coin")
        says(keyed, "Tails.")
        await user.presses("ctrl+r")
        await user.until(lambda: user.conversation.branch[-1].message.text == "Tails.")
        await user.sees("Tails.", "2/2")
        await user.presses("alt+left")
        await user.sees("Heads.", "1/2")
        assert "Tails." not in user.screen
        await user.presses("alt+right")
        await user.sees("Tails.", "2/2")


async def test_editing_an_earlier_question_branches(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        says(keyed, "Four.")
        await user.asks("two and two")
        await user.presses("ctrl+up")
        await user.sees("Editing an earlier question")
        assert user.chat.composer.text == "two and two"
        says(keyed, "Six.")
        await user.types(" and two")
        await user.presses("enter")
        await user.until(
            lambda: user.conversation.branch and user.conversation.branch[-1].message.text == "Six."
        )
        await user.sees("two and two and two", "Six.", "2/2")
        assert "Four." not in user.screen
        await user.presses("alt+left")
        await user.sees("Four.")


async def test_escape_leaves_an_edit_and_brings_the_draft_back(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.asks("hello")
        await user.types("half a thought")
        await user.presses("ctrl+up")
        await user.until(lambda: user.chat.composer.text == "hello")
        await user.presses("escape")
        await user.until(lambda: user.chat.composer.text == "half a thought")
        assert user.conversation.editing is None


async def test_a_broken_network_says_what_to_do_and_the_prompt_is_kept(
    folder: Path, keyed: Simulated
) -> None:
    keyed.fail("unauthorized")
    async with opened(folder) as user:
        await user.sends("precious words")
        await user.until(lambda: user.chat.composer.text == "precious words")
        await user.sees("Failed", "key")
        says(keyed, "All well.")
        await user.until(lambda: not user.conversation.busy)
        await user.presses("enter")
        await user.until(
            lambda: user.conversation.branch and user.conversation.branch[-1].message.text == "All well."
        )
        assert user.screen.count("precious words") == 1 + ("precious words" in user.chat.title_bar.text)


async def test_a_stream_that_breaks_keeps_what_arrived(folder: Path, keyed: Simulated) -> None:
    says(keyed, "One two three four five six seven.", faults=[{"kind": "cut", "after_tokens": 4}])
    async with opened(folder) as user:
        await user.sends("count")
        await user.settles(2)
        assert user.conversation.branch[-1].state == "failed"
        await user.sees("One two", "Failed")


async def test_a_stream_that_breaks_once_goes_on_in_the_same_answer_with_one_line(
    folder: Path, keyed: Simulated
) -> None:
    told = "One two three four five six seven eight nine ten."
    says(keyed, told, faults=[{"kind": "cut", "after_tokens": 6, "times": 1}])
    async with opened(folder) as user:
        await user.sends("count")
        await user.settles(2)
        assert user.conversation.branch[-1].message.text == told
        assert user.conversation.branch[-1].state == "complete"
        await user.sees(told, "goes on")
        assert user.screen.count("goes on") == 1
        assert "interrupted" not in user.screen.lower()


async def test_a_stall_is_shown_and_escape_ends_it(folder: Path, keyed: Simulated) -> None:
    file = find_locations().settings_file
    file.write_text('[chat]\ntitles = "first_words"\n[network]\nstall_notice = 0.3\n', "utf-8")
    says(keyed, "One two three four.", faults=[{"kind": "stall", "after_tokens": 2}])
    async with opened(folder) as user:
        await user.sends("count")
        await user.sees("No token for")
        await user.presses("escape")
        await user.settles(2)
        assert user.conversation.branch[-1].state == "stopped"


async def test_a_retired_model_moves_to_its_replacement_in_one_line(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.sends("/model gemma2-9b-it")
        await user.until(lambda: user.conversation.model == "gemma2-9b-it")
        await user.asks("hello")
        await user.until(lambda: user.conversation.branch[-1].model != "gemma2-9b-it")
        await user.sees("gemma2-9b-it", "→")


async def test_the_session_and_the_unsent_draft_are_there_after_a_restart(
    folder: Path, keyed: Simulated
) -> None:
    says(keyed, "Remember me.")
    async with opened(folder) as user:
        await user.asks("hello")
        await user.types("not sent yet")
    async with opened(folder, session="latest") as user:
        await user.sees("hello", "Remember me.", "not sent yet")
        await user.presses("ctrl+c", "up", "up")
        await user.until(lambda: user.chat.composer.text == "hello")


async def test_quitting_while_an_answer_streams_keeps_what_had_arrived(
    folder: Path, keyed: Simulated
) -> None:
    keyed.configure(**STILL)
    async with opened(folder) as user:
        await user.sends("a long story")
        await user.until(lambda: user.chat.strip.status.state == "Answering")
        await user.presses("ctrl+q")
    async with opened(folder, session="latest") as user:
        await user.until(lambda: len(user.conversation.branch) == 2)
        answer = user.conversation.branch[-1]
        assert answer.state == "stopped"
        assert answer.message.text


async def test_a_provider_can_be_changed_to_the_demo_and_says_so(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.asks("hello")
        assert "SIMULATED" not in user.screen
        await user.sends("/provider")
        await user.sees("Try the demo", "Esc close")
        await user.presses("down", "down", "enter")
        await user.sees("SIMULATED", "New session")
        await user.asks("hello again")
