"""Which servers for local models run on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from core.errors import TensorWallError
from core.providers.profiles import BUILT_IN
from core.providers.provider import OpenAICompatibleProvider

__all__ = ("find_local_servers",)

PROBE_TIMEOUT = 1.0


async def find_local_servers(
    candidates: Sequence[OpenAICompatibleProvider] | None = None, *, time_limit: float = PROBE_TIMEOUT
) -> list[OpenAICompatibleProvider]:
    """The candidates that list their models within the time limit, in the candidates' order.

    Args:
        candidates: whom to ask; by default the local servers we know, at their usual ports.
        time_limit: seconds; all are asked at once.
    """
    if candidates is None:
        candidates = [OpenAICompatibleProvider(profile) for profile in BUILT_IN if profile.local]
    found = await asyncio.gather(*(_answers(candidate, time_limit) for candidate in candidates))
    return [candidate for candidate, answers in zip(candidates, found, strict=True) if answers]


async def _answers(candidate: OpenAICompatibleProvider, time_limit: float) -> bool:
    try:
        await candidate.check(time_limit=time_limit)
    except TensorWallError:
        await candidate.aclose()
        return False
    return True
