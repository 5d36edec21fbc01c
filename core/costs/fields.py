"""Times, counts and amounts as other programs write them; pure.

Each raises ``ValueError`` whose text says what the value is instead, to be put after its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar

__all__ = ("dollars", "dollars_or_refund", "moment", "named", "past_moment", "whole_number")

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_LAST = datetime(2100, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = Decimal(100_000_000_000)
"""As seconds this would be in the year 5138."""
_MOST_TOKENS = 10**12
_MOST_DOLLARS = Decimal(10_000)
"""For one call; the ledger adds up at most 9.2 million (``core.storage.types.Money``)."""
_DAY = re.compile(r"(19|20)\d{6}")
"""ISO 8601 without dashes, which is no number of seconds."""
_CURRENCY = re.compile(r"^([+-]?)\s*(?:(?:US)?\$|USD\b)\s*|\bUSD$", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}((,\d{3})+|([ _\u00a0\u202f']\d{3})+)(\.\d+)?")
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)


def named(read: Callable[[object], T], name: str, value: object) -> T:
    """Read a value by one of the others, so that the error names it."""
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{name} is {error}") from None


def moment(value: object) -> datetime:
    """A time in UTC, from ISO 8601 or seconds or milliseconds since 1970; without a zone it is UTC.

    A day is its first moment.
    """
    if value is None or value == "":
        raise ValueError("missing")
    try:
        number = _number(value)
        if number is None or _DAY.fullmatch(str(value)):
            found = datetime.fromisoformat(str(value).strip().removesuffix(" UTC"))
        else:
            seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
            found = _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, ArithmeticError):
        raise ValueError("not a time") from None
    if not _FIRST <= found < _LAST:
        raise ValueError("not a time between 2000 and 2100")
    return found


def past_moment(value: object, now: datetime) -> datetime:
    """A time as `moment` reads it that is not after ``now``."""
    found = moment(value)
    if found > now:
        raise ValueError("in the future")
    return found


def whole_number(value: object) -> int | None:
    """A count; ``None`` where it is left out. Thousands may be separated."""
    number = _amount(value)
    if number is None:
        return None
    if number < 0:
        raise ValueError("negative")
    if number > _MOST_TOKENS:
        raise ValueError("larger than can be")
    if number != int(number):
        raise ValueError("not a whole number")
    return int(number)


def dollars(value: object) -> Decimal | None:
    """US dollars, to the digit; ``None`` where they are left out. With or without ``$`` or ``USD``."""
    amount = dollars_or_refund(value)
    if amount is not None and amount < 0:
        raise ValueError("negative")
    return amount


def dollars_or_refund(value: object) -> Decimal | None:
    """As `dollars`, but it may be negative."""
    if isinstance(value, str):
        value = _CURRENCY.sub(r"\1", value.strip()).strip()
    amount = _amount(value)
    if amount is not None and abs(amount) > _MOST_DOLLARS:
        raise ValueError("larger than can be")
    return amount


def _amount(value: object) -> Decimal | None:
    if value is None or (isinstance(value, str) and value.strip().lower() in {"", "null", "none"}):
        return None
    number = _number(value)
    if number is None or not number.is_finite():
        raise ValueError("not a number")
    return number


def _number(value: object) -> Decimal | None:
    """Exactly as written; ``None`` for what is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    text = str(value).strip()
    if _GROUPED.fullmatch(text):
        text = re.sub(r"[, _\u00a0\u202f']", "", text)
    if not _PLAIN.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
