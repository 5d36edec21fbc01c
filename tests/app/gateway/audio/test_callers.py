"""What keys, budgets, failures and clients that go mean for sound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import httpx
import pytest

from core.keys import KeyBudget
from tests.app.gateway.audio.conftest import ORPHEUS, SAYING, Caller, error_of, named, sound, wait_for
from tests.simulated import Simulated

pytestmark = pytest.mark.skipif(
    find_spec("faster_whisper") is None, reason="the voice extra is not installed"
)


def test_a_dry_run_books_and_sends_nothing(caller: Caller, simulator: Simulated) -> None:
    headers = named(**{"X-Dry-Run": "true"})
    heard = caller.hear(sound(5), headers, model="whisper-large-v3-turbo").json()
    assert heard["route"] == {"provider": "groq", "model": "whisper-large-v3-turbo"}
    assert Decimal(heard["estimate"]["worst_cost_usd"]) == (Decimal("0.04") / 360).quantize(Decimal("1e-12"))
    spoken = caller.speak(model=ORPHEUS, voice="troy", headers=headers).json()
    assert spoken["estimate"]["characters"] == len(SAYING)
    assert caller.speak(headers=headers).json()["estimate"]["worst_cost_usd"] == "0"
    assert (simulator.requests(), caller.rows(headers["X-Request-ID"])) == ([], [])


def test_a_key_is_kept_to_its_endpoints_and_models(
    caller: Caller, key_with: Callable[..., dict[str, str]]
) -> None:
    chat_alone = key_with(endpoints=("chat",))
    assert caller.speak(headers=chat_alone).status_code == 403
    here_alone = key_with(endpoints=("audio",), models=("local*",))
    assert caller.speak(headers=here_alone).status_code == 200
    refused = caller.hear(sound(1), here_alone, model="whisper-large-v3")
    assert (refused.status_code, error_of(refused)["code"]) == (403, "key_scope")


def test_the_budget_of_a_key_holds_for_speech_of_many_at_once(
    caller: Caller, simulator: Simulated, key_with: Callable[..., dict[str, str]]
) -> None:
    one = Decimal(22) * len(SAYING) / 1_000_000
    headers = named(**key_with(budgets=(KeyBudget("day", 3 * one + one / 2),)))

    def ask(_: int) -> httpx.Response:
        return caller.speak(model=ORPHEUS, voice="troy", headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 5
    refusal = error_of(next(answer for answer in answers if answer.status_code == 429))
    assert refusal["code"] == "insufficient_quota"
    assert "of the key gw_" in refusal["message"]
    assert len(simulator.requests()) == len(caller.rows(headers["X-Request-ID"])) == 3
    assert caller.speak(headers=headers).status_code == 200  # what costs nothing goes on


def test_a_key_that_is_revoked_elsewhere_is_refused_at_once(
    caller: Caller, keys: Callable[..., Awaitable[Any]], key_with: Callable[..., dict[str, str]]
) -> None:
    headers = key_with()
    assert caller.speak(headers=headers).status_code == 200
    asyncio.run(keys(lambda known: known.revoke(headers["X-API-Key"])))
    answer = caller.speak(headers=headers)
    assert (answer.status_code, error_of(answer)["code"]) == (401, "revoked_api_key")


def test_a_providers_failure_is_told_and_booked_at_no_cost(caller: Caller, simulator: Simulated) -> None:
    simulator.fail("rate_limited", path="transcription", retry_after=7)
    headers = named()
    answer = caller.hear(sound(1), headers, model="whisper-large-v3")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    (row,) = caller.rows(headers["X-Request-ID"])
    assert (row.outcome, row.cost, row.error_type) == ("failed", 0, "RateLimited")


@pytest.mark.parametrize("path", ["transcription", "speech"])
def test_the_call_ends_when_the_client_goes(caller: Caller, simulator: Simulated, path: str) -> None:
    simulator.fail("hang", path=path)
    headers = named()

    def ask() -> None:
        if path == "speech":
            caller.speak(model=ORPHEUS, voice="troy", headers=headers)
        else:
            caller.hear(sound(1), headers, model="whisper-large-v3")

    caller.client.timeout = httpx.Timeout(0.5)
    with pytest.raises(httpx.ReadTimeout):
        ask()
    wait_for(lambda: [row.outcome for row in caller.rows(headers["X-Request-ID"])] == ["cancelled"])
    (row,) = caller.rows(headers["X-Request-ID"])
    assert row.cost > 0  # given up on the way, it may have been billed
    assert row.estimated
