"""``kill -9`` in the middle of an answer: the question and what was on screen are still there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.catalogue import load_catalogue
from core.records import Records, open_records
from tests.simulated import Simulated

ROOT = Path(__file__).parents[2]
_PROGRAM = """
import asyncio, sys
from functools import partial
from core.assistant import Assistant
from core.catalogue import load_catalogue
from core.chat import Message, ReasoningDelta, TextDelta
from core.providers import groq_provider
from core.records import LazyRecords, open_records
from core.routing import LLMRouter, RouteEndpoint
from core.settings import ChatSettings

async def main(location, base_url, api_key):
    catalogue = load_catalogue()
    router = LLMRouter(catalogue=catalogue)
    provider = groq_provider.with_overrides(api_key=api_key, base_url=base_url)
    router.add_route("*", [RouteEndpoint(provider=provider)])
    records = LazyRecords(partial(open_records, location, catalogue))
    await records()  # as the screen does, before anyone can type
    turn = Assistant(router, catalogue, ChatSettings(), records).reply(
        None, Message(role="user", content="Count."))
    print(turn.session_id, flush=True)
    async for event in turn:
        if isinstance(event, TextDelta):
            print(event.text.strip(), flush=True)

asyncio.run(main(*sys.argv[1:]))
"""
TOKENS = [f"{number} " for number in range(1_000)]

Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(location: str | Path, simulator: Simulated) -> Iterator[Start]:
    """Start a TensorWall that asks one question and prints the answer's tokens, one a line."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _PROGRAM, str(location), simulator.base_url, simulator.api_key]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def read_tokens(process: subprocess.Popen[str], count: int) -> str:
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(count)]
    assert all(lines), process.stderr and process.stderr.read()
    return "".join(f"{line.strip()} " for line in lines)


async def reopen(location: str | Path) -> Records:
    return await open_records(location, load_catalogue())


async def reopen_after_a_crash(location: str | Path) -> Records:
    """The next TensorWall finishes what the crash left; on a server, once that has heard of the crash."""
    records = await reopen(location)
    while any(row.outcome == "running" for row in await records.ledger.rows()):
        await records.aclose()
        records = await reopen(location)
    return records


async def last_text(records: Records, session_id: str) -> str:
    return (await records.conversations.messages(session_id))[-1].message.text


@pytest.mark.parametrize("count", [1, 60, 300])
async def test_an_answer_survives_kill_9(
    location: str | Path, simulator: Simulated, start: Start, count: int
) -> None:
    simulator.configure(text=TOKENS, tokens_per_second=300, first_token_ms=1_000, reasoning="Let me count.")
    process = start()
    session_id = process.stdout.readline().strip()
    shown = read_tokens(process, count)
    kill(process)

    records = await reopen_after_a_crash(location)
    question, answer = await records.conversations.messages(session_id)
    assert question.message.text == "Count."
    assert answer.state == "interrupted"
    assert "Let me count.".startswith(answer.message.reasoning or "")
    kept = answer.message.text
    everything = "".join(TOKENS)
    assert everything.startswith(kept)
    assert kept.count(" ") >= shown.count(" ") - 30  # a tenth of a second, on a busy machine
    (row,) = await records.ledger.rows(session_id)
    assert (row.outcome, row.estimated, row.message_id) == ("crashed", True, answer.id)
    assert row.completion_tokens >= len(kept) // 4
    assert row.cost
    hits = await records.conversations.search("Count")
    assert [hit.message_id for hit in hits] == [question.id]
    await records.aclose()


async def test_all_that_had_arrived_before_a_silence_is_kept(
    location: str | Path, simulator: Simulated, start: Start
) -> None:
    simulator.configure(text=TOKENS, faults=[{"kind": "stall", "after_tokens": 200}], reasoning="")
    process = start()
    session_id = process.stdout.readline().strip()
    shown = read_tokens(process, 200)
    watching = await reopen(location)  # a second TensorWall, which must not touch the stream
    while not await watching.conversations.list() or await last_text(watching, session_id) != shown:
        pass
    answer = (await watching.conversations.messages(session_id))[-1]
    assert answer.state == "streaming"
    assert [row.outcome for row in await watching.ledger.rows(session_id)] == ["running"]
    kill(process)
    while not await watching.conversations.recover():
        pass
    assert await watching.ledger.recover() == 1
    answer = (await watching.conversations.messages(session_id))[-1]
    assert (answer.state, answer.message.text) == ("interrupted", shown)
    await watching.aclose()


async def test_two_tensorwalls_share_a_database(
    location: str | Path, simulator: Simulated, start: Start
) -> None:
    simulator.configure(text=TOKENS[:300], tokens_per_second=300, reasoning="")
    processes = [start(), start()]
    ids = [process.stdout.readline().strip() for process in processes]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
    records = await reopen(location)
    assert {summary.id for summary in await records.conversations.list()} == set(ids)
    for session_id in ids:
        _, answer = await records.conversations.messages(session_id)
        assert (answer.state, answer.message.text) == ("complete", "".join(TOKENS[:300]))
    assert (await records.ledger.totals()).calls == 2
    await records.aclose()
