"""The most that a call may cost, from one estimate of its request: what budgets set aside for it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from core.catalogue import ModelInfo, Price
from core.chat import ChatRequest, UpstreamCall, Usage
from core.costs.booking import PriceList
from core.costs.tokens import prompt_tokens_at_most

__all__ = ("LEAST_USEFUL_OUTPUT", "PricedModels", "WorstCase", "worst_case", "worst_case_of")

LEAST_USEFUL_OUTPUT = 256
"""Tokens. A call that money allows less is refused: an answer cut off so early is money lost."""
_UNKNOWN_OUTPUT = 131_072
"""Tokens; the longest answer of a model that nothing is known about: the longest of any in use."""
_MOST_OUTPUT = 10_000_000
"""Tokens; no answer is as long, and what a longer one would cost may be more than a row can hold."""
_MANY = 1_000_000


class PricedModels(PriceList, Protocol):
    """Prices and sizes of models; ``core.catalogue.Catalogue`` has them."""

    def find(self, provider: str, model: str) -> ModelInfo | None:
        """What is known of a provider's model; ``None`` where nothing is."""


@dataclass(frozen=True, slots=True)
class WorstCase:
    """What a call may consume at most.

    Attributes:
        prompt_tokens: with room for the error of the estimate.
        output_tokens: the cap it asks for, where that is within reason, or else the longest answer of its
            model.
        price: ``None`` where it is unknown.
        answers: how many it gives, each of which may be as long.
    """

    prompt_tokens: int
    output_tokens: int
    price: Price | None
    answers: int = 1

    def cost(self, output_tokens: int | None = None) -> Decimal | None:
        """US dollars with answers of that length, by default the longest; ``None``: unknown."""
        if self.price is None:
            return None
        longest = self.output_tokens if output_tokens is None else output_tokens
        return self.price.cost(Usage(self.prompt_tokens, self.answers * longest))

    def output_for(self, money: Decimal) -> int:
        """The longest answer, in tokens, that so many US dollars pay for, prompt included; 0 for none."""
        if self.price is None:
            return 0
        prompt = self.price.cost(Usage(self.prompt_tokens, 0))
        if prompt > money:
            return 0
        many = self.price.cost(Usage(self.prompt_tokens, self.answers * _MANY)) - prompt
        return (
            self.output_tokens if not many else min(self.output_tokens, int((money - prompt) * _MANY / many))
        )


def worst_case(
    models: PricedModels, call: UpstreamCall, request: ChatRequest, output_cap: int | None
) -> WorstCase:
    """What the call may consume; takes 0.2 ms per thousand new tokens, and once 0.2 s to load prices."""
    return worst_case_of(models, call, prompt_tokens_at_most(request), output_cap)


def worst_case_of(
    models: PricedModels, call: UpstreamCall, prompt_tokens: int, output_cap: int | None
) -> WorstCase:
    """The same, where the prompt is known by its size only."""
    info = models.find(call.provider, call.model)
    longest = (info.max_output_tokens or info.context_window if info else None) or _UNKNOWN_OUTPUT
    return WorstCase(
        prompt_tokens=prompt_tokens,
        output_tokens=min(output_cap, _MOST_OUTPUT) if output_cap is not None else longest,
        price=models.price(call.provider, call.model, call.started_at),
        answers=call.answers,
    )
