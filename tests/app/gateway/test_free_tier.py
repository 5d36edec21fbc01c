"""The gateway on its own key of a free tier: a burst waits for room, in one process and in two."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.app.gateway.conftest import HELLO, MODEL, Gateway
from tests.gateway_process import gateway_process
from tests.simulated import Simulated

BURST = 31
"""One more than the free tier takes in a minute."""


@pytest.fixture
def own(simulator_url: str) -> Iterator[Simulated]:
    """The gateway's own account."""
    with closing(Simulated(simulator_url, "gsk_own")) as account:
        account.configure(text="Well met.", reasoning="", limits="free", tokens_per_second=50)
        yield account


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_burst_is_answered_without_a_refusal(
    own: Simulated, simulator_url: str, tmp_path: Path, workers: str
) -> None:
    # Waits are predicted as if all before used all that they set aside.
    settings = "[gateway]\npatience = 600\n"
    with (
        gateway_process(tmp_path / "home", simulator_url, "--workers", workers, settings=settings) as gateway,
        httpx.Client(trust_env=False, verify=False, timeout=60) as client,
        ThreadPoolExecutor(BURST) as pool,
    ):

        def ask(_: int) -> httpx.Response:
            return client.post(
                f"{gateway.root}/v1/chat/completions",
                json={"model": MODEL, "messages": HELLO, "max_tokens": 1_500},
                headers={"X-API-Key": gateway.key},
            )

        answers = list(pool.map(ask, range(BURST)))
    assert [answer.status_code for answer in answers] == [200] * BURST
    assert {answer.json()["choices"][0]["message"]["content"] for answer in answers} == {"Well met."}
    assert [row["status"] for row in own.questions()] == [200] * BURST
    # Five fit into a minute's tokens before any of them is over, and thirty into its requests.
    assert max(answer.elapsed.total_seconds() for answer in answers) > 2


def test_nothing_is_kept_of_keys_that_clients_bring(served: Gateway) -> None:
    folder = served.home / "cache" / "limits"
    before = set(folder.glob("*"))
    served.simulator.configure(text="Well met.", reasoning="", limits="free")
    assert served.chat().status_code == 200
    assert set(folder.glob("*")) == before
