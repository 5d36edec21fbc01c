"""Which limit a refusal is about, in the provider's own words."""

from __future__ import annotations

import re

from core.chat import LimitKind, ToldLimit

__all__ = ("told_limit",)

# "... on tokens per minute (TPM): Limit 6000, Used 5034, Requested 1443." Without "Used" the call is
# larger than the limit itself (https://console.groq.com/docs/rate-limits).
_TOLD = re.compile(
    r"on (?P<unit>requests|tokens) per (?P<period>minute|day) \((?:RPM|RPD|TPM|TPD)\): "
    r"Limit (?P<limit>\d+)(?:, Used (?P<used>\d+))?, Requested ~?(?P<requested>\d+)",
    re.IGNORECASE,
)
_KINDS: dict[tuple[str, str], LimitKind] = {
    ("requests", "minute"): "requests_per_minute",
    ("requests", "day"): "requests_per_day",
    ("tokens", "minute"): "tokens_per_minute",
    ("tokens", "day"): "tokens_per_day",
}


def told_limit(message: str) -> ToldLimit | None:
    """The limit that an error's text names with its numbers; ``None`` where it names none."""
    found = _TOLD.search(message)
    if found is None or not int(found["limit"]):
        return None
    return ToldLimit(
        _KINDS[found["unit"].lower(), found["period"].lower()],
        limit=int(found["limit"]),
        used=int(found["used"]) if found["used"] else None,
        requested=int(found["requested"]),
    )
