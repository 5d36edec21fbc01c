"""One isolated account per API key: its options, limits, cache, clock, and a log of what it was asked."""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from app.simulator.batches import Batch, StoredFile
from app.simulator.limits import ModelLimits, limits_of
from app.simulator.options import Fault, Options
from app.simulator.prompt_cache import PromptCache

__all__ = ("ANONYMOUS", "DEMO_KEY", "Organization", "Organizations", "ReceivedRequest", "overlaid")

DEMO_KEY = "gsk_demo"
"""Accepted out of the box, with the developer tier's limits."""

ANONYMOUS = "anonymous"
"""The account of requests without a key under ``/v1``, as local servers take them."""

_LOG_SIZE = 1_000

Outcome = Literal["answering", "answered", "refused", "broken", "disconnected"]


@dataclass(slots=True)
class ReceivedRequest:
    """What the server received, and how it went.

    Attributes:
        body: the JSON body, or the fields of a form; ``None`` where there is none.
        connection: the number of the TCP connection, to tell reuse.
        outcome: ``disconnected`` where the client closed before the end, ``broken`` where a fault did.
        tokens_sent: tokens that were written, reasoning included.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    connection: int
    received_at: float
    outcome: Outcome = "answering"
    status: int | None = None
    fault: str | None = None
    tokens_sent: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the control interface."""
        return asdict(self)


@dataclass(slots=True)
class _FaultCount:
    fault: Fault
    matched: int = 0

    def happens(self, path: str, model: object, tier: object) -> bool:
        fault = self.fault
        if fault.path not in {path, "any"}:
            return False
        if (fault.model or model) != model or (fault.service_tier or tier) != tier:
            return False
        self.matched += 1
        nth = self.matched - self.fault.skip
        return nth > 0 and (self.fault.times is None or nth <= self.fault.times)


@dataclass(slots=True)
class Organization:
    """One account; ``configure`` starts it afresh, except for its log, connections, files and batches."""

    api_key: str
    base_clock: Callable[[], float]
    options: Options = field(default_factory=Options)
    clock_offset: float = 0.0
    requests: deque[ReceivedRequest] = field(default_factory=lambda: deque(maxlen=_LOG_SIZE))
    files: dict[str, StoredFile] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    _limits: dict[str, ModelLimits] = field(default_factory=dict)
    _caches: dict[str, PromptCache] = field(default_factory=dict)
    _faults: list[_FaultCount] = field(default_factory=list)
    _calls: itertools.count[int] = field(default_factory=itertools.count)
    _answers: itertools.count[int] = field(default_factory=itertools.count)
    _recordings: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def id(self) -> str:
        """The name in Groq's error texts."""
        return f"org_{hashlib.sha256(self.api_key.encode()).hexdigest()[:26]}"

    def clock(self) -> float:
        """Monotonic seconds of this account, which a test may move on."""
        return self.base_clock() + self.clock_offset

    def configure(self, options: Options) -> None:
        """Take new options: full buckets, empty caches, faults counted from the start."""
        self.options = options
        self._limits.clear()
        self._caches.clear()
        self._faults = [_FaultCount(fault) for fault in options.faults]
        self._calls = itertools.count()
        self._answers = itertools.count()
        self._recordings = itertools.count()

    def limits(self, model: str) -> ModelLimits:
        """The buckets of one model."""
        if model not in self._limits:
            limits = limits_of(self.options.limits)
            self._limits[model] = ModelLimits(limits, self.clock, organization=self.id, model=model)
        return self._limits[model]

    def cache(self, model: str) -> PromptCache:
        """The prompt cache of one model."""
        return self._caches.setdefault(model, PromptCache(self.clock))

    def fault(self, path: str, model: object = None, tier: object = None) -> Fault | None:
        """The fault that happens to this call; every fault that matches it counts it."""
        happening = [count.fault for count in self._faults if count.happens(path, model, tier)]
        return happening[0] if happening else None

    def first_token_seconds(self, options: Options) -> float:
        """The wait of this call; a list of waits is used in turn."""
        waits = options.first_token_ms
        if isinstance(waits, list):
            return waits[next(self._calls) % len(waits)] / 1_000
        return waits / 1_000

    def scripted(self, options: Options) -> Options:
        """The options for this answer; a list of texts is used in turn."""
        if options.texts is None:
            return options
        text = options.texts[next(self._answers) % len(options.texts)]
        return options.model_copy(update={"text": text})

    def heard(self, options: Options) -> str | None:
        """What this recording says; a list of texts is used in turn, ``None`` where none is scripted."""
        texts = options.heard
        if isinstance(texts, list):
            return texts[next(self._recordings) % len(texts)]
        return texts


class Organizations:
    """All accounts, by API key.

    Args:
        clock: monotonic seconds.
        demo: options of the demo key and of requests without one.
    """

    def __init__(self, clock: Callable[[], float], demo: Options) -> None:
        self._clock = clock
        self._by_key: dict[str, Organization] = {}
        self.configure(DEMO_KEY, demo)
        self.configure(ANONYMOUS, demo.model_copy(update={"limits": "off"}))

    def find(self, api_key: str) -> Organization | None:
        """The account of a key; ``None`` where the key is not known."""
        return self._by_key.get(api_key)

    def configure(self, api_key: str, options: Options) -> Organization:
        """Make the key known, or change its options."""
        if api_key not in self._by_key:
            self._by_key[api_key] = Organization(api_key, self._clock)
        organization = self._by_key[api_key]
        organization.configure(options)
        return organization

    def forget(self, api_key: str) -> None:
        """Make the key unknown again."""
        self._by_key.pop(api_key, None)


def overlaid(options: Options, changes: Mapping[str, Any]) -> Options:
    """Options with some of them replaced; ``changes`` are valid options themselves."""
    return Options.model_validate({**options.model_dump(), **changes})
