"""Calls that hear or speak: measured while they run, priced by seconds or characters, then booked.

They are rows of the ledger as chat calls are, with the feature ``transcription`` or ``speech``, no tokens
and a cost of their own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, Protocol

from core.catalogue import SpeechPrice
from core.chat import CallOutcome
from core.errors import ProviderError, TensorWallError
from core.identifiers import new_id

__all__ = ("OnThisMachine", "SpeechCall", "SpeechFeature", "SpeechPriceList", "measured")

SpeechFeature = Literal["transcription", "speech"]


class SpeechPriceList(Protocol):
    """Where prices come from; ``core.catalogue.Catalogue`` is one."""

    def speech_price(self, provider: str, model: str, at: datetime) -> SpeechPrice | None:
        """The price of a model at a time, or ``None`` where it is unknown."""


class OnThisMachine:
    """The prices of what this machine does itself: nothing."""

    def speech_price(self, provider: str, model: str, at: datetime) -> SpeechPrice:  # noqa: ARG002
        """Nothing, for any model at any time."""
        free = Decimal(0)
        return SpeechPrice(
            f"{provider}/speech", free, per_million_characters=free, source="runs on this machine"
        )


@dataclass(slots=True)
class SpeechCall:
    """One call to a provider; final once `measured` is left.

    Attributes:
        seconds: of sound that is transcribed.
        characters: of text that is spoken.
        cost: US dollars; ``None`` where the price is unknown.
        price: what the cost was computed from.
        duration: seconds it took.
        error_type: the class name in ``core.errors``.
    """

    feature: SpeechFeature
    provider: str
    model: str
    seconds: float = 0.0
    characters: int = 0
    call_id: str = field(default_factory=new_id)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    outcome: CallOutcome = "running"
    cost: Decimal | None = None
    price: SpeechPrice | None = None
    duration: float | None = None
    error: str | None = None
    error_type: str | None = None
    request_id: str | None = None

    @property
    def price_id(self) -> str | None:
        """Names the price row that the cost was computed from."""
        return self.price.id if self.price else None

    @property
    def worst_cost(self) -> Decimal | None:
        """US dollars it costs unless it fails, known beforehand; ``None`` where the price is unknown."""
        if self.price is None:
            return None
        if self.feature == "transcription":
            return self.price.cost_of_audio(Decimal(str(self.seconds)))
        return self.price.cost_of_speech(self.characters)

    def look_up(self, prices: SpeechPriceList) -> None:
        """Find the price."""
        self.price = prices.speech_price(self.provider, self.model, self.started_at)

    def settle(self) -> None:
        """Compute what it costs: nothing where it failed, all of it where it was given up on the way."""
        if self.outcome == "failed":
            self.cost, self.price = Decimal(0), None
        else:
            self.cost = self.worst_cost


@contextmanager
def measured(
    call: SpeechCall, prices: SpeechPriceList, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[SpeechCall]:
    """Price and measure what is awaited within the block; whatever it raises goes on."""
    call.look_up(prices)
    begun = clock()
    try:
        yield call
    except asyncio.CancelledError:
        call.outcome = "cancelled"
        raise
    except TensorWallError as error:
        call.outcome = "failed"
        call.error, call.error_type = str(error), type(error).__name__
        call.request_id = error.request_id if isinstance(error, ProviderError) else None
        raise
    else:
        call.outcome = "answered"
    finally:
        call.duration = clock() - begun
        call.settle()
