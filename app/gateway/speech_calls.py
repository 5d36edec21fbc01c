"""A call that hears or speaks, on behalf of a request: who is asked, what it costs, and that it is booked."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal

from pydantic_core import to_json

from app.gateway.api_errors import invalid_request
from app.gateway.callers import Caller
from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from app.gateway.local_voice import LOCAL
from core.costs.speech_calls import OnThisMachine, SpeechCall, SpeechFeature, SpeechPriceList, measured
from core.errors import UnknownRoute
from core.providers import OpenAICompatibleProvider

__all__ = ("answer_headers", "booked", "speech_provider", "tell_estimate")

_LEDGER = Decimal("1e-12")
_VERBS = {"transcription": "transcribe", "speech": "speak"}


def speech_provider(
    gateway: Gateway, caller: Caller, model: str, feature: SpeechFeature
) -> tuple[OpenAICompatibleProvider, str]:
    """Who is asked for a model, with the caller's own key where there is one, and what they call it.

    Raises:
        UnknownRoute: nobody has it.
        ApiError: 400: it is a model of another kind.
    """
    chosen: tuple[OpenAICompatibleProvider, str] | None = None
    others = False
    for name, theirs in gateway.router.resolve(model):
        provider, info = gateway.providers[name], gateway.catalogue.find(name, theirs)
        if not isinstance(provider, OpenAICompatibleProvider):
            continue
        if info is not None and info.kind == feature:
            chosen = provider, theirs
            break
        if info is None and chosen is None:
            chosen = provider, theirs
        others = others or info is not None
    if chosen is None and others:
        raise invalid_request(f"The model {model!r} does not {_VERBS[feature]}.", param="model")
    if chosen is None:
        raise UnknownRoute(f"Nobody is known who has the model {model!r}.")
    provider, theirs = chosen
    return provider.with_overrides(caller.api_keys.get(provider.name), None), theirs


@contextlib.asynccontextmanager
async def booked(
    gateway: Gateway, exchange: Exchange, caller: Caller, call: SpeechCall
) -> AsyncIterator[SpeechCall]:
    """Make the call within the block: admitted by the budgets, stored before, settled after, however it goes.

    Raises:
        BudgetExceeded, KeyRefused, StorageError: it may not be made.
    """
    place, prices = caller.place(exchange), _prices(gateway, call)
    call.look_up(prices)
    await gateway.speech.admit(call, place, caller.key, caller.recheck)
    try:
        with measured(call, prices):
            yield call
    finally:
        await gateway.speech.settle(call, place)


def answer_headers(gateway: Gateway, exchange: Exchange, *calls: SpeechCall) -> dict[str, str]:
    """Who answered, how many calls that took, what they cost, and what this gateway took for itself."""
    costs = [call.cost for call in calls if call.cost is not None]
    overhead = gateway.clock() - exchange.began - sum(call.duration or 0.0 for call in calls)
    headers = {
        "x-tensorwall-route": f"{calls[-1].provider}/{calls[-1].model}",
        "x-tensorwall-attempts": str(len(calls)),
        "x-tensorwall-overhead-ms": f"{max(0.0, overhead) * 1000:.3f}",
    }
    if len(costs) == len(calls):
        headers["x-tensorwall-cost"] = _dollars(sum(costs, Decimal(0)))
    return headers


async def tell_estimate(gateway: Gateway, exchange: Exchange, model: str, call: SpeechCall) -> None:
    """Answer with who would be asked and what it would cost; nothing is sent and nothing booked."""
    call.look_up(_prices(gateway, call))
    cost = call.worst_cost
    answer = {
        "object": f"audio.{call.feature}.dry_run",
        "model": model,
        "route": {"provider": call.provider, "model": call.model},
        "estimate": {
            "seconds": round(call.seconds, 3) or None,
            "characters": call.characters or None,
            "worst_cost_usd": None if cost is None else _dollars(cost),
        },
    }
    await exchange.answer(to_json(answer), {"x-tensorwall-route": f"{call.provider}/{call.model}"})


def _dollars(amount: Decimal) -> str:
    """As exact as the ledger, without the noughts at the end."""
    return f"{amount.quantize(_LEDGER).normalize():f}"


def _prices(gateway: Gateway, call: SpeechCall) -> SpeechPriceList:
    return OnThisMachine() if call.provider == LOCAL else gateway.catalogue
