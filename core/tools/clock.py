"""What time it is, which no model knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from core.errors import ToolFailed
from core.tools.tool import tool

__all__ = ("clock",)


@tool(effect="none", seconds=5)
def clock(
    timezone: Annotated[
        str | None, Field(description="IANA name such as Europe/Berlin; the user's own where it is left out.")
    ] = None,
) -> str:
    """Tell today's date, the weekday and the time, with its offset from UTC."""
    now = datetime.now(UTC)
    local = now.astimezone() if timezone is None else now.astimezone(_zone(timezone))
    return f"{local:%A, %Y-%m-%d %H:%M:%S} {local:%Z} (UTC{local:%z})"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolFailed(f"There is no time zone {name}: it takes names such as Europe/Berlin.") from None
