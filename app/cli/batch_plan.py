"""What a batch would take, before anything is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from app.cli.output import note
from app.cli.services import open_services
from app.cli.tables import emit_table
from app.figures import money
from core.batch.run import ROUTER_RETRIES
from core.chat import Usage

if TYPE_CHECKING:
    from app.composition import Services
    from core.batch.lines import BatchInput, BatchLine
    from core.catalogue import Price

__all__ = ("show_plan",)

_HEADERS = ("model", "asked at", "lines", "prompt tokens", "answer tokens", "cost")


async def show_plan(lines: BatchInput, *, provider_batch: bool, demo: bool) -> int:
    """Write a table: for each model who is asked, how many lines, tokens by estimate, and the cost.

    Raises:
        CredentialsError, UnknownRoute: nobody could be asked.
    """
    by_model: dict[str, list[BatchLine]] = defaultdict(list)
    for line in lines.lines:
        by_model[line.model].append(line)
    async with open_services(demo=demo, patience=ROUTER_RETRIES) as services:
        rows = [_row(services, lines, model, members, provider_batch) for model, members in by_model.items()]
    emit_table(_HEADERS, rows, right=frozenset({2, 3, 4, 5}))
    note("tokens and cost are the most that it may take: prompts by estimate, each answer as long as its cap")
    return 0


def _row(
    services: Services, lines: BatchInput, model: str, members: Sequence[BatchLine], provider_batch: bool
) -> list[str]:
    provider, name = services.router.resolve(model)[0]
    profile = services.providers[provider].profile
    price = services.catalogue.price(provider, name, datetime.now(UTC))
    if price is not None and provider_batch:
        price = price.batch()
    caps = [profile.output_cap(lines.request(line), name) for line in members]
    known = [cap for cap in caps if cap is not None]
    return [
        model,
        f"{provider} {name}",
        f"{len(members):,}",
        f"~{sum(line.prompt_tokens for line in members):,}",
        f"≤{sum(known):,}" if len(known) == len(caps) else "any",
        money(_most(price, members, caps)),
    ]


def _most(price: Price | None, members: Sequence[BatchLine], caps: Sequence[int | None]) -> Decimal | None:
    """US dollars at the most; ``None`` where that is not known."""
    if price is None or None in caps:
        return None
    used = [Usage(line.prompt_tokens, cap or 0) for line, cap in zip(members, caps, strict=True)]
    return sum((price.cost(usage) for usage in used), Decimal(0))
