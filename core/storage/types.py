"""Column types: exact money, UTC times, and text that every database takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

__all__ = ("BIG_INTEGER", "Money", "StoredText", "UtcTime", "dollars", "storable")

BIG_INTEGER = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere; on SQLite also fit to be an automatic primary key."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) + timedelta(days=2) - _EPOCH) // _MICROSECOND
_LATEST = (datetime.max.replace(tzinfo=UTC) - timedelta(days=2) - _EPOCH) // _MICROSECOND
"""Two days from the ends of the calendar, so that every time zone has the time."""
_PICO = Decimal(1_000_000_000_000)


def storable(text: str) -> str:
    """Text as a database can hold it: surrogate pairs joined, lone surrogates and NUL replaced.

    A model's JSON may escape half a surrogate pair, which UTF-8 cannot carry; PostgreSQL takes no NUL.
    """
    if text.isascii():
        return text.replace("\0", "\N{SYMBOL FOR NULL}")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


class StoredText(TypeDecorator[str]):
    """Text made storable on its way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> str | None:
        """See `storable`."""
        return None if value is None else storable(value)


def dollars(units: int) -> Decimal:
    """US dollars of the integer that `Money` stores."""
    return Decimal(units).scaleb(-12)


class Money(TypeDecorator[Decimal]):
    """US dollars as an integer count of 1e-12 dollars.

    Integers sum exactly and fast in every database, where SQLite would add decimal text as binary
    floating point. A price of up to six decimals per million tokens is exact per token in this
    unit; anything finer (a price per hour of audio) is rounded half to even. A 64-bit sum holds
    9.2 million dollars; SQLite reports an overflow rather than a wrong sum.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, _: Dialect) -> int | None:
        """Dollars to units."""
        if value is None:
            return None
        return int((value * _PICO).to_integral_value(ROUND_HALF_EVEN))

    def process_result_value(self, value: int | Decimal | None, _: Dialect) -> Decimal | None:
        """Units to dollars."""
        return None if value is None else dollars(int(value))


class UtcTime(TypeDecorator[datetime]):
    """A moment, as microseconds since 1970 UTC: compact, ordered, and free of time zone traps."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> int | None:
        """Only times with a zone are moments."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, _: Dialect) -> datetime | None:
        """In UTC; what no calendar has, as a damaged row may hold, comes as the nearest time there is."""
        return None if value is None else _EPOCH + min(max(value, _EARLIEST), _LATEST) * _MICROSECOND
