"""The model that `tensorwall costs --instead` names, with its price of today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from core.catalogue import Catalogue, Price
from core.errors import InputError

__all__ = ("PricedModel", "find_priced")


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A provider's model and what its tokens cost."""

    provider: str
    model: str
    price: Price


def find_priced(catalogue: Catalogue, name: str) -> PricedModel:
    """The first model of that name with a known price.

    Args:
        catalogue: models and prices.
        name: an alias, an id, or an id after its provider: ``llama-70b``, ``groq/openai/gpt-oss-120b``.

    Raises:
        InputError: there is no such model, or its price is unknown.
    """
    now = datetime.now(UTC)
    known = list(dict.fromkeys(_candidates(catalogue, name.strip())))
    for provider, model in known:
        if price := catalogue.price(provider, model, now):
            return PricedModel(provider, model, price)
    if known:
        raise InputError(f"What {name} costs today is not known.", hint="Name another model.")
    raise InputError(f"There is no model {name!r}.", hint="`tensorwall models --all` lists them.")


def _candidates(catalogue: Catalogue, name: str) -> Iterator[tuple[str, str]]:
    """Provider and id of every model that may be meant, whole ids before those after a provider."""
    providers = list(dict.fromkeys(info.provider for info in catalogue.models()))
    for provider in providers:
        model = catalogue.provider_model(name, provider)
        if catalogue.find(provider, model):
            yield provider, model
    first, _, rest = name.partition("/")
    if rest and first in providers:
        yield first, catalogue.provider_model(rest, first)
