"""``GET /metrics``: what all processes have counted and what the ledger says, for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from app.gateway.callers import Caller
from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from app.gateway.tallies import SECONDS, Labels, Tallies
from core.keys import GatewayKey
from core.review import Group

if TYPE_CHECKING:
    from core.costs.key_spend import KeySpend
    from core.review.running import Running

__all__ = ("show_metrics",)

_COUNTERS = {
    "tensorwall_requests": ("Requests by endpoint and status.", ("endpoint", "status")),
    "tensorwall_upstream_calls": (
        "Calls to providers that have ended; a fallback is a role.",
        ("provider", "role", "outcome"),
    ),
}
_GAUGES = {
    "tensorwall_workers": ("Processes that answer.", ()),
    "tensorwall_requests_in_flight": ("Requests under way.", ("endpoint",)),
    "tensorwall_streams_open": ("Answers that are being streamed.", ()),
    "tensorwall_ledger_unsettled_calls": ("Calls that are over and wait to be settled in the ledger.", ()),
    "tensorwall_route_circuit": (
        "Models of a route in this state, added up over processes: closed, open or half_open.",
        ("route", "provider", "state"),
    ),
}
_LEVELS = {
    "tensorwall_route_limit": ("What a provider allows, as last told.", ("route", "provider", "of")),
    "tensorwall_route_limit_remaining": (
        "What is left of it, as last told; of processes the least.",
        ("route", "provider", "of"),
    ),
}
_SPREADS = {
    "tensorwall_request_seconds": ("Time from a request to the end of its answer.", ("endpoint",)),
    "tensorwall_overhead_seconds": ("Time that the gateway added to a chat request.", ()),
    "tensorwall_upstream_seconds": ("Time of a call to a provider.", ("provider",)),
}
_BY: Sequence[str] = ("provider", "model", "feature")
_TOKENS = ("prompt", "completion", "cached", "reasoning")


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What the ledger says: sums by `_BY`, sums by key, and what runs."""

    groups: Sequence[Group]
    keys: Sequence[tuple[GatewayKey, KeySpend]]
    running: Running


async def show_metrics(gateway: Gateway, exchange: Exchange, _caller: Caller) -> None:
    """Answer with everything in Prometheus' text format.

    Raises:
        StorageError: the ledger cannot be read.
    """
    ledger = await _read_ledger(gateway)
    tallies = await _read_tallies(gateway)
    text = await asyncio.to_thread(_written, tallies, ledger)
    await exchange.answer(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


async def _read_ledger(gateway: Gateway) -> _Ledger:
    from core.costs.key_spend import key_spend_of  # the database is open: it needs SQLAlchemy

    records = gateway.records
    groups = await records.review.groups(("provider", "model", "feature"))
    keys = await records.keys.all()
    spent = await records.database.read(key_spend_of, keys)
    return _Ledger(groups, list(zip(keys, spent, strict=True)), await records.review.running())


async def _read_tallies(gateway: Gateway) -> Tallies:
    """Of all processes, or a copy of this one's."""
    gateway.metrics.publish()
    if (shared := gateway.metrics.shared) is None:
        copy = Tallies()
        copy.add(gateway.metrics.tallies)
        return copy
    return await gateway.records.database.read(lambda _: shared.total(gateway.records.database.is_alive))


def _written(tallies: Tallies, ledger: _Ledger) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Told(lambda: (*_counted(tallies), *_spent(ledger))))
    return generate_latest(registry)


class _Told(Collector):
    """Metrics that were read elsewhere."""

    def __init__(self, tell: Callable[[], Iterable[Metric]]) -> None:
        self._tell = tell

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        return self._tell()


def _counted(tallies: Tallies) -> Iterator[Metric]:
    for name, (text, labels) in _COUNTERS.items():
        yield _filled(CounterMetricFamily(name, text, labels=labels), tallies.counters.get(name, {}))
    for name, (text, labels) in _GAUGES.items():
        yield _filled(GaugeMetricFamily(name, text, labels=labels), tallies.gauges.get(name, {}))
    for name, (text, labels) in _LEVELS.items():
        yield _filled(GaugeMetricFamily(name, text, labels=labels), tallies.levels.get(name, {}))
    for name, (text, labels) in _SPREADS.items():
        family = HistogramMetricFamily(name, text, labels=labels)
        for values, spread in tallies.spreads.get(name, {}).items():
            bounds = [*(f"{bound:g}" for bound in SECONDS), "+Inf"]
            family.add_metric(values, list(zip(bounds, accumulate(spread.counts), strict=True)), spread.total)
        yield family


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, found: Mapping[Labels, float]
) -> CounterMetricFamily | GaugeMetricFamily:
    for labels, value in found.items():
        family.add_metric(labels, value)
    return family


def _spent(ledger: _Ledger) -> Iterator[Metric]:
    """Money becomes a float only here, where the format has nothing else."""
    cost = CounterMetricFamily("tensorwall_cost_dollars", "US dollars spent, by the ledger.", labels=_BY)
    calls = CounterMetricFamily(
        "tensorwall_booked_calls", "Calls in the ledger that were of use.", labels=_BY
    )
    unknown = CounterMetricFamily(
        "tensorwall_unknown_price_calls", "Calls that used tokens at an unknown price.", labels=_BY
    )
    tokens = CounterMetricFamily("tensorwall_tokens", "Tokens used, by the ledger.", labels=(*_BY, "kind"))
    for group in ledger.groups:
        if not _was_used(group):
            continue
        labels, sums = [str(key) for key in group.keys], group.totals
        cost.add_metric(labels, float(sums.cost))
        calls.add_metric(labels, sums.calls)
        unknown.add_metric(labels, sums.unknown_price_calls)
        counts = (sums.prompt_tokens, sums.completion_tokens, sums.cached_tokens, sums.reasoning_tokens)
        for kind, count in zip(_TOKENS, counts, strict=True):
            tokens.add_metric([*labels, kind], count)
    yield from (cost, calls, unknown, tokens)
    yield from _spent_by_key(ledger)
    yield GaugeMetricFamily(
        "tensorwall_ledger_running_calls", "Calls in the ledger that have not ended.", ledger.running.calls
    )
    yield GaugeMetricFamily(
        "tensorwall_ledger_reserved_dollars",
        "US dollars set aside for them.",
        float(ledger.running.reserved),
    )


def _was_used(group: Group) -> bool:
    """Whether it is more than failures: clients name models that do not exist, any number of them."""
    sums = group.totals
    return bool(
        sums.cost or sums.total_tokens or sums.unknown_price_calls or sums.audio_seconds or sums.characters
    )


def _spent_by_key(ledger: _Ledger) -> Iterator[Metric]:
    by = ("key", "name")
    cost = CounterMetricFamily("tensorwall_key_cost_dollars", "US dollars spent with a key.", labels=by)
    calls = CounterMetricFamily("tensorwall_key_calls", "Calls made with a key.", labels=by)
    tokens = CounterMetricFamily("tensorwall_key_tokens", "Tokens used with a key.", labels=(*by, "kind"))
    for key, spent in ledger.keys:
        labels = [key.id, key.name]
        cost.add_metric(labels, float(spent.cost))
        calls.add_metric(labels, spent.calls)
        tokens.add_metric([*labels, "prompt"], spent.prompt_tokens)
        tokens.add_metric([*labels, "completion"], spent.completion_tokens)
    yield from (cost, calls, tokens)
