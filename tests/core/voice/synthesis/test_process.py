"""The speech process from its parent's side: real eSpeak, and children that misbehave."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import psutil
import pytest

from core.errors import SynthesisFailed, VoiceUnavailable
from core.voice.audio import PcmChunk
from core.voice.synthesis.process import ProcessSynthesiser

LONG = "A sentence that goes on and on, with no end in sight. " * 400


async def spoken(synthesiser: ProcessSynthesiser, text: str) -> list[PcmChunk]:
    async with aclosing(synthesiser.speak(text)) as sound:
        return [chunk async for chunk in sound]


async def first(synthesiser: ProcessSynthesiser, text: str) -> PcmChunk:
    async with aclosing(synthesiser.speak(text)) as sound:
        return await anext(sound)


def assert_same(chunks: list[PcmChunk], others: list[PcmChunk]) -> None:
    """As long, and with its words at the same times: eSpeak's samples are never twice the same."""
    assert times(chunks) == pytest.approx(times(others), abs=0.05)


def times(chunks: list[PcmChunk]) -> list[float]:
    return [sum(chunk.seconds for chunk in chunks), *(mark.at for chunk in chunks for mark in chunk.marks)]


async def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"not in 20 seconds: {what}"
        await asyncio.sleep(0.01)


async def test_a_text_is_spoken_with_its_words(synthesiser: ProcessSynthesiser) -> None:
    text = "Hello, wörld."
    chunks = await spoken(synthesiser, text)
    marks = [mark for chunk in chunks for mark in chunk.marks]
    assert [text[mark.start : mark.end] for mark in marks] == ["Hello,", "wörld."]
    assert sum(chunk.seconds for chunk in chunks) > 0.5
    assert any(any(chunk.pcm) for chunk in chunks)


async def test_warming_starts_the_process_once_and_names_the_engine(synthesiser: ProcessSynthesiser) -> None:
    await asyncio.gather(synthesiser.warm(), synthesiser.warm())
    pid = synthesiser.pid
    assert synthesiser.label == "eSpeak en-us"
    await spoken(synthesiser, "Hello")
    assert synthesiser.pid == pid
    synthesiser.language = "de"
    assert synthesiser.label == "eSpeak de"


@pytest.mark.parametrize("text", ["", "  \n", "\0\x1b"])
async def test_nothing_to_say_asks_nobody(synthesiser: ProcessSynthesiser, text: str) -> None:
    assert await spoken(synthesiser, text) == []
    assert synthesiser.pid is None


async def test_texts_at_once_are_spoken_one_after_the_other(synthesiser: ProcessSynthesiser) -> None:
    texts = ("One.", "Number two.")
    alone = [await spoken(synthesiser, text) for text in texts]
    together = await asyncio.gather(*(spoken(synthesiser, text) for text in texts))
    for chunks, others in zip(together, alone, strict=True):
        assert_same(chunks, others)


async def test_closing_ends_the_making_and_the_next_text_is_whole(synthesiser: ProcessSynthesiser) -> None:
    whole = await spoken(synthesiser, "What was asked last.")
    pid = synthesiser.pid
    for _ in range(3):
        await first(synthesiser, LONG)
        assert_same(await spoken(synthesiser, "What was asked last."), whole)
    assert synthesiser.pid == pid


async def test_cancelling_ends_the_making_too(synthesiser: ProcessSynthesiser) -> None:
    whole = await spoken(synthesiser, "Next.")
    begun = asyncio.Event()

    async def speak() -> None:
        async with aclosing(synthesiser.speak(LONG)) as sound:
            async for _chunk in sound:
                begun.set()
                await asyncio.sleep(0)

    task = asyncio.create_task(speak())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert_same(await spoken(synthesiser, "Next."), whole)


async def test_voice_and_rate_count_from_the_next_text_on(synthesiser: ProcessSynthesiser) -> None:
    before = await spoken(synthesiser, "How fast is it?")
    synthesiser.rate = 300
    faster = await spoken(synthesiser, "How fast is it?")
    assert sum(chunk.seconds for chunk in faster) < 0.8 * sum(chunk.seconds for chunk in before)
    synthesiser.voice = "gmw/de"
    assert times(await spoken(synthesiser, "How fast is it?")) != pytest.approx(times(faster), abs=0.05)


async def test_an_unknown_voice_fails_its_text_alone(synthesiser: ProcessSynthesiser) -> None:
    synthesiser.voice = "nobody"
    with pytest.raises(SynthesisFailed, match="no voice 'nobody'") as failed:
        await spoken(synthesiser, "Hello")
    assert "tensorwall say --voices" in failed.value.hint
    pid = synthesiser.pid
    synthesiser.voice = None
    assert await spoken(synthesiser, "Hello")
    assert synthesiser.pid == pid


async def test_voices_can_be_chosen_by_the_id_that_is_listed(synthesiser: ProcessSynthesiser) -> None:
    voices = await synthesiser.voices()
    german = next(voice for voice in voices if voice.languages == ("de",))
    synthesiser.voice = german.id
    assert await spoken(synthesiser, "Hallo")
    assert synthesiser.label == f"eSpeak {german.id}"


async def test_killed_in_the_middle_it_fails_and_the_next_text_works(synthesiser: ProcessSynthesiser) -> None:
    async with aclosing(synthesiser.speak(LONG)) as sound:
        await anext(sound)
        killed = synthesiser.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(SynthesisFailed, match="ended by itself"):
            async for _chunk in sound:
                pass
    assert await spoken(synthesiser, "Here again.")
    assert synthesiser.pid not in (None, killed)


async def test_killed_between_texts_it_is_started_again(synthesiser: ProcessSynthesiser) -> None:
    await synthesiser.warm()
    process = psutil.Process(synthesiser.pid)
    process.kill()
    process.wait(20)
    with pytest.raises(SynthesisFailed):
        await spoken(synthesiser, "Lost.")
    assert await spoken(synthesiser, "Found.")


async def test_a_process_that_stands_still_is_killed_after_a_while(synthesiser: ProcessSynthesiser) -> None:
    still = ProcessSynthesiser(driver="espeak", patience=0.2)
    try:
        await still.warm()
        assert still.pid is not None
        process = psutil.Process(still.pid)
        process.suspend()
        with pytest.raises(SynthesisFailed, match="did not answer"):
            await spoken(still, "Hello")
        assert not process.is_running()
    finally:
        await still.aclose()


async def test_closing_leaves_nothing_behind() -> None:
    me = psutil.Process()
    for round_ in range(3):
        synthesiser = ProcessSynthesiser(driver="espeak")
        await spoken(synthesiser, "Hello")
        await first(synthesiser, LONG)
        await synthesiser.aclose()
        await synthesiser.aclose()
        assert synthesiser.pid is None
        await until(lambda: not any(t.name.startswith("waitpid") for t in threading.enumerate()), "no thread")
        if round_ == 0:
            before = me.num_fds()
    assert me.num_fds() <= before
    assert not [child for child in me.children() if "synthesis.child" in " ".join(child.cmdline())]


async def test_closing_while_speaking_fails_the_text(synthesiser: ProcessSynthesiser) -> None:
    async with aclosing(synthesiser.speak(LONG)) as sound:
        await anext(sound)
        await synthesiser.aclose()
        with pytest.raises(SynthesisFailed):
            async for _chunk in sound:
                pass
    with pytest.raises(SynthesisFailed, match="closed"):
        await spoken(synthesiser, "Hello")


PARENT = """
import asyncio, sys
from core.voice.synthesis.process import ProcessSynthesiser
async def main():
    synthesiser = ProcessSynthesiser(driver="espeak")
    sound = synthesiser.speak("on and on " * 4000)
    await anext(sound)
    print(synthesiser.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_the_child_ends_with_its_parent_even_in_the_middle_of_a_text(
    synthesiser: ProcessSynthesiser,
) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[4]
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child is gone")


async def test_nothing_of_the_child_reaches_our_terminal(
    capfd: pytest.CaptureFixture[str], synthesiser: ProcessSynthesiser
) -> None:
    writes_files = ProcessSynthesiser(driver="file:espeak")  # pyttsx3 prints "Audio saved to ..."
    try:
        assert await spoken(writes_files, "Hello")
    finally:
        await writes_files.aclose()
    assert capfd.readouterr() == ("", "")


# Children that misbehave, each a program of its own.

READY = """
import os, subprocess, sys, time
from core.voice.synthesis.wire import *
def send(message): os.write(1, encode(message))
"""


@asynccontextmanager
async def child(program: str, patience: float = 0.3) -> AsyncIterator[ProcessSynthesiser]:
    synthesiser = ProcessSynthesiser(patience=patience, command=[sys.executable, "-c", READY + program])
    try:
        yield synthesiser
    finally:
        await synthesiser.aclose()


async def test_an_engine_that_is_missing_is_said_with_its_mend() -> None:
    async with child('send(Failed(0, "missing", "There is no eSpeak.", "Install it."))') as synthesiser:
        for _ in range(2):
            with pytest.raises(VoiceUnavailable, match=r"There is no eSpeak\.") as missing:
                await synthesiser.warm()
            assert missing.value.hint == "Install it."
            assert synthesiser.pid is None


async def test_a_program_that_ends_at_once_is_a_failure() -> None:
    async with child("sys.exit(3)") as synthesiser:
        with pytest.raises(SynthesisFailed, match="ended by itself"):
            await synthesiser.warm()


async def test_a_program_that_is_not_there_is_a_failure() -> None:
    synthesiser = ProcessSynthesiser(command=["/nonexistent/python"])
    with pytest.raises(SynthesisFailed, match="cannot be started"):
        await synthesiser.warm()


async def test_noise_on_the_pipe_ends_the_process() -> None:
    async with child(
        'send(Ready("Noise", "")); os.write(1, b"Audio saved to nowhere"); time.sleep(60)'
    ) as synthesiser:
        with pytest.raises(SynthesisFailed, match="no message"):
            await spoken(synthesiser, "Hello")
        assert synthesiser.pid is None


async def test_a_player_that_the_engine_started_dies_with_it(tmp_path: Path) -> None:
    """As pyttsx3's own playing starts aplay: the whole group is killed."""
    pids = tmp_path / "pids"
    program = f"""
player = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
send(Ready("Stuck", ""))
open({str(pids)!r}, "w").write(str(player.pid))
time.sleep(60)
"""
    async with child(program) as synthesiser:
        with pytest.raises(SynthesisFailed, match="did not answer"):
            await spoken(synthesiser, "Hello")
        player = int(pids.read_text())
        await until(
            lambda: not psutil.pid_exists(player) or psutil.Process(player).status() == psutil.STATUS_ZOMBIE,
            "the player is gone",
        )


async def test_a_long_text_may_take_longer_to_its_first_sound() -> None:
    program = """
send(Ready("Slow", ""))
os.read(0, 65536)
time.sleep(0.6)
send(Sound(1, PcmChunk(b"ab", 8000)))
send(Done(1))
time.sleep(60)
"""
    async with child("from core.voice.audio import PcmChunk\n" + program, patience=0.2) as synthesiser:
        assert len(await spoken(synthesiser, "x" * 1000)) == 1
