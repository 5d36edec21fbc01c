"""What the gateway counts, for Prometheus; money and tokens come from the ledger itself when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ("CountedRequest", "Metrics")

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The counters of one process.

    Attributes:
        registry: what ``/metrics`` writes out.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "tensorwall_requests",
            "Requests by endpoint and status.",
            ["endpoint", "status"],
            registry=self.registry,
        )
        self._in_flight = Gauge(
            "tensorwall_requests_in_flight", "Requests under way.", ["endpoint"], registry=self.registry
        )
        self._seconds = Histogram(
            "tensorwall_request_seconds",
            "Time from a request to the end of its answer.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._endpoints: dict[str, CountedRequest] = {}

    def request(self, endpoint: str) -> CountedRequest:
        """Where the requests of an endpoint are counted."""
        counted = self._endpoints.get(endpoint)
        if counted is None:
            counted = self._endpoints[endpoint] = CountedRequest(
                endpoint, self._requests, self._in_flight.labels(endpoint), self._seconds.labels(endpoint)
            )
        return counted


class CountedRequest:
    """Counts the requests of one endpoint; looking labels up takes longer than counting, so they are kept."""

    def __init__(self, endpoint: str, requests: Counter, in_flight: Gauge, seconds: Histogram) -> None:
        self._endpoint = endpoint
        self._requests = requests
        self._in_flight = in_flight
        self._seconds = seconds
        self._by_status: dict[int, Counter] = {}

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """A request is under way as long as the block runs."""
        self._in_flight.inc()
        try:
            yield
        finally:
            self._in_flight.dec()

    def ended(self, status: int, seconds: float) -> None:
        """A request is over."""
        counter = self._by_status.get(status)
        if counter is None:
            counter = self._by_status[status] = self._requests.labels(self._endpoint, str(status))
        counter.inc()
        self._seconds.observe(seconds)
