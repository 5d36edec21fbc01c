"""``/metrics``: what was counted by every process and what the ledger says, for those with a key for it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.gateway.shared_tallies import SharedTallies
from app.gateway.tallies import Spread, Tallies
from core.errors import StorageError
from tests.gateway_process import RunningGateway, gateway_process
from tests.simulated import Simulated

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(scope="module")
def gateway(simulator_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with gateway_process(tmp_path_factory.mktemp("gateway") / "home", simulator_url) as running:
        yield running


def keys_of(gateway: RunningGateway, simulator: Simulated) -> dict[str, str]:
    return {"X-API-Key": gateway.key, "Authorization": f"Bearer {simulator.api_key}"}


def ask(gateway: RunningGateway, simulator: Simulated, **more: object) -> httpx.Response:
    """One question on a connection of its own, so that any process may get it."""
    question = {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "Hi"}], **more}
    url, headers = f"{gateway.root}/v1/chat/completions", keys_of(gateway, simulator)
    headers["X-Feature"] = "test"
    return httpx.post(url, json=question, headers=headers, trust_env=False, timeout=20)


def scrape(gateway: RunningGateway) -> Samples:
    url, key = f"{gateway.root}/metrics", {"X-API-Key": gateway.key}
    answer = httpx.get(url, headers=key, trust_env=False, timeout=20)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


def growth(before: Samples, after: Samples) -> Samples:
    """What has changed: the gateway is shared by the tests of this file."""
    return {name: worth - before.get(name, 0.0) for name, worth in after.items()}


def test_requests_times_calls_and_money_are_counted(gateway, simulator):
    simulator.configure(text="Hello.", reasoning="")
    before = scrape(gateway)
    whole = ask(gateway, simulator)
    streamed = ask(gateway, simulator, stream=True)
    assert ask(gateway, simulator, messages=[]).status_code == 400
    of = {"provider": "groq", "model": "openai/gpt-oss-20b", "feature": "test"}
    wait_for(lambda: value(scrape(gateway), "tensorwall_booked_calls_total", **of) == 2)
    now = scrape(gateway)
    grown = growth(before, now)
    assert value(grown, "tensorwall_requests_total", endpoint="chat", status="200") == 2
    assert value(grown, "tensorwall_requests_total", endpoint="chat", status="400") == 1
    assert value(grown, "tensorwall_request_seconds_count", endpoint="chat") == 3
    assert value(grown, "tensorwall_overhead_seconds_count") == 2
    assert value(grown, "tensorwall_overhead_seconds_bucket", le="+Inf") == 2
    calls = {"provider": "groq", "role": "first", "outcome": "answered"}
    assert value(grown, "tensorwall_upstream_calls_total", **calls) == 2
    spent = float(whole.headers["x-tensorwall-cost"])
    (told,) = re.findall(r"^: x-tensorwall-cost: (\S+)$", streamed.text, re.MULTILINE)
    assert value(grown, "tensorwall_cost_dollars_total", **of) == pytest.approx(spent + float(told))
    prompts = 2 * whole.json()["usage"]["prompt_tokens"]
    assert value(grown, "tensorwall_tokens_total", kind="prompt", **of) == prompts
    (by_key,) = (worth for (name, _), worth in grown.items() if name == "tensorwall_key_cost_dollars_total")
    assert by_key == pytest.approx(spent + float(told))
    assert value(now, "tensorwall_requests_in_flight", endpoint="chat") == 0
    assert value(now, "tensorwall_requests_in_flight", endpoint="metrics") == 1
    assert value(now, "tensorwall_streams_open") == 0
    assert value(now, "tensorwall_workers") == 1
    assert value(now, "tensorwall_ledger_running_calls") == 0
    assert value(now, "tensorwall_ledger_unsettled_calls") == 0


def test_failures_name_their_outcome_and_no_model_that_a_client_made_up(gateway, simulator):
    before = scrape(gateway)
    assert ask(gateway, simulator, model="made-up").status_code == 404
    wait_for(lambda: value(scrape(gateway), "tensorwall_ledger_running_calls") == 0)
    grown = growth(before, scrape(gateway))
    failed = {"provider": "groq", "role": "first", "outcome": "failed"}
    assert value(grown, "tensorwall_upstream_calls_total", **failed) == 1
    assert value(grown, "tensorwall_requests_total", endpoint="chat", status="404") == 1
    assert "made-up" not in repr(grown)


def test_a_key_is_needed(gateway):
    answer = httpx.get(f"{gateway.root}/metrics", trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "missing_api_key"


def test_one_scrape_has_the_sum_of_all_workers_and_of_those_that_died(simulator, tmp_path):
    simulator.configure(text="Hello.", reasoning="")
    with gateway_process(tmp_path / "gateway", simulator.base_url, "--workers", "2") as gateway:
        wait_for(lambda: value(scrape(gateway), "tensorwall_workers") == 2)
        answered = [ask(gateway, simulator, stream=number % 2 == 0).status_code for number in range(12)]
        assert answered == [200] * 12
        good = {"endpoint": "chat", "status": "200"}
        wait_for(lambda: value(scrape(gateway), "tensorwall_requests_total", **good) == 12)
        samples = scrape(gateway)
        assert value(samples, "tensorwall_overhead_seconds_count") == 12
        assert value(samples, "tensorwall_request_seconds_count", endpoint="chat") == 12
        assert value(samples, "tensorwall_streams_open") == 0
        workers = [child for child in psutil.Process(gateway.pid).children() if child.num_threads() > 1]
        assert len(workers) == 2
        workers[0].kill()
        wait_for(lambda: _workers(gateway) == 2 and not workers[0].is_running())
        assert value(scrape(gateway), "tensorwall_requests_total", **good) == 12


def _workers(gateway: RunningGateway) -> float:
    """How many tell of themselves; 0 where the one that was asked dies."""
    try:
        return value(scrape(gateway), "tensorwall_workers")
    except httpx.TransportError:
        return 0


def test_what_a_dead_process_counted_stays_and_what_it_did_does_not():
    one, other = Tallies(), Tallies()
    for tallies, level in ((one, 7.0), (other, 3.0)):
        tallies.counters["requests"]["chat", "200"] += 2
        tallies.gauges["streams"][()] += 1
        tallies.levels["left"]["groq",] = level
        tallies.spreads["seconds"]["chat",].observe(0.003)
    total = Tallies()
    total.add(Tallies.load(one.dump()))
    total.add(Tallies.load(other.dump()), alive=False)
    assert total.counters == {"requests": {("chat", "200"): 4}}
    assert total.gauges == {"streams": {(): 1}}
    assert total.levels == {"left": {("groq",): 7}}
    assert sum(total.spreads["seconds"]["chat",].counts) == 2
    total.add(other)
    assert total.levels == {"left": {("groq",): 3}}


def test_times_fall_under_their_bound():
    spread = Spread()
    for seconds in (0.0, 0.00025, 0.0003, 500.0):
        spread.observe(seconds)
    assert spread.counts[:2] == [2, 1]
    assert spread.counts[-1] == 1
    assert spread.total == pytest.approx(500.00055)


def test_a_folder_that_is_gone_is_told(tmp_path):
    shared = SharedTallies(tmp_path / "gone", "one")
    with pytest.raises(StorageError, match="cannot be shared: No such file"):
        shared.publish(Tallies())


def wait_for(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
