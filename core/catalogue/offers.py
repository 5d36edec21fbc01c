"""What providers' own ``/models`` said last, and the copy of it for when they cannot be reached."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from core.files import replace_file

__all__ = ("OfferedModel", "Offer", "ModelEntry", "read_offers", "write_offers")

_FORMAT = 1


class ModelEntry(Protocol):
    """One entry of ``/models`` as a provider hands it over; sizes in tokens."""

    @property
    def id(self) -> str:
        """The provider's id of the model."""

    @property
    def active(self) -> bool | None:
        """Whether it is served; ``None`` where the provider does not say."""

    @property
    def context_window(self) -> int | None:
        """Prompt and answer together."""

    @property
    def max_completion_tokens(self) -> int | None:
        """The longest answer."""


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """One entry of ``/models`` as it is kept."""

    id: str
    active: bool | None = None
    context_window: int | None = None
    max_completion_tokens: int | None = None

    @classmethod
    def of(cls, remote: ModelEntry) -> OfferedModel:
        """The fields that are kept of a provider's entry."""
        return cls(remote.id, remote.active, remote.context_window, remote.max_completion_tokens)


@dataclass(frozen=True, slots=True)
class Offer:
    """All that a provider's ``/models`` named, and when (UTC)."""

    fetched_at: datetime
    models: tuple[OfferedModel, ...]


def write_offers(path: Path, offers: Mapping[str, Offer]) -> None:
    """Keep the offers of each provider, in one step.

    Raises:
        OSError: the file cannot be written.
    """
    kept = {
        provider: {
            "fetched_at": offer.fetched_at.isoformat(),
            "models": [asdict(model) for model in offer.models],
        }
        for provider, offer in offers.items()
    }
    replace_file(path, json.dumps({"format": _FORMAT, "providers": kept}))


def read_offers(path: Path) -> dict[str, Offer]:
    """The offers that were kept; none where the copy is missing, damaged or of another format.

    It is a cache: what is lost is fetched again, so a damaged copy is not worth an error.
    """
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != _FORMAT:
            return {}
        return {provider: _offer(entry) for provider, entry in document["providers"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _offer(entry: Mapping[str, Any]) -> Offer:
    fetched_at = datetime.fromisoformat(entry["fetched_at"])
    if fetched_at.tzinfo is None:
        raise ValueError("a time without a zone")
    return Offer(fetched_at, tuple(_checked(OfferedModel(**model)) for model in _list(entry["models"])))


def _list(value: object) -> Iterable[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _checked(model: OfferedModel) -> OfferedModel:
    sizes = (model.context_window, model.max_completion_tokens)
    if not isinstance(model.id, str) or not all(size is None or type(size) is int for size in sizes):
        raise TypeError("not a model")
    return model
