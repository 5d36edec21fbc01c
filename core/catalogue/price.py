"""Prices and the exact cost of a call, in US dollars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext

from core.chat import Usage

__all__ = ("LongPromptPrice", "Price", "SpeechPrice")

_MILLION = 1_000_000
_HOUR = 3600
_DIGITS = 50  # far above what a product of a price and a count has, so that nothing is rounded


@dataclass(frozen=True, slots=True)
class LongPromptPrice:
    """What every token of a call costs once its prompt is longer than ``above`` tokens."""

    above: int
    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, as of ``valid_from``.

    Attributes:
        id: names the row, such as ``groq/openai/gpt-oss-120b@2025-08-05``; the ledger keeps it.
        cached_input: for prompt tokens read from the provider's cache; ``None``: as ``input``.
        source: where the price is published.
        long_prompt: rates that replace these for long prompts, by rising ``above``.
    """

    id: str
    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    source: str = ""
    valid_from: date | None = None
    long_prompt: tuple[LongPromptPrice, ...] = ()

    def cost(self, usage: Usage) -> Decimal:
        """US dollars for these tokens, exact.

        Cached tokens are part of the prompt's and reasoning tokens part of the completion's, as in
        the API's ``usage`` (https://platform.openai.com/docs/api-reference/chat/object).
        """
        rate = self._rate(usage.prompt_tokens)
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        cached_input = rate.input if rate.cached_input is None else rate.cached_input
        with localcontext() as context:
            context.prec = _DIGITS
            amount = (
                (usage.prompt_tokens - cached) * rate.input
                + cached * cached_input
                + usage.completion_tokens * rate.output
            )
            return amount / _MILLION

    def cache_saving(self, usage: Usage) -> Decimal:
        """US dollars that the cached tokens would have cost more, had they not been cached; exact."""
        return self.cost(replace(usage, cached_tokens=0)) - self.cost(usage)

    def batch(self) -> Price:
        """The price of the same tokens in a provider's batch: half, and no less where a cache had them.

        See https://console.groq.com/docs/batch and https://platform.openai.com/docs/guides/batch.
        """
        return replace(
            self,
            id=f"{self.id}+batch",
            input=self.input / 2,
            output=self.output / 2,
            cached_input=None,
            source=f"{self.source}; half of it in a batch",
            long_prompt=tuple(
                replace(rate, input=rate.input / 2, output=rate.output / 2, cached_input=None)
                for rate in self.long_prompt
            ),
        )

    def _rate(self, prompt_tokens: int) -> Price | LongPromptPrice:
        reached = [rate for rate in self.long_prompt if prompt_tokens > rate.above]
        return reached[-1] if reached else self


@dataclass(frozen=True, slots=True)
class SpeechPrice:
    """US dollars for audio or characters, as of ``valid_from``.

    Attributes:
        id: names the row, as for ``Price``.
        per_audio_hour: for each hour transcribed.
        minimum_seconds: the least that is billed of one audio file.
        per_million_characters: for the text spoken.
    """

    id: str
    per_audio_hour: Decimal | None = None
    minimum_seconds: int = 0
    per_million_characters: Decimal | None = None
    source: str = ""
    valid_from: date | None = None

    def cost_of_audio(self, seconds: Decimal | int) -> Decimal | None:
        """US dollars to transcribe one file; ``None`` where audio has no price here."""
        if self.per_audio_hour is None:
            return None
        billed = max(Decimal(seconds), Decimal(self.minimum_seconds)) if seconds > 0 else Decimal(0)
        return self.per_audio_hour * billed / _HOUR

    def cost_of_speech(self, characters: int) -> Decimal | None:
        """US dollars to speak a text; ``None`` where characters have no price here."""
        if self.per_million_characters is None:
            return None
        return self.per_million_characters * characters / _MILLION
