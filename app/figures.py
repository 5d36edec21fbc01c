"""Numbers as a person reads them: money, tokens, speeds, times and tiny charts.

Pure functions of plain values, so that the status strip, the pickers and the exports agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.chat.events import OutputCapped, SoftLimitPassed
    from core.review.forecast import Forecast, ForecastSum

__all__ = (
    "count",
    "data_size",
    "duration",
    "forecast_sum",
    "money",
    "cut_off",
    "output_capped",
    "price",
    "soft_limit_passed",
    "sparkline",
    "speed",
)

_SPARKS = "▁▂▃▄▅▆▇█"


def money(amount: Decimal | None, *, estimated: bool = False) -> str:
    """US dollars; ``~`` marks an estimate; an unknown price is said, never guessed.

    Small sums keep two significant digits (``$0.00042``), so that a turn never reads as free. What was
    refunded is negative.
    """
    if amount is None:
        return "price unknown"
    if amount < 0:
        return f"-{money(-amount, estimated=estimated)}"
    mark = "~" if estimated else ""
    if amount == 0:
        return f"{mark}$0"
    if amount >= 1:
        return f"{mark}${amount:,.2f}"
    if amount >= Decimal("0.01"):
        return f"{mark}${amount:.3f}"
    if amount < Decimal("0.000001"):
        return "<$0.000001"  # a bound, estimated or not
    digits = 1 - amount.adjusted()
    return f"{mark}${round(amount, min(digits, 6)):f}"


def forecast_sum(heading: Forecast, name: ForecastSum) -> str:
    """One of a forecast's sums; ``~`` where an estimate is a part of it."""
    return money(getattr(heading, name), estimated=name in heading.estimated)


def output_capped(event: OutputCapped) -> str:
    """The one line that tells of an answer that has to be short."""
    if event.because == "limit":
        return f"The provider's rate limit has room for an answer of at most {count(event.tokens)} tokens now"
    return f"The budget has money for an answer of at most {count(event.tokens)} tokens"


def cut_off(event: OutputCapped) -> str:
    """Why an answer was cut off that had to be short."""
    return f"the {'rate limit had no room' if event.because == 'limit' else 'budget had no money'} for more"


def soft_limit_passed(event: SoftLimitPassed) -> str:
    """The one line that warns of a soft limit."""
    span = "today" if event.scope == "day" else f"this {event.scope}"
    return f"{money(event.spent)} spent {span}: more than your soft limit of {money(event.limit)}"


def price(per_million: Decimal | None) -> str:
    """A price in US dollars per million tokens with all its digits: ``0.15``, ``0.075``."""
    if per_million is None:
        return "?"
    digits = f"{per_million.normalize():f}"
    return f"{per_million:.2f}" if len(digits.partition(".")[2]) <= 2 else digits


def count(number: int | None) -> str:
    """A count in at most five characters: ``812``, ``1.2k``, ``131k``, ``2.5M``."""
    if number is None:
        return "?"
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            value = number / size
            return f"{value:.1f}{unit}" if value < 10 and number % size else f"{value:.0f}{unit}"
    return str(number)


def duration(seconds: float | None) -> str:
    """A time: ``42 ms``, ``1.3 s``, ``2 min``, ``3 h``, ``21 d``; ``-`` where a clock was set back."""
    if seconds is None or seconds < 0:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 360_000:  # three digits of hours tell less
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:.0f} d"


def speed(tokens_per_second: float | None) -> str:
    """A generation speed, such as ``812 tok/s``."""
    return "- tok/s" if tokens_per_second is None else f"{tokens_per_second:,.0f} tok/s"


def data_size(size: int) -> str:
    """Bytes in decimal units: ``312 B``, ``4.2 kB``, ``10.0 MB``."""
    if size < 1000:
        return f"{size} B"
    if size < 1_000_000:
        return f"{size / 1000:.1f} kB"
    return f"{size / 1_000_000:.1f} MB"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last ``width`` values as bars, from zero to the largest; nothing before the first."""
    shown = list(values)[-width:] if width > 0 else []
    top = max(shown, default=0.0)
    if top <= 0:
        return ""
    while not shown[0]:
        shown.pop(0)
    return "".join(_SPARKS[min(7, max(0, round(value / top * 7)))] for value in shown)
