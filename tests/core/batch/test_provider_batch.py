"""A provider's batch: handed over once, and booked and written to the last line, against the simulator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.batch import handed_over
from core.batch.handed_over import HandedOver, fingerprint, kept, state_file
from core.batch.lines import BatchLine, open_input
from core.batch.output import BatchOutput, open_output
from core.batch.provider_batch import ProviderBatch
from core.catalogue import load_catalogue
from core.errors import InputError
from core.providers import OpenAICompatibleProvider
from core.providers.profiles import GROQ
from core.records import Records, open_records
from core.routing import LLMRouter, RouteEndpoint
from tests.simulated import Simulated

MODEL = "openai/gpt-oss-20b"


@dataclass
class Desk:
    """Hands files over."""

    folder: Path
    provider: OpenAICompatibleProvider
    records: Records

    @property
    def out(self) -> Path:
        return self.folder / "out.jsonl"

    @contextmanager
    def batch(self, *names: str, asks: str = "Hi") -> Iterator[tuple[ProviderBatch, BatchOutput]]:
        body = {"model": MODEL, "messages": [{"role": "user", "content": asks}], "max_tokens": 50}
        line = {"method": "POST", "url": "/v1/chat/completions", "body": body}
        source = self.folder / "in.jsonl"
        source.write_text("".join(json.dumps({"custom_id": name, **line}) + "\n" for name in names))
        router = LLMRouter(catalogue=load_catalogue())
        router.add_route("*", [RouteEndpoint(provider=self.provider)])
        with open_input(source) as lines, open_output(self.out) as output:
            yield (
                ProviderBatch(lines, output, self.provider, router, self.records, load_catalogue()),
                output,
            )

    async def booked(self) -> int:
        return len(await self.records.ledger.rows(limit=100))


@pytest.fixture
async def desk(simulator: Simulated, tmp_path: Path) -> AsyncIterator[Desk]:
    simulator.configure(text="Well met.", reasoning="", batch_seconds=100)
    provider = OpenAICompatibleProvider(GROQ, api_key=simulator.api_key, base_url=simulator.base_url)
    records = await open_records(tmp_path / "ledger.db", load_catalogue())
    yield Desk(tmp_path, provider, records)
    await records.aclose()
    await provider.aclose()


async def collected(work: ProviderBatch, simulator: Simulated) -> None:
    batch = await work.submitted(None)
    assert batch is not None
    simulator.advance(101)
    await work.collect(await work.until_over(batch, lambda _: None))


async def test_it_is_handed_over_booked_written_and_forgotten(desk: Desk, simulator: Simulated) -> None:
    with desk.batch("a", "b") as (work, output):
        await collected(work, simulator)
        assert output.done == {"a": False, "b": False}
        assert output.digests.keys() == {"a", "b"}
        assert (work.progress.answered, work.progress.left, work.progress.unpriced) == (2, 0, 0)
        assert work.progress.spent > 0
        assert await work.submitted(None) is None
    assert not state_file(desk.out).exists()
    assert await desk.booked() == 2


async def test_what_was_written_before_a_crash_is_neither_written_nor_booked_again(
    desk: Desk, simulator: Simulated
) -> None:
    with desk.batch("a", "b") as (work, _):
        batch = await work.submitted(None)
        assert batch is not None
        waiting = kept(desk.out)
        assert waiting is not None
        await collected(work, simulator)
    before = desk.out.read_bytes()
    handed_over.keep(desk.out, waiting)  # as if it had ended before it could forget the batch
    with desk.batch("a", "b") as (work, _):
        await collected(work, simulator)
        assert (work.progress.before, work.progress.answered, work.progress.left) == (2, 0, 0)
    assert desk.out.read_bytes() == before
    assert await desk.booked() == 2


@pytest.mark.parametrize("other", [{"names": ("a",)}, {"names": ("a", "b"), "asks": "Bye"}])
async def test_another_input_is_refused_until_the_batch_is_collected(
    desk: Desk, simulator: Simulated, other: dict[str, object]
) -> None:
    names, asks = other["names"], other.get("asks", "Hi")
    assert isinstance(names, tuple)
    with desk.batch("a", "b") as (work, _):
        await work.submitted(None)
    with desk.batch(*names, asks=str(asks)) as (work, _):
        for ask in (work.submitted(None), work.cancelled()):
            with pytest.raises(InputError, match="waits for a batch of another input"):
                await ask
    with desk.batch("a", "b") as (work, output):
        await collected(work, simulator)
        assert output.done.keys() == {"a", "b"}


async def test_lines_that_nobody_asked_for_are_booked_and_written_too(
    desk: Desk, simulator: Simulated
) -> None:
    with desk.batch("a", "b") as (work, _):
        await work.submitted(None)
    state = kept(desk.out)
    assert state is not None
    handed_over.keep(desk.out, replace(state, fingerprint=None))  # as an earlier version left it
    with desk.batch("a") as (work, output):
        await collected(work, simulator)
        assert output.done.keys() == {"a", "b"}
        assert (work.progress.answered, work.progress.left) == (1, 0)
    rows = await desk.records.ledger.rows(limit=100)
    assert [row.model for row in rows] == [MODEL, MODEL]
    assert all(row.cost for row in rows)


async def test_nothing_is_asked_of_a_router_while_a_batch_is_under_way(desk: Desk) -> None:
    handed_over.refuse_what_is_handed_over(desk.out)
    with desk.batch("a") as (work, _):
        await work.submitted(None)
    with pytest.raises(InputError, match="waits for a batch at groq"):
        handed_over.refuse_what_is_handed_over(desk.out)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"provider": "groq", "x": 1}', "\xff"])
def test_a_file_that_tells_nothing_is_told_and_stays(tmp_path: Path, content: str) -> None:
    out = tmp_path / "out.jsonl"
    state_file(out).write_text(content)
    with pytest.raises(InputError, match="cannot be used"):
        kept(out)
    assert state_file(out).exists()


@settings(deadline=None)  # it writes to the disk, which others may keep busy
@given(st.builds(HandedOver, st.text(), st.text(), st.none() | st.text(), st.text(), st.none() | st.text()))
def test_what_is_kept_is_read_again(tmp_path_factory: pytest.TempPathFactory, state: HandedOver) -> None:
    out = tmp_path_factory.getbasetemp() / "kept.jsonl"
    handed_over.keep(out, state)
    assert kept(out) == state


LINES = st.builds(
    BatchLine,
    st.just(1),
    st.text(max_size=3),
    st.sampled_from(["m", "n"]),
    st.just(1),
    st.none(),
    st.just(0),
    st.sampled_from(["0", "1"]),
)


@given(st.lists(LINES, max_size=4), st.lists(LINES, max_size=4))
def test_a_fingerprint_is_of_these_lines_alone(one: list[BatchLine], other: list[BatchLine]) -> None:
    assert (fingerprint(one) == fingerprint(other)) is (one == other)
