"""What is known about one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from core.chat import ReasoningEffort

__all__ = ("Capability", "Kind", "ModelInfo", "PublishedLimits", "State")

Kind = Literal["chat", "transcription", "speech", "guard", "other"]
State = Literal["active", "preview", "enterprise", "retired"]
Capability = Literal[
    "vision", "tools", "parallel_tools", "json_object", "json_schema", "strict_schema", "reasoning"
]


@dataclass(frozen=True, slots=True)
class PublishedLimits:
    """Rate limits of one plan as the provider publishes them; ``None`` where it names none."""

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    audio_seconds_per_hour: int | None = None
    audio_seconds_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model of one provider; sizes are in tokens, speeds in tokens per second.

    ``state`` is what the provider's documentation says; ``enterprise`` means served to enterprise
    contracts alone. Whether this key is served it is ``offered``.
    """

    provider: str
    id: str
    label: str
    kind: Kind = "chat"
    state: State = "active"
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[Capability] = frozenset()
    reasoning_efforts: tuple[ReasoningEffort, ...] = ()
    """Accepted values from least to most; empty where the model takes none."""
    shutdown_date: date | None = None
    replacement: str | None = None
    """The direct successor; ``Catalogue.replacement`` follows the chain."""
    claimed_speed: int | None = None
    limits: Mapping[str, PublishedLimits] = field(default_factory=dict, hash=False)
    """By plan: ``free``, ``developer``."""
    listed: bool = True
    """Whether ``assets/models.toml`` knows it; otherwise only the provider's ``/models`` does."""
    offered: bool | None = None
    """Whether the provider's own ``/models`` names it; ``None`` while that is unknown."""

    @property
    def usable(self) -> bool:
        """Whether asking for it should work, as far as is known."""
        return self.offered if self.offered is not None else self.state in ("active", "preview")

    @property
    def blind(self) -> bool:
        """Whether it is known to take no images."""
        return self.listed and "vision" not in self.capabilities
