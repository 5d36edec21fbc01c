"""The whole voice loop: a real engine on a virtual sound card, real eSpeak, Whisper, and the simulator."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from app.composition import Services, Source, compose
from app.voice_reply import VoiceReply
from app.voice_services import VoiceServices, compose_voice
from core.catalogue import load_catalogue
from core.chat import Message
from core.conversations import StoredMessage
from core.locations import find_locations
from core.providers import groq_provider
from core.records import open_records
from core.settings import Settings, VoiceSettings
from core.voice.events import (
    Answered,
    FinalText,
    FirstAudio,
    Interrupted,
    LevelChanged,
    Noticed,
    ReceiptReady,
    Speaking,
    StateChanged,
    VoiceEvent,
)
from tests.simulated import Simulated
from tests.sound_server import RATE, SoundServer

ANSWER = (
    "The moon pulls the sea towards itself. The far side bulges as well, which surprises most people. "
    "The sun does the same with half the strength. Together they make the spring tides."
)


@dataclass
class Talk:
    """A voice loop that runs, and what it told."""

    services: Services
    voice: VoiceServices
    events: list[VoiceEvent] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def collect(self) -> None:
        async for event in self.voice.loop:
            if not isinstance(event, LevelChanged):
                self.events.append(event)
                self.news.set()

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind: type, count: int = 1) -> Any:
        async with asyncio.timeout(60):
            while len(self.told(kind)) < count:
                self.news.clear()
                await self.news.wait()
        return self.told(kind)[count - 1]


@asynccontextmanager
async def talking(simulator: Simulated, model: Path | str, **changes: Any) -> AsyncIterator[Talk]:
    provider = groq_provider.with_overrides(api_key=simulator.api_key, base_url=simulator.base_url)
    services = await compose(Settings(), source=Source("local", provider))
    settings = VoiceSettings(model=str(model), **{"transcriber": "local", "auto_send": "always", **changes})
    session: list[str] = []

    def reply(text: str) -> VoiceReply:
        turn = services.assistant.reply(
            session[-1] if session else None, Message(role="user", content=text), tentative=True
        )
        return VoiceReply(turn, services.records, lambda kept: session.append(kept.turn.session_id))

    voice = await compose_voice(
        services, reply, settings=settings, session=lambda: session[-1] if session else None
    )
    talk = Talk(services, voice)
    running, collecting = asyncio.create_task(voice.loop.run()), asyncio.create_task(talk.collect())
    try:
        await talk.until(StateChanged)
        yield talk
    finally:
        await voice.aclose()
        await running
        await collecting
        await services.aclose()


async def hold_key(talk: Talk, sound: SoundServer, samples: Any) -> None:
    """Press the key, say it, let go."""
    talk.voice.loop.talk_started()
    spoken = await asyncio.to_thread(sound.speak, samples)
    await asyncio.to_thread(spoken.wait)
    talk.voice.loop.talk_ended()


async def test_a_spoken_question_is_understood_answered_aloud_and_kept(
    sound: SoundServer, simulator: Simulated, whisper_weights: Path, speech: Any
) -> None:
    simulator.configure(text="Seven of clubs it is.")
    with sound.record() as speaker:
        async with talking(simulator, whisper_weights) as talk:
            await hold_key(talk, sound, loud(speech[2]))
            final = await talk.until(FinalText)
            await talk.until(Answered)
            receipt = (await talk.until(ReceiptReady)).receipt
            assert speaker.first_sound() is not None
            assert "7" in final.text or "seven" in final.text.lower()
            assert receipt.total is not None
            records = await talk.services.records()
            session = await records.conversations.latest()
            assert session is not None
            stored = await records.conversations.messages(session.id)
            assert [message.message.text for message in stored] == [final.text, "Seven of clubs it is."]
            figures = await records.voice_turns.figures(session.id)
            assert (figures.turns, figures.total and figures.total.p50) == (1, receipt.total)


async def test_silence_comes_at_once_and_the_session_keeps_what_was_heard(
    sound: SoundServer, simulator: Simulated, random_whisper: Path
) -> None:
    simulator.configure(text=ANSWER)
    with sound.record() as speaker:
        async with talking(simulator, random_whisper) as talk:
            turn = talk.services.assistant.reply(None, Message(role="user", content="Tides?"))
            talk.voice.loop.read_aloud(VoiceReply(turn, talk.services.records))
            await talk.until(Speaking, 2)  # the second clause
            assert speaker.first_sound() is not None
            stopped = time.monotonic()
            talk.voice.loop.stop()
            interrupted = await talk.until(Interrupted)
            assert interrupted.heard + interrupted.unheard == ANSWER
            assert interrupted.heard.startswith("The moon pulls")
            assert "spring" in interrupted.unheard
            last_sound = await asyncio.to_thread(speaker.wait_for_silence)
            assert last_sound < stopped + 0.5
    assert (await stored_texts(turn.session_id))[1].heard == len(interrupted.heard)


async def test_settings_that_change_are_followed_while_it_runs(
    sound: SoundServer, simulator: Simulated, random_whisper: Path
) -> None:
    simulator.configure(text=ANSWER)
    async with talking(simulator, random_whisper, mode="hands_free") as talk:
        voice = talk.voice
        transcriber, synthesiser = voice.transcriber, voice.synthesiser
        await voice.apply(voice.settings.model_copy(update={"volume": 0.5, "patience": 3.0}))
        assert (voice.transcriber, voice.synthesiser) == (transcriber, synthesiser)
        await voice.apply(voice.settings.model_copy(update={"rate": 300, "language": "de"}))
        assert voice.synthesiser is not synthesiser
        assert voice.transcriber is transcriber
        with sound.second_microphone("Headset"):
            await voice.apply(voice.settings.model_copy(update={"microphone": "Headset"}))
            turn = talk.services.assistant.reply(None, Message(role="user", content="Tides?"))
            voice.loop.read_aloud(VoiceReply(turn, talk.services.records))
            await talk.until(FirstAudio)
            voice.loop.stop()
            await talk.until(Interrupted)


async def test_a_change_is_carried_out_though_the_one_who_asked_for_it_waits_no_longer(
    sound: SoundServer, simulator: Simulated, random_whisper: Path
) -> None:
    async with talking(simulator, random_whisper) as talk:
        voice = talk.voice
        with sound.second_microphone("Headset"):
            other = voice.settings.model_copy(update={"microphone": "Headset"})
            changing = asyncio.create_task(voice.apply(other))
            await asyncio.sleep(0.01)
            assert voice.settings == other  # under way
            changing.cancel()
            await asyncio.wait([changing])
            await voice.apply(voice.settings.model_copy(update={"volume": 0.5}))
            assert voice.loop.microphone_name == "Headset"


async def test_while_groq_listens_in_place_of_this_machine_nothing_is_transcribed_on_a_guess(
    sound: SoundServer, simulator: Simulated, speech: Any
) -> None:
    simulator.configure(text="Seven of clubs it is.", heard="Seven of clubs.")
    with_a_pause = np.concatenate([loud(speech[2]), np.zeros(RATE // 2, np.float32), loud(speech[2])])
    async with talking(simulator, "base", transcriber="auto") as talk:
        await talk.until(Noticed)
        await hold_key(talk, sound, with_a_pause)
        await talk.until(Answered)
    assert (await booked_features()).count("transcription") == 1


async def test_without_weights_groq_listens_and_that_is_said(
    sound: SoundServer, simulator: Simulated, speech: Any
) -> None:
    simulator.configure(text="Seven of clubs it is.", heard="Seven of clubs.")
    async with talking(simulator, "base", transcriber="auto") as talk:
        assert "Groq" in (await talk.until(Noticed)).text
        await hold_key(talk, sound, loud(speech[2]))
        assert (await talk.until(FinalText)).text == "Seven of clubs."
        await talk.until(Answered)
    assert "transcription" in await booked_features()


async def test_groq_speaks_where_it_is_chosen(
    sound: SoundServer, simulator: Simulated, random_whisper: Path
) -> None:
    simulator.configure(text="Seven of clubs it is.")
    async with talking(simulator, random_whisper, synthesiser="groq", voice="hannah") as talk:
        turn = talk.services.assistant.reply(None, Message(role="user", content="Which?"))
        talk.voice.loop.read_aloud(VoiceReply(turn, talk.services.records))
        await talk.until(Answered)
        assert talk.told(FirstAudio)
    assert sorted(await booked_features()) == ["chat", "speech"]


async def test_nothing_is_left_when_it_ends(
    sound: SoundServer, simulator: Simulated, random_whisper: Path
) -> None:
    process = psutil.Process()
    simulator.configure(text="Seven of clubs it is.")

    async def left_over() -> tuple[set[str], list[psutil.Process], int]:
        async with talking(simulator, random_whisper) as talk:
            turn = talk.services.assistant.reply(None, Message(role="user", content="Which?"))
            talk.voice.loop.read_aloud(VoiceReply(turn, talk.services.records))
            await talk.until(Answered)
        # asyncio keeps the threads of `to_thread`; the storage's ends a moment after its last work
        others = ("asyncio_", "tensorwall-storage")
        threads = {thread.name for thread in threading.enumerate() if not thread.name.startswith(others)}
        return threads, process.children(), process.num_fds()

    await left_over()
    threads, children, descriptors = await left_over()
    later_threads, later_children, later_descriptors = await left_over()
    assert later_threads == threads
    assert later_children == children
    assert later_descriptors <= descriptors


async def stored_texts(session_id: str) -> list[StoredMessage]:
    records = await open_records(find_locations().database_file, load_catalogue())
    try:
        return await records.conversations.messages(session_id)
    finally:
        await records.aclose()


async def booked_features() -> list[str]:
    records = await open_records(find_locations().database_file, load_catalogue())
    try:
        return [row.feature for row in await records.ledger.rows()]
    finally:
        await records.aclose()


def loud(clip: Any) -> Any:
    """A recorded sentence at the microphone's rate."""
    import soxr

    return soxr.resample(clip.samples(), 16_000, RATE).astype("float32")
