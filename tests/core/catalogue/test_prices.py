"""Exact cost, and what genai-prices adds; an unsure price is no price."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import Catalogue, LongPromptPrice, Price, load_catalogue
from core.catalogue.shipped import parse_models
from core.chat import Usage

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def by_genai_prices(provider: str, model: str, usage: Usage) -> Decimal:
    counted = genai_prices.Usage(
        input_tokens=usage.prompt_tokens,
        cache_read_tokens=usage.cached_tokens,
        output_tokens=usage.completion_tokens,
    )
    return genai_prices.calc_price(
        counted, model, provider_id=provider, genai_request_timestamp=NOW
    ).total_price


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("groq", "openai/gpt-oss-120b"),
        ("groq", "openai/gpt-oss-20b"),
        ("groq", "openai/gpt-oss-safeguard-20b"),
        ("groq", "qwen/qwen3.8-27b"),
        ("groq", "llama-3.3-70b-versatile"),
        ("groq", "llama-3.1-70b-versatile"),
        ("groq", "llama-3.1-8b-instant"),
        ("groq", "llama3-70b-8192"),
        ("groq", "llama3-8b-8192"),
        ("groq", "mixtral-8x7b-32768"),
        ("groq", "gemma2-9b-it"),
        ("groq", "meta-llama/llama-prompt-guard-2-86m"),
        ("groq", "meta-llama/llama-4-scout-17b-16e-instruct"),
        ("groq", "moonshotai/kimi-k2-instruct-0905"),
        ("openai", "gpt-5.4-mini"),
        ("openai", "gpt-5.4-nano"),
        ("openai", "gpt-5-nano"),
        ("openai", "gpt-4.1-nano"),
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-5.4"),
        ("cerebras", "gpt-oss-120b"),
    ],
)
@pytest.mark.parametrize(
    "usage",
    [
        Usage(1000, 200),
        Usage(12_345, 6_789, cached_tokens=10_240, reasoning_tokens=600),
        Usage(300_000, 1, cached_tokens=7),
    ],
    ids=["plain", "cached", "long"],
)
def test_cost_agrees_with_genai_prices(catalogue: Catalogue, provider: str, model: str, usage: Usage) -> None:
    price = catalogue.price(provider, model, NOW)
    assert price is not None
    assert price.cost(usage) == by_genai_prices(provider, model, usage)


def test_a_turn_of_the_research_page_costs_what_it_says(catalogue: Catalogue) -> None:
    price = catalogue.price("groq", "openai/gpt-oss-20b", NOW)
    assert price is not None
    assert price.cost(Usage(1000, 200)) == Decimal("0.000135")


money = st.decimals(0, 1000, places=6)
tokens = st.integers(0, 10**9)


@given(money, money, money, tokens, tokens, st.integers(0, 10**9))
def test_cost_is_exact(
    input_price: Decimal, output: Decimal, cached: Decimal, prompt: int, completion: int, hits: int
) -> None:
    hits = min(hits, prompt)
    price = Price("p", input_price, output, cached)
    cost = price.cost(Usage(prompt, completion, cached_tokens=hits, reasoning_tokens=completion))
    exact = (prompt - hits) * Fraction(input_price) + hits * Fraction(cached) + completion * Fraction(output)
    assert Fraction(cost) == exact / 1_000_000


def test_cached_tokens_cost_as_others_where_no_price_is_named() -> None:
    price = Price("p", Decimal(1), Decimal(2))
    assert price.cost(Usage(100, 0, cached_tokens=100)) == price.cost(Usage(100, 0))


def test_more_cached_than_prompt_tokens_never_makes_a_call_cheaper_than_cached() -> None:
    price = Price("p", Decimal(1), Decimal(2), Decimal("0.5"))
    assert price.cost(Usage(100, 0, cached_tokens=500)) == price.cost(Usage(100, 0, cached_tokens=100))


def test_a_long_prompt_moves_every_token_to_its_rate() -> None:
    long = (LongPromptPrice(1000, Decimal(2), Decimal(20)), LongPromptPrice(5000, Decimal(3), Decimal(30)))
    price = Price("p", Decimal(1), Decimal(10), long_prompt=long)
    costs = [price.cost(Usage(prompt, 10)) * 1_000_000 for prompt in (1000, 1001, 5000, 5001)]
    assert costs == [1000 + 100, 2 * 1001 + 200, 2 * 5000 + 200, 3 * 5001 + 300]


DATED = """
default_model = "m"
voice_model = "m"
title_model = "m"
local_providers = ["ollama"]
[aliases]
[models.groq.m]
label = "M"
prices = [
  { valid_from = 2026-03-01, input = "0.10", output = "0.20", source = "then" },
  { valid_from = 2026-01-01, input = "0.15", output = "0.75", source = "first" },
]
"""


@pytest.mark.parametrize(
    ("at", "row"),
    [
        (datetime(2025, 12, 31, 23, 59, tzinfo=UTC), None),
        (datetime(2026, 1, 1, tzinfo=UTC), "groq/m@2026-01-01"),
        (datetime(2026, 2, 28, 23, 59), "groq/m@2026-01-01"),  # noqa: DTZ001 - taken as UTC
        (datetime(2026, 3, 1, tzinfo=UTC), "groq/m@2026-03-01"),
        (datetime(2030, 1, 1, tzinfo=UTC), "groq/m@2026-03-01"),
    ],
)
def test_the_price_is_that_of_the_day(at: datetime, row: str | None) -> None:
    price = Catalogue(parse_models(DATED)).price("groq", "m", at)
    assert (price.id if price else None) == row


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("groq", "openai/gpt-oss-120b-next"),
        ("groq", "llama-3.3-70b"),
        ("groq", "minimaxai/minimax-m2.7"),
        ("groq", "whisper-large-v3"),
        ("openai", "gpt-4o-mini-of-mine"),
        ("openai", "gpt-4"[:3]),
        ("openai", "gpt-4o-mini-audio-preview"),  # known by prefix only
        ("openai", "gpt-6-luna"),  # bills cache writes, which no usage reports
        ("openai", "gpt-4o-mini-transcribe"),  # bills audio
        ("deepseek", "deepseek-nonesuch"),
        ("my-own-server", "gpt-5-nano"),
        ("azure", "gpt-5-nano"),  # would take another provider's price
    ],
)
def test_no_price_is_guessed_from_a_similar_name(catalogue: Catalogue, provider: str, model: str) -> None:
    assert catalogue.price(provider, model, NOW) is None


def test_a_dated_snapshot_has_the_price_of_its_model(catalogue: Catalogue) -> None:
    price = catalogue.price("openai", "gpt-4o-mini-2024-07-18", NOW)
    assert price is not None
    assert price.output == Decimal("0.6")
    assert price.id.startswith("genai-prices-")


def test_published_prices_follow_their_dates() -> None:
    """Every dated row of genai-prices that we accept is the one in force on its first day."""
    from genai_prices import data, types

    catalogue, checked = load_catalogue(), 0
    for provider in data.providers:
        for model in provider.models:
            for row in model.prices if isinstance(model.prices, list) else ():
                if not isinstance(row.constraint, types.StartDateConstraint):
                    continue
                day = row.constraint.start_date
                price = catalogue.price(
                    provider.id, model.id, datetime(day.year, day.month, day.day, tzinfo=UTC)
                )
                if (
                    price is not None
                    and price.valid_from == day
                    and isinstance(row.prices.input_mtok, Decimal)
                ):
                    assert price.input == row.prices.input_mtok
                    checked += 1
    assert checked > 0


@pytest.mark.parametrize("provider", ["ollama", "lm-studio", "llama-cpp"])
def test_the_users_own_machine_costs_nothing(catalogue: Catalogue, provider: str) -> None:
    price = catalogue.price(provider, "any model", NOW)
    assert price is not None
    assert price.cost(Usage(10**6, 10**6)) == 0


def test_rows_say_since_when(catalogue: Catalogue) -> None:
    price = catalogue.price("groq", "llama-3.3-70b-versatile", NOW)
    assert price is not None
    assert price.id == "groq/llama-3.3-70b-versatile@2024-12-06"
    assert price.valid_from == date(2024, 12, 6)
