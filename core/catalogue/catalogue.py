"""The catalogue: every model known here, merged with what providers say they serve."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from core.catalogue.model_info import Kind, ModelInfo
from core.catalogue.offers import ModelEntry, Offer, OfferedModel, read_offers, write_offers
from core.catalogue.price import Price, SpeechPrice
from core.catalogue.shipped import ModelKey, Shipped, read_shipped

__all__ = ("Catalogue", "load_catalogue")

_Row = TypeVar("_Row", Price, SpeechPrice)
_KIND_ORDER: dict[Kind, int] = {"chat": 0, "transcription": 1, "speech": 2, "guard": 3, "other": 4}
_STATE_ORDER = {"active": 0, "preview": 1, "enterprise": 2, "retired": 3}
_KIND_WORDS: tuple[tuple[Kind, str], ...] = (
    ("transcription", r"whisper|transcri"),
    ("speech", r"tts|orpheus|playai|speech"),
    ("guard", r"guard|moderation"),
    ("other", r"embed|dall-e|image|realtime|sora|video|rerank|davinci|babbage|audio"),
)


def load_catalogue(remote_cache: Path | None = None) -> Catalogue:
    """The catalogue as shipped, with the offline copy of ``/models`` merged in where it is usable."""
    catalogue = Catalogue(read_shipped())
    if remote_cache is not None:
        catalogue.load_offers(remote_cache)
    return catalogue


class Catalogue:
    """Models by provider and id, with their life cycle, aliases and prices."""

    def __init__(self, shipped: Shipped) -> None:
        self._shipped = shipped
        self._models: dict[ModelKey, ModelInfo] = dict(shipped.models)
        self._offers: dict[str, Offer] = {}

    @property
    def default_model(self) -> str:
        """What a conversation uses unless the user chose a model."""
        return self._shipped.default_model

    @property
    def voice_model(self) -> str:
        """What answers aloud: the quickest to its first word."""
        return self._shipped.voice_model

    @property
    def title_model(self) -> str:
        """What names conversations: the cheapest."""
        return self._shipped.title_model

    @property
    def aliases(self) -> tuple[str, ...]:
        """The names that stand for a model of each provider, such as ``llama-70b``."""
        return tuple(self._shipped.aliases)

    def models(self, provider: str | None = None, *, kind: Kind | None = None) -> list[ModelInfo]:
        """All models, or one provider's, or one kind: chat models first, usable ones before others."""
        found = [
            info
            for info in self._models.values()
            if provider in (None, info.provider) and kind in (None, info.kind)
        ]
        return sorted(
            found,
            key=lambda info: (
                _KIND_ORDER[info.kind],
                not info.usable,
                not info.listed,
                _STATE_ORDER[info.state],
            ),
        )

    def find(self, provider: str, model: str) -> ModelInfo | None:
        """What is known of a provider's model; ``None`` where nothing is."""
        return self._models.get((provider, model))

    def provider_model(self, alias: str, provider: str) -> str:
        """What this provider calls the alias; the alias itself where it is none of ours."""
        return self._shipped.aliases.get(alias, {}).get(provider, alias)

    def replacement(self, provider: str, model: str) -> str | None:
        """The model to use in place of one that is gone: the end of its chain of successors.

        A successor that this key is known to be served ends the chain early. ``None`` where there
        is no successor, or where the chain runs in a circle.
        """
        seen = {model}
        info = self.find(provider, model)
        while info is not None and info.replacement is not None:
            if info.replacement in seen:
                return None
            seen.add(info.replacement)
            model = info.replacement
            info = self.find(provider, model)
            if info is not None and info.offered:
                return model
        return model if len(seen) > 1 else None

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """The price of a model's tokens at a time; ``None`` where it is not known for certain.

        ``models.toml`` is asked first, then genai-prices (imported on first need, about 0.2 s).
        Names are compared whole: a similar name never lends its price. Servers on the user's own
        machine cost nothing.
        """
        if provider in self._shipped.local_providers:
            return Price(f"{provider}/local", Decimal(0), Decimal(0), source="runs on this machine")
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        if rows := self._shipped.prices.get((provider, model)):
            return _valid_at(rows, at)

        from core.catalogue.published_prices import published_price

        return published_price(provider, model, at)

    def speech_price(self, provider: str, model: str, at: datetime) -> SpeechPrice | None:
        """The price of a transcription or speech model at a time; ``None`` where it is not known."""
        return _valid_at(self._shipped.speech_prices.get((provider, model), ()), at)

    def merge(
        self, provider: str, remote: Iterable[ModelEntry], *, fetched_at: datetime | None = None
    ) -> None:
        """Take in what a provider's ``/models`` answered.

        Its sizes replace ours, unknown models are added with what it tells of them, and known ones
        that it leaves out are marked as not offered. An empty answer is no evidence and changes
        nothing.
        """
        offered = tuple(OfferedModel.of(model) for model in remote)
        if offered:
            self._apply(provider, Offer(fetched_at or datetime.now(UTC), offered))

    def fetched_at(self, provider: str) -> datetime | None:
        """When the provider's ``/models`` was read (UTC); ``None`` where it never was."""
        offer = self._offers.get(provider)
        return offer.fetched_at if offer else None

    def save_offers(self, path: Path) -> None:
        """Keep what was merged for an offline start; other providers' newer entries are kept too.

        Raises:
            OSError: the file cannot be written.
        """
        kept = read_offers(path)
        for provider, offer in self._offers.items():
            if provider not in kept or kept[provider].fetched_at <= offer.fetched_at:
                kept[provider] = offer
        write_offers(path, kept)

    def load_offers(self, path: Path) -> None:
        """Merge what was kept; a missing or damaged copy changes nothing."""
        for provider, offer in read_offers(path).items():
            self._apply(provider, offer)

    def _apply(self, provider: str, offer: Offer) -> None:
        self._offers[provider] = offer
        shipped = {key: info for key, info in self._shipped.models.items() if key[0] == provider}
        self._models = {key: info for key, info in self._models.items() if key[0] != provider}
        self._models |= {key: replace(info, offered=False) for key, info in shipped.items()}
        for model in offer.models:
            info = shipped.get((provider, model.id)) or _unlisted(provider, model.id)
            self._models[provider, model.id] = replace(
                info,
                context_window=model.context_window or info.context_window,
                max_output_tokens=model.max_completion_tokens or info.max_output_tokens,
                offered=model.active is not False,
            )


def _unlisted(provider: str, model: str) -> ModelInfo:
    """A model that only ``/models`` knows, which does not say what a model is for."""
    kind: Kind = next((kind for kind, words in _KIND_WORDS if re.search(words, model.lower())), "chat")
    return ModelInfo(provider=provider, id=model, label=model, kind=kind, listed=False)


def _valid_at(rows: Sequence[_Row], at: datetime) -> _Row | None:
    """The newest row that was in force; none where the time is before all of them."""
    day = at.date()
    in_force = [row for row in rows if row.valid_from is not None and row.valid_from <= day]
    return in_force[-1] if in_force else None
