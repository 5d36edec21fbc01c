"""The gateway's keys as a table for people, and as exact rows for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from app.cli.costs_output import emit_objects
from app.cli.output import emit, note
from app.cli.tables import emit_table
from app.figures import money
from core.costs.budgets import Standing
from core.costs.key_budgets import key_standings
from core.costs.key_spend import KeySpend, key_spend_of
from core.keys import PERIODS, GatewayKey, KeyBudget, KeyScopes
from core.review.exports import csv_table
from core.review.report import Row

__all__ = ("ListedKey", "emit_keys", "read_listed")


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key, what was spent with it, and its standing in every period, limited or not."""

    key: GatewayKey
    spend: KeySpend
    standings: Sequence[Standing]


def read_listed(connection: Connection, keys: Sequence[GatewayKey], now: datetime) -> list[ListedKey]:
    """What to list of the keys, on the storage worker."""
    spends = key_spend_of(connection, keys)
    return [
        ListedKey(key, spend, key_standings(connection, _with_every_period(key), now))
        for key, spend in zip(keys, spends, strict=True)
    ]


def _with_every_period(key: GatewayKey) -> GatewayKey:
    budgets = {budget.period: budget for budget in key.scopes.budgets}
    every = tuple(budgets.get(period, KeyBudget(period, Decimal(0))) for period in PERIODS)
    return replace(key, scopes=replace(key.scopes, budgets=every))


def emit_keys(listed: Sequence[ListedKey], now: datetime, form: str) -> None:
    """Write them to stdout as ``table``, ``csv`` or ``json``."""
    if form == "json":
        emit_objects([_row(each, now) for each in listed])
    elif form == "csv":
        columns = tuple(_row(listed[0], now)) if listed else ()
        emit(csv_table(columns, [_row(each, now) for each in listed]).rstrip("\n"))
    elif listed:
        emit_table(
            ("prefix", "name", "state", "spent", "last used", "good for"),
            [
                (
                    each.key.prefix,
                    each.key.name,
                    each.key.state(now),
                    _spent(each),
                    _when(each.spend.last_used) if each.spend.last_used else "never",
                    _good_for(each.key, now),
                )
                for each in listed
            ],
        )
    else:
        note("There are no keys yet. `tensorwall keys create NAME` makes one.")


def _row(each: ListedKey, now: datetime) -> Row:
    key, spend = each.key, each.spend
    row: Row = {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "state": key.state(now),
        "models": key.scopes.models,
        "endpoints": key.scopes.endpoints,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "previous_prefix": key.previous.prefix if key.previous else None,
        "previous_until": key.previous.until if key.previous else None,
        "last_used": spend.last_used,
        "calls": spend.calls,
        "prompt_tokens": spend.prompt_tokens,
        "completion_tokens": spend.completion_tokens,
        "cost_usd": spend.cost,
        "estimated_cost_usd": spend.estimated_cost,
        "unknown_price_calls": spend.unknown_price_calls,
    }
    limited = {budget.period for budget in key.scopes.budgets}
    for standing in each.standings:
        period, has_budget = standing.budget.scope, standing.budget.scope in limited
        row[f"{period}_budget_usd"] = standing.budget.hard if has_budget else None
        row[f"{period}_spent_usd"] = standing.spent
        row[f"{period}_held_usd"] = standing.reserved
    return row


def _spent(each: ListedKey) -> str:
    """Against each budget, or in all where there is none."""
    limited = {budget.period for budget in each.key.scopes.budgets}
    parts = [
        f"{money(standing.spent)} of {money(standing.budget.hard)} {_a(standing.budget.scope)}"
        for standing in each.standings
        if standing.budget.scope in limited
    ]
    return ", ".join(parts) or money(each.spend.cost, estimated=bool(each.spend.estimated_cost))


def _a(period: str) -> str:
    return "in all" if period == "total" else f"a {period}"


def _good_for(key: GatewayKey, now: datetime) -> str:
    parts = [_allowed(key.scopes)]
    if key.expires_at is not None and key.state(now) == "active":
        parts.append(f"until {_when(key.expires_at)}")
    if key.previous is not None and key.problem(now, key.previous) is None and key.previous.until is not None:
        parts.append(f"{key.previous.prefix} too until {_when(key.previous.until)}")
    return "; ".join(parts)


def _allowed(scopes: KeyScopes) -> str:
    allowed = [names for names in (scopes.endpoints, scopes.models) if names is not None]
    return " of ".join(", ".join(names) for names in allowed) or "everything"


def _when(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
