"""Spoken questions and their answers in the conversation, and typed ones that are read aloud."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from core.chat import TextDelta
from core.locations import find_locations
from core.voice.events import (
    Answered,
    AnswerFailed,
    FinalText,
    Interrupted,
    ReceiptReady,
    Speaking,
    StateChanged,
)
from core.voice.receipt import Receipt
from core.voice.reply import Reply
from core.voice.spoken_text.clause import Clause, Piece
from tests.app.tui.conftest import says
from tests.app.tui.voice.conftest import talking
from tests.simulated import Simulated


async def text_of(reply: Reply) -> str:
    return "".join([event.text async for event in reply if isinstance(event, TextDelta)])


async def test_a_spoken_question_is_shown_and_stored_once_it_is_wanted(
    folder: Path, keyed: Simulated
) -> None:
    says(keyed, "Half past nine.")
    async with talking(folder) as user:
        await user.opens_voice()
        reply = user.script.loop.replier("What is the time?")
        assert await text_of(reply) == "Half past nine."
        assert "What is the time?" not in user.screen
        await reply.keep()
        await user.settles(2)
        await user.sees("What is the time?", "Half past nine.")
        assert [stored.message.text for stored in user.conversation.branch] == [
            "What is the time?",
            "Half past nine.",
        ]


async def test_what_was_asked_early_and_dropped_leaves_no_trace(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        reply = user.script.loop.replier("What is")
        await text_of(reply)
        await reply.aclose()
        assert user.conversation.branch == []
        assert not user.conversation.busy
        assert reply.cost is not None
        assert reply.cost > 0


async def test_a_spoken_question_waits_for_the_typed_one_and_knows_its_answer(
    folder: Path, keyed: Simulated
) -> None:
    says(keyed, "word " * 60, tokens_per_second=100)
    async with talking(folder) as user:
        await user.opens_voice()
        await user.sends("typed")
        await user.until(keyed.questions)
        reply = user.script.loop.replier("spoken")
        await reply.keep()
        await text_of(reply)
        await user.settles(4)
        sent = keyed.questions()[-1]["body"]["messages"]
        assert [message["role"] for message in sent[-3:]] == ["user", "assistant", "user"]


async def test_the_clause_is_marked_and_what_was_not_heard_is_dimmed(folder: Path, keyed: Simulated) -> None:
    says(keyed, "One is heard. Two is not.")
    async with talking(folder) as user:
        await user.opens_voice()
        loop = user.script.loop
        reply = loop.replier("count")
        await reply.keep()
        await text_of(reply)
        await user.settles(2)
        clause = Clause(0, 0, 13, "One is heard.", (Piece(0, 0, 13, True),))
        loop.tells(StateChanged("speaking"), Speaking(1, clause))
        await user.until(lambda: user.chat.transcript._spoken)
        loop.tells(Interrupted(1, "One is heard.", " Two is not.", "key"), Speaking(1, None))
        await user.until(lambda: user.chat.transcript.entries[-1].heard == 13)
        await user.until(lambda: user.chat.transcript._spoken is None)


async def test_the_receipt_follows_the_answer(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        receipt = Receipt(1, 0.21, 0.0, 0.143, 0.092, 0.445, 3, 1, Decimal("0.000021"))
        user.script.loop.tells(StateChanged("speaking"), ReceiptReady(receipt))
        user.script.loop.tells(Answered(1, ""), StateChanged("ready"))
        await user.until(lambda: user.chat.transcript.entries)
        assert user.chat.transcript.entries[-1].text == (
            "445 ms to first sound: endpoint 210 ms + transcript 0 ms + first token 143 ms + voice 92 ms"
            " · 1 of 3 done ahead discarded, ~$0.000021"
        )


async def test_a_dictated_question_that_is_sent_by_hand_is_read_aloud(folder: Path, keyed: Simulated) -> None:
    says(keyed, "Read me.")
    async with talking(folder) as user:
        await user.opens_voice()
        loop = user.script.loop
        loop.tells(StateChanged("recording"), FinalText(1, "Say it.", sent=False), StateChanged("ready"))
        await user.until(lambda: user.chat.composer.text == "Say it.")
        await user.presses("enter")
        await user.settles(2)
        assert len(loop.read) == 1
        assert await text_of(loop.read[0]) == "Read me."
        await user.asks("typed")
        assert len(loop.read) == 1


async def test_every_answer_is_read_aloud_where_the_settings_say_so(folder: Path, keyed: Simulated) -> None:
    file = find_locations().settings_file
    file.write_text('[chat]\ntitles = "first_words"\n[voice]\nspeak = "always"\n', "utf-8")
    says(keyed, "Aloud.")
    async with talking(folder) as user:
        await user.asks("typed")
        await user.until(lambda: user.script.voices and user.script.loop.read)
        assert await text_of(user.script.loop.read[0]) == "Aloud."


async def test_the_last_answer_can_be_read_again(folder: Path, keyed: Simulated) -> None:
    says(keyed, "Once more.")
    async with talking(folder) as user:
        await user.sends("/read")
        await user.told("no answer to read")
        await user.asks("hello")
        await user.sends("/read")
        await user.until(lambda: user.script.voices and user.script.loop.read)
        assert await text_of(user.script.loop.read[0]) == "Once more."


async def test_the_words_of_the_conversation_are_listened_for(folder: Path, keyed: Simulated) -> None:
    says(keyed, "Use asyncio.TaskGroup.")
    async with talking(folder) as user:
        await user.opens_voice()
        await user.asks("how")
        assert "asyncio.TaskGroup" in user.script.words()


async def test_what_groq_hears_and_speaks_is_booked_to_the_session(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        assert user.script.session() is None  # nothing is stored yet
        await user.asks("how")
        assert user.script.session() == user.chat.conversation.session.id


async def test_a_session_that_began_by_voice_goes_on_with_the_chats_own_model(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        reply = user.script.loop.replier("spoken")
        await reply.keep()
        await text_of(reply)
        await user.settles(2)
        await user.asks("typed")
        spoken, typed = (question["body"]["model"] for question in keyed.questions()[:2])
        catalogue = user.conversation.services.catalogue
        assert catalogue.voice_model.endswith(spoken)
        assert catalogue.default_model.endswith(typed)


async def test_an_answer_that_fails_is_told_once(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        failed = AnswerFailed("Nobody answered.", "Try again.")
        user.script.loop.tells(failed, StateChanged("listening"))
        await user.until(lambda: user.bar.startswith("listening"))
        assert "Nobody answered." not in user.toasts


async def test_what_a_session_cost_tells_how_quick_its_spoken_turns_were(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        reply = user.script.loop.replier("spoken")
        await reply.keep()
        await text_of(reply)
        await user.settles(2)
        await user.sends("/cost")
        await user.sees("1 turn", "billed")
        assert "spoken turn" not in user.screen
        await reply.book(Receipt(1, 0.21, 0.0, 0.143, 0.092, 0.445, 1, 0, None))
        await user.presses("r")
        await user.sees("1 spoken turn · to the first sound: half within 445 ms, 95 % within 445 ms")


async def test_what_was_heard_is_shown_also_when_the_microphone_is_closed_meanwhile(
    folder: Path, keyed: Simulated
) -> None:
    says(keyed, "One is heard. Two is not.")
    async with talking(folder) as user:
        await user.opens_voice()
        loop = user.script.loop
        reply = loop.replier("count")
        await reply.keep()
        await text_of(reply)
        await user.settles(2)
        loop.tells(StateChanged("speaking"))
        loop.last_words = [Interrupted(1, "One is heard.", " Two is not.", "key"), StateChanged("off")]
        await user.sends("/voice off")
        await user.until(lambda: user.chat.transcript.entries[-1].heard == 13)
        await user.until(lambda: not user.chat.voice.is_open)
        assert user.script.voice.closed


async def test_another_session_is_not_read_the_answer_of_the_one_before(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.asks("hello")
        await user.sends("/read")
        await user.until(lambda: user.script.loop.read)
        user.script.loop.tells(StateChanged("speaking"))
        await user.sends("/new")
        await user.until(lambda: user.script.loop.commands == ["stop"])
