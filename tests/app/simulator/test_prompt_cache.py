"""Automatic prompt caching."""

from __future__ import annotations

from app.simulator.prompt_cache import BLOCK_TOKENS, PromptCache


def pieces(count: int, start: int = 0) -> list[str]:
    return [f"t{number}" for number in range(start, start + count)]


def test_a_repeated_prefix_is_cached_in_whole_blocks() -> None:
    cache = PromptCache(lambda: 0.0)
    first = pieces(3 * BLOCK_TOKENS + 50)

    assert cache.cached_tokens(first) == 0
    assert cache.cached_tokens([*first, *pieces(200, 9_000)]) == 3 * BLOCK_TOKENS
    assert cache.cached_tokens(first) == 3 * BLOCK_TOKENS


def test_a_change_ends_the_prefix_and_what_follows_it() -> None:
    cache = PromptCache(lambda: 0.0)
    first = pieces(4 * BLOCK_TOKENS)
    cache.cached_tokens(first)
    changed = [*first]
    changed[BLOCK_TOKENS + 5] = "other"

    assert cache.cached_tokens(changed) == BLOCK_TOKENS


def test_a_whole_prompt_is_never_cached() -> None:
    cache = PromptCache(lambda: 0.0)
    prompt = pieces(2 * BLOCK_TOKENS)
    cache.cached_tokens(prompt)

    assert cache.cached_tokens(prompt) == BLOCK_TOKENS


def test_it_is_forgotten_after_two_idle_hours() -> None:
    now = 0.0
    cache = PromptCache(lambda: now)
    prompt = pieces(300)
    cache.cached_tokens(prompt)
    now = 7_000.0
    assert cache.cached_tokens(prompt) == 2 * BLOCK_TOKENS
    now = 14_201.0

    assert cache.cached_tokens(prompt) == 0
