"""Prices from the genai-prices package, for models that ``models.toml`` does not price.

Heavy to import (about 0.2 s): ``Catalogue.price`` imports this module when it first needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import genai_prices
from genai_prices import data, types

from core.catalogue.price import LongPromptPrice, Price

__all__ = ("published_price",)

_WHAT_WE_COUNT = {"input_mtok", "output_mtok", "cache_read_mtok"}
_BILLED_ON_REQUEST_ONLY = {"web_searches_kcount", "storage_searches_kcount"}
"""Hosted tools; this client asks for none of them."""


def published_price(provider: str, model: str, at: datetime) -> Price | None:
    """The price of a model's tokens at a time (UTC); ``None`` where it is not known for certain.

    A model matches by its whole name, or by a pattern anchored at both ends, such as dated
    snapshots. Prices with a part that ``Usage`` does not count (cache writes, audio) are left out:
    their sum would be wrong.
    """
    found = next((entry for entry in data.providers if entry.id == provider), None)
    entry = next((entry for entry in found.models if _names(entry.match, model)), None) if found else None
    if entry is None or _varies_within_a_day(entry):
        return None
    price = entry.get_prices(at)
    parts = {key: value for key, value in vars(price).items() if value is not None}
    if not {"input_mtok", "output_mtok"} <= parts.keys() <= _WHAT_WE_COUNT | _BILLED_ON_REQUEST_ONLY:
        return None
    since = _in_force_since(entry, at)
    return Price(
        id=f"genai-prices-{genai_prices.__version__}:{provider}/{entry.id}" + (f"@{since}" if since else ""),
        input=_rate(parts["input_mtok"], 0),
        output=_rate(parts["output_mtok"], 0),
        cached_input=_optional_rate(parts.get("cache_read_mtok"), 0),
        source=f"genai-prices {genai_prices.__version__}",
        valid_from=since,
        long_prompt=tuple(
            LongPromptPrice(
                above=start,
                input=_rate(parts["input_mtok"], start + 1),
                output=_rate(parts["output_mtok"], start + 1),
                cached_input=_optional_rate(parts.get("cache_read_mtok"), start + 1),
            )
            for start in sorted({start for value in parts.values() for start in _tier_starts(value)})
        ),
    )


def _names(match: types.MatchLogic, model: str) -> bool:
    match match:
        case types.ClauseEquals():
            return match.equals.lower() == model.lower()
        case types.ClauseOr():
            return any(_names(clause, model) for clause in match.or_)
        case types.ClauseRegex():
            anchored = match.regex.startswith("^") and match.regex.endswith("$")
            return anchored and re.search(match.regex, model.lower()) is not None
        case _:
            return False


def _varies_within_a_day(entry: types.ModelInfo) -> bool:
    return isinstance(entry.prices, list) and any(
        isinstance(row.constraint, types.TimeOfDateConstraint) for row in entry.prices
    )


def _in_force_since(entry: types.ModelInfo, at: datetime) -> date | None:
    rows = entry.prices if isinstance(entry.prices, list) else []
    starts = [
        row.constraint.start_date for row in rows if isinstance(row.constraint, types.StartDateConstraint)
    ]
    return max((start for start in starts if start <= at.astimezone(UTC).date()), default=None)


def _rate(value: Decimal | types.TieredPrices, prompt_tokens: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    reached = [tier.price for tier in value.tiers if prompt_tokens > tier.start]
    return reached[-1] if reached else value.base


def _optional_rate(value: Decimal | types.TieredPrices | None, prompt_tokens: int) -> Decimal | None:
    return None if value is None else _rate(value, prompt_tokens)


def _tier_starts(value: Decimal | types.TieredPrices) -> Iterator[int]:
    if isinstance(value, types.TieredPrices):
        yield from (tier.start for tier in value.tiers)
