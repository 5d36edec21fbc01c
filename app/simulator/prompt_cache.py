"""Automatic prompt caching: the longest prefix seen lately, in whole blocks, is billed as cached.

Exact prefixes only, forgotten after two idle hours (https://console.groq.com/docs/prompt-caching).
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ("BLOCK_TOKENS", "PromptCache")

BLOCK_TOKENS = 128
_LIFETIME = 2 * 3_600.0
_MOST_BLOCKS = 20_000


class PromptCache:
    """What one organisation's prompts to one model began with.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[int, float] = {}

    def cached_tokens(self, pieces: list[str]) -> int:
        """How many of a prompt's tokens were cached; remembers the prompt for the next one."""
        now = self._clock()
        cached, unbroken, prefix = 0, True, 0
        for start in range(0, len(pieces) - BLOCK_TOKENS, BLOCK_TOKENS):
            prefix = hash((prefix, *pieces[start : start + BLOCK_TOKENS]))
            seen_at = self._seen.pop(prefix, None)
            unbroken = unbroken and seen_at is not None and now - seen_at <= _LIFETIME
            cached += BLOCK_TOKENS if unbroken else 0
            self._seen[prefix] = now
        while len(self._seen) > _MOST_BLOCKS:
            del self._seen[next(iter(self._seen))]
        return cached
