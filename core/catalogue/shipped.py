"""Reads ``assets/models.toml``: the models, aliases and prices that ship with TensorWall."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

from core.catalogue.model_info import ModelInfo, PublishedLimits
from core.catalogue.price import Price, SpeechPrice

__all__ = ("ModelKey", "Shipped", "parse_models", "read_shipped")

ModelKey = tuple[str, str]
"""Provider and model id."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """The contents of ``models.toml``; rows of prices are from the oldest to the newest."""

    default_model: str
    voice_model: str
    title_model: str
    local_providers: frozenset[str]
    aliases: Mapping[str, Mapping[str, str]]
    models: Mapping[ModelKey, ModelInfo]
    prices: Mapping[ModelKey, tuple[Price, ...]]
    speech_prices: Mapping[ModelKey, tuple[SpeechPrice, ...]]


def read_shipped() -> Shipped:
    """The file in the installed ``assets`` package."""
    return parse_models(files("assets").joinpath("models.toml").read_text(encoding="utf-8"))


def parse_models(text: str) -> Shipped:
    """The contents of a ``models.toml``.

    Raises:
        ValueError: it is no TOML, or a model names something that does not exist.
        KeyError: a model lacks its id or provider.
    """
    document = tomllib.loads(text)
    models: dict[ModelKey, ModelInfo] = {}
    prices: dict[ModelKey, tuple[Price, ...]] = {}
    speech_prices: dict[ModelKey, tuple[SpeechPrice, ...]] = {}
    for provider, entries in document["models"].items():
        for model, entry in entries.items():
            key = (provider, model)
            rows = sorted(entry.pop("prices", ()), key=lambda row: row["valid_from"])
            prices[key] = tuple(_price(key, row) for row in rows if "input" in row)
            speech_prices[key] = tuple(_speech_price(key, row) for row in rows if "input" not in row)
            models[key] = _model(key, entry)
    return Shipped(
        default_model=document["default_model"],
        voice_model=document["voice_model"],
        title_model=document["title_model"],
        local_providers=frozenset(document["local_providers"]),
        aliases=document["aliases"],
        models=models,
        prices=prices,
        speech_prices=speech_prices,
    )


def _model(key: ModelKey, entry: dict[str, Any]) -> ModelInfo:
    entry["capabilities"] = frozenset(entry.get("capabilities", ()))
    entry["reasoning_efforts"] = tuple(entry.get("reasoning_efforts", ()))
    entry["limits"] = {plan: PublishedLimits(**limits) for plan, limits in entry.get("limits", {}).items()}
    return ModelInfo(provider=key[0], id=key[1], **entry)


def _price(key: ModelKey, row: dict[str, Any]) -> Price:
    cached_input = row.get("cached_input")
    return Price(
        id=_row_id(key, row["valid_from"]),
        input=Decimal(row["input"]),
        output=Decimal(row["output"]),
        cached_input=None if cached_input is None else Decimal(cached_input),
        source=row["source"],
        valid_from=row["valid_from"],
    )


def _speech_price(key: ModelKey, row: dict[str, Any]) -> SpeechPrice:
    hour, characters = row.get("per_audio_hour"), row.get("per_million_characters")
    return SpeechPrice(
        id=_row_id(key, row["valid_from"]),
        per_audio_hour=None if hour is None else Decimal(hour),
        minimum_seconds=row.get("minimum_seconds", 0),
        per_million_characters=None if characters is None else Decimal(characters),
        source=row["source"],
        valid_from=row["valid_from"],
    )


def _row_id(key: ModelKey, valid_from: date) -> str:
    return f"{'/'.join(key)}@{valid_from.isoformat()}"
