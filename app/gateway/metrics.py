"""What the gateway counts, for Prometheus; money and tokens come from the ledger itself when asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from app.gateway.shared_tallies import SharedTallies
from app.gateway.tallies import Spread, Tallies
from core.chat import UpstreamCall
from core.errors import StorageError
from core.routing import RouteHealth

__all__ = ("CountedRequest", "Metrics")

log = logging.getLogger("tensorwall.gateway")

_PUBLISH_SECONDS = 1.0
"""For which what was counted may wait before the other processes can see it."""


class Metrics:
    """The counters of one process, and an observer of every upstream call.

    Attributes:
        tallies: what was counted.
    """

    def __init__(self) -> None:
        self.tallies = Tallies()
        self._overhead = self.tallies.spreads["tensorwall_overhead_seconds"][()]
        self._streams = self.tallies.gauges["tensorwall_streams_open"]
        self._streams[()] = 0
        self._upstream = self.tallies.counters["tensorwall_upstream_calls"]
        self._upstream_seconds = self.tallies.spreads["tensorwall_upstream_seconds"]
        self._endpoints: dict[str, CountedRequest] = {}
        self._state: Callable[[], tuple[Sequence[RouteHealth], int]] | None = None
        self._shared: SharedTallies | None = None
        self._later: asyncio.TimerHandle | None = None

    def watch(
        self, state: Callable[[], tuple[Sequence[RouteHealth], int]], shared: SharedTallies | None
    ) -> None:
        """Tell the state of the gateway with what is counted.

        Args:
            state: the routes, and how many calls are not settled yet.
            shared: where the other processes find it; ``None`` where there are none.
        """
        self._state, self._shared = state, shared

    def request(self, endpoint: str) -> CountedRequest:
        """Where the requests of an endpoint are counted."""
        counted = self._endpoints.get(endpoint)
        if counted is None:
            counted = self._endpoints[endpoint] = CountedRequest(self, endpoint)
        return counted

    @contextmanager
    def stream_open(self) -> Iterator[None]:
        """An answer is streamed as long as the block runs."""
        self._streams[()] += 1
        try:
            yield
        finally:
            self._streams[()] -= 1

    def overhead(self, seconds: float) -> None:
        """What the gateway has added to the time of one request."""
        self._overhead.observe(max(0.0, seconds))

    def call_started(self, call: UpstreamCall) -> None:
        """It is counted when it is over."""

    def call_ended(self, call: UpstreamCall) -> None:
        """Count an upstream call. Not by model: clients name those, and there is no end of names."""
        self._upstream[call.provider, call.role, call.outcome] += 1
        if call.duration is not None:
            self._upstream_seconds[call.provider,].observe(call.duration)

    def changed(self) -> None:
        """Let the other processes know, in a moment."""
        if self._shared is not None and self._later is None:
            self._later = asyncio.get_running_loop().call_later(_PUBLISH_SECONDS, self._publish_later)

    def _publish_later(self) -> None:
        try:
            self.publish()
        except StorageError as error:
            log.warning("%s", error)

    def publish(self) -> None:
        """Let the other processes know now.

        Raises:
            StorageError: they cannot be told.
        """
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._read_state()
        if self._shared is not None:
            self._shared.publish(self.tallies)

    def close(self) -> None:
        """Publish what is left; nothing is under way any more."""
        self._publish_later()
        self._state = self._shared = None

    @property
    def shared(self) -> SharedTallies | None:
        """Where the other processes publish; ``None`` where there are none."""
        return self._shared

    def _read_state(self) -> None:
        if self._state is None:
            return
        routes, unsettled = self._state()
        gauges = self.tallies.gauges
        gauges["tensorwall_ledger_unsettled_calls"][()] = unsettled
        gauges["tensorwall_workers"][()] = 1
        circuits = gauges["tensorwall_route_circuit"]
        circuits.clear()
        for route in routes:
            circuits[route.pattern, route.provider, route.circuit] += 1
            _note_limits(self.tallies, route)


def _note_limits(tallies: Tallies, route: RouteHealth) -> None:
    """What a provider has told last; of the models of one route the last one stands."""
    if (limits := route.limits) is None:
        return
    told = {
        ("tensorwall_route_limit", "requests"): limits.limit_requests,
        ("tensorwall_route_limit", "tokens"): limits.limit_tokens,
        ("tensorwall_route_limit_remaining", "requests"): limits.remaining_requests,
        ("tensorwall_route_limit_remaining", "tokens"): limits.remaining_tokens,
    }
    for (name, of), value in told.items():
        if value is not None:
            tallies.levels[name][route.pattern, route.provider, of] = value


class CountedRequest:
    """Counts the requests of one endpoint."""

    def __init__(self, metrics: Metrics, endpoint: str) -> None:
        tallies = metrics.tallies
        self._changed = metrics.changed
        self._labels = (endpoint,)
        self._in_flight = tallies.gauges["tensorwall_requests_in_flight"]
        self._requests = tallies.counters["tensorwall_requests"]
        self._seconds: Spread = tallies.spreads["tensorwall_request_seconds"][self._labels]
        self._by_status: dict[int, tuple[str, str]] = {}

    def began(self) -> None:
        """A request is under way."""
        self._in_flight[self._labels] += 1

    def ended(self, status: int, seconds: float) -> None:
        """It is over."""
        self._in_flight[self._labels] -= 1
        labels = self._by_status.get(status)
        if labels is None:
            labels = self._by_status[status] = (self._labels[0], str(status))
        self._requests[labels] += 1
        self._seconds.observe(seconds)
        self._changed()
