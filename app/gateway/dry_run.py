"""``X-Dry-Run``: what a request would cost and where it would go, with nothing sent and nothing booked."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from pydantic_core import to_json

from app.gateway.api_errors import invalid_request
from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from core.chat import ChatRequest, UpstreamCall
from core.costs.worst_case import worst_case

__all__ = ("dry_run", "wants_dry_run")

_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


def wants_dry_run(exchange: Exchange) -> bool:
    """Whether the request is to be told about and not made.

    Raises:
        ApiError: 400: ``X-Dry-Run`` says neither; guessing might spend money.
    """
    given = exchange.headers.get("x-dry-run", "").strip().lower()
    if given not in (*_YES, *_NO):
        raise invalid_request("X-Dry-Run is neither true nor false.", param="X-Dry-Run")
    return given in _YES


async def dry_run(gateway: Gateway, exchange: Exchange, request: ChatRequest) -> None:
    """Answer with the routes in the order they would be tried, the first with its estimate."""
    routes, skipped = gateway.router.preview(request)
    first = routes[0]
    provider = gateway.providers.get(first.provider)
    call = UpstreamCall(
        call_id="",
        route=request.model,
        provider=first.provider,
        model=first.model,
        reason=first.reason,
        started_at=datetime.now(UTC),
        answers=provider.profile.answers(request, first.model) if provider else 1,
    )
    most = worst_case(gateway.catalogue, call, request, first.output_cap)
    answer = {
        "object": "chat.completion.dry_run",
        "model": request.model,
        "route": {"provider": first.provider, "model": first.model, "reason": first.reason},
        "then": [{"provider": route.provider, "model": route.model} for route in routes[1:]],
        "skipped": [
            {"provider": route.provider, "model": route.model, "reason": route.reason} for route in skipped
        ],
        "estimate": {
            "prompt_tokens": most.prompt_tokens,
            "max_completion_tokens": most.output_tokens,
            "prompt_cost_usd": _dollars(most.cost(0)),
            "worst_cost_usd": _dollars(most.cost()),
        },
    }
    await exchange.answer(to_json(answer), {"x-tensorwall-route": f"{first.provider}/{first.model}"})


def _dollars(cost: Decimal | None) -> str | None:
    return None if cost is None else f"{cost:f}"
