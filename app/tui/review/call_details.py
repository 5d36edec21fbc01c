"""All that the ledger knows of one call, in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from textwrap import wrap

from textual.content import Content

from app.cells import MUTED, column, one_line
from app.figures import duration, money, price, speed
from core.costs.ledger_records import CallRecord
from core.costs.price_rows import PriceRow
from core.voice.receipt import Receipt

__all__ = ("call_details", "voice_details")

_NAMES = 9
_RATES = {
    "input": "in",
    "output": "out",
    "cached_input": "cached",
    "per_audio_hour": "an hour of sound",
    "per_million_characters": "1M characters",
}


def call_details(call: CallRecord, paid: PriceRow | None, width: int) -> Content:
    """A line a fact; what did not happen has no line."""
    return Content("\n").join(_line(name, told, width) for name, told in _facts(call, paid) if told)


def voice_details(receipt: Receipt, width: int) -> Content:
    """What the parts of a spoken turn took, and what beginning early cost."""
    facts = [
        ("Voice", f"{_maybe(receipt.total)} from the end of your words to the first sound"),
        (
            "Parts",
            f"end of speech {_maybe(receipt.endpoint)}, transcript {_maybe(receipt.transcript)}, "
            f"first word {_maybe(receipt.first_token)}, first sound {_maybe(receipt.first_audio)}",
        ),
    ]
    if receipt.speculated:
        told = f"{receipt.speculated} begun, {receipt.discarded} thrown away for "
        facts.append(("Early", told + money(receipt.speculation_cost)))
    return Content("\n").join(_line(name, told, width) for name, told in facts)


def _facts(call: CallRecord, paid: PriceRow | None) -> Iterator[tuple[str, str]]:
    yield "Route", f"{call.route} → {call.provider}  {call.model}"
    yield "Why", call.role if call.reason in ("", call.role) else f"{call.role}: {call.reason}"
    finish = f", finish reason {call.finish_reason}" if call.finish_reason else ""
    yield "Outcome", f"{call.outcome}{finish}"
    yield "Error", ": ".join(part for part in (call.error_type, call.error) if part)
    yield "Tokens", _tokens(call)
    yield "Speech", _speech(call)
    yield "Times", _times(call)
    yield "First", _firsts(call)
    yield "Cost", _cost(call)
    yield "Price", _price(call, paid)
    yield "Source", _source(paid)
    yield "Request", call.request_id or ""


def _tokens(call: CallRecord) -> str:
    if not call.prompt_tokens and not call.completion_tokens:
        return "" if call.audio_seconds or call.characters else "none"
    word = "estimated" if call.estimated else "as the provider counted"
    return (
        f"{call.prompt_tokens:,} prompt ({call.cached_tokens:,} cached) + "
        f"{call.completion_tokens:,} completion ({call.reasoning_tokens:,} reasoning), {word}"
    )


def _speech(call: CallRecord) -> str:
    heard = f"{duration(call.audio_seconds)} of sound heard" if call.audio_seconds else ""
    spoken = f"{call.characters:,} characters spoken" if call.characters else ""
    return ", ".join(part for part in (heard, spoken) if part)


def _times(call: CallRecord) -> str:
    parts = {
        "queue": call.queue_time,
        "prompt": call.prompt_time,
        "generation": call.completion_time,
        "whole call": call.duration,
    }
    return ", ".join(f"{name} {duration(seconds)}" for name, seconds in parts.items() if seconds is not None)


def _firsts(call: CallRecord) -> str:
    told = []
    if call.first_token is not None:
        told.append(f"token after {duration(call.first_token)}")
    if call.first_content is not None:
        told.append(f"word after {duration(call.first_content)}")
    if call.completion_tokens and call.completion_time:
        told.append(speed(call.completion_tokens / call.completion_time))
    return ", ".join(told)


def _cost(call: CallRecord) -> str:
    if call.outcome == "running":
        return f"up to {money(call.reserved)} is held" if call.reserved else "still running"
    told = money(call.cost, estimated=call.estimated)
    if call.cost is not None and call.estimated:
        told += ", an estimate: the provider never said what it bills"
    if call.cache_saving:
        told += f"; {money(call.cache_saving)} less for cached tokens"
    return told


def _price(call: CallRecord, paid: PriceRow | None) -> str:
    if paid is None:
        return "unknown for this model" if call.outcome != "running" and call.cost is None else ""
    if not paid.rates:
        return paid.source
    rates = ", ".join(
        f"${price(Decimal(paid.rates[name]))} {word}" for name, word in _RATES.items() if paid.rates.get(name)
    )
    per = " per 1M tokens" if "input" in paid.rates else ""
    return f"{rates}{per}"


def _source(paid: PriceRow | None) -> str:
    if paid is None or not paid.rates:
        return ""
    since = f", from {paid.valid_from}" if paid.valid_from else ""
    return f"{paid.id}{since} {paid.source}".strip()


def _maybe(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)


def _line(name: str, told: str, width: int) -> Content:
    """A fact, in as many rows as it takes beside its name."""
    first, *others = wrap(one_line(told), max(20, width - _NAMES)) or [""]
    rows = [Content.assemble((column(name, _NAMES), MUTED), first)]
    return Content("\n").join([*rows, *(Content(" " * _NAMES + row) for row in others)])
