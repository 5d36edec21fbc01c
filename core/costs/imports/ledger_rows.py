"""Imported calls as rows of the ledger, priced where the other program did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.catalogue import Price
from core.costs.booking import money_values
from core.costs.imports.provider_names import provider_and_model
from core.costs.imports.usage_history import LABELS, ImportedCall, ImportKind
from core.costs.ledger_records import IMPORTED_FROM
from core.costs.price_rows import RECKONED_BY_LITELLM
from core.costs.worst_case import PricedModels
from core.identifiers import derived_id

__all__ = ("LedgerRow", "LedgerRows")

_CALL_ID_LENGTH = 24


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row of the ledger, the title of its session, and the price that it was reckoned with."""

    values: Mapping[str, Any]
    title: str
    price: Price | None


class LedgerRows:
    """Makes rows of one program's calls.

    Args:
        kind: the program; identifiers are derived from it and from its own, so that they are always the same.
        models: prices and known models.
    """

    def __init__(self, kind: ImportKind, models: PricedModels) -> None:
        self._kind: ImportKind = kind
        self._models = models
        self._prices: dict[tuple[str, str, date], Price | None] = {}

    def of(self, call: ImportedCall) -> LedgerRow:
        """The row of a call; the first of each model takes a while to price."""
        provider, model = provider_and_model(
            self._models, call.name, call.provider, address=call.address, unknown=self._kind
        )
        model = call.model or model
        if call.cost is None:
            price = self._price(provider, model, call)
            money = money_values(call.usage, price)
        else:
            price = None
            money = {"cost": call.cost, "price_id": RECKONED_BY_LITELLM, "cache_saving": None}
        values = {
            "call_id": derived_id(self._kind, call.source_id, length=_CALL_ID_LENGTH),
            "session_id": derived_id(self._kind, call.session) if call.session else None,
            "feature": call.feature,
            "route": call.name,
            "provider": provider,
            "model": model,
            "reason": f"{IMPORTED_FROM}{LABELS[self._kind]}",
            "role": "first",
            "started_at": call.started_at,
            "outcome": call.outcome,
            "prompt_tokens": call.usage.prompt_tokens,
            "completion_tokens": call.usage.completion_tokens,
            "cached_tokens": call.usage.cached_tokens,
            "reasoning_tokens": call.usage.reasoning_tokens,
            "estimated": False,
            "first_token": call.first_content,
            "first_content": call.first_content,
            "duration": call.duration,
            "error": call.error,
            "request_id": call.request_id,
            **money,
        }
        return LedgerRow(values, call.title, price)

    def _price(self, provider: str, model: str, call: ImportedCall) -> Price | None:
        """Prices change from one day to the next at most; looking one up takes long."""
        key = (provider, model, call.started_at.date())
        if key not in self._prices:
            self._prices[key] = self._models.price(provider, model, call.started_at)
        return self._prices[key]
