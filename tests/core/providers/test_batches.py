"""The Batch API over HTTP, against the simulator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from core import errors
from core.providers import OpenAICompatibleProvider
from core.providers.batches import ProviderBatches
from core.providers.profiles import GROQ
from tests.simulated import Simulated


@pytest.fixture
async def batches(simulator: Simulated) -> AsyncIterator[ProviderBatches]:
    provider = OpenAICompatibleProvider(GROQ, api_key=simulator.api_key, base_url=simulator.base_url)
    yield ProviderBatches(provider)
    await provider.aclose()


def lines(count: int, **fields: object) -> bytes:
    body = {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "Hi"}], **fields}
    entries = (
        {"custom_id": f"n{n}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for n in range(count)
    )
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()


async def test_a_file_goes_up_and_its_answers_come_down(
    batches: ProviderBatches, simulator: Simulated
) -> None:
    simulator.configure(text="word " * 500, reasoning="")
    file_id = await batches.upload(lines(60))
    assert await batches.find(file_id) is None
    made = await batches.create(file_id)
    assert (made.status, made.over, made.input_file_id) == ("validating", False, file_id)
    found = await batches.find(file_id)
    assert found is not None
    assert found.id == made.id
    batch = await batches.get(made.id)
    assert (batch.status, batch.over, batch.total, batch.completed) == ("completed", True, 60, 60)
    assert batch.output_file_id is not None
    answered = [json.loads(line)["custom_id"] async for line in batches.lines(batch.output_file_id)]
    assert answered == [f"n{n}" for n in range(60)]


async def test_it_can_be_cancelled(batches: ProviderBatches, simulator: Simulated) -> None:
    simulator.configure(batch_seconds=100)
    made = await batches.create(await batches.upload(lines(4)))
    simulator.advance(51)
    assert (await batches.cancel(made.id)).status == "cancelling"
    batch = await batches.get(made.id)
    assert (batch.status, batch.completed, batch.error_file_id) == ("cancelled", 2, None)


async def test_what_is_wrong_with_the_input_is_said_line_by_line(batches: ProviderBatches) -> None:
    made = await batches.create(await batches.upload(lines(1) + b"{\n" + lines(1)))
    batch = await batches.get(made.id)
    assert batch.status == "failed"
    assert batch.problems == (
        "line 2: This line is not parseable as valid JSON.",
        "line 3: The custom_id is used already.",
    )


@pytest.mark.parametrize("fault", ["html_page", "plain_text", "empty_body"])
async def test_a_server_that_has_no_batches_is_told(
    batches: ProviderBatches, simulator: Simulated, fault: str
) -> None:
    simulator.fail(fault, path="batches")
    with pytest.raises(errors.UnexpectedResponse):
        await batches.get("batch_1")


@pytest.mark.parametrize(
    ("fault", "error"), [("unauthorized", errors.AuthenticationFailed), ("reset", errors.ConnectionFailed)]
)
async def test_failures_are_those_of_every_call(
    batches: ProviderBatches, simulator: Simulated, fault: str, error: type[Exception]
) -> None:
    simulator.fail(fault, path="files")
    with pytest.raises(error):
        await batches.upload(lines(1))
