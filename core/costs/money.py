"""Money as text that loses nothing."""

from __future__ import annotations

from decimal import Decimal

__all__ = ("all_digits",)


def all_digits(amount: Decimal) -> str:
    """Exact, without an exponent and without trailing zeros: ``0.000105``."""
    plain = f"{amount:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
