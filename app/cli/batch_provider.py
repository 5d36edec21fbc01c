"""A batch that its provider answers in its own time: handed over, waited for, collected."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Self

from app.cli.batch_answers import Asked, end_of, warn_of_soft_limits
from app.cli.failures import FAILED
from app.cli.output import note
from app.cli.progress_line import ProgressLine
from app.cli.services import open_services
from app.cli.terminal import is_terminal
from core.batch.output import open_output
from core.batch.provider_batch import ProviderBatch
from core.errors import InputError
from core.providers import OpenAICompatibleProvider

if TYPE_CHECKING:
    from app.composition import Services
    from core.batch.lines import BatchInput
    from core.providers.batches import RemoteBatch

__all__ = ("hand_over",)


async def hand_over(lines: BatchInput, asked: Asked, *, cancel: bool) -> int:
    """Submit what has no answer yet, or go on with what was submitted; gives the exit status.

    Raises:
        InputError: the output cannot be used, or the provider finds the input wrong.
        BudgetExceeded: it may cost more than a hard limit leaves; nothing was submitted.
        ProviderError, CredentialsError, StorageError: what is submitted stays so, and can be collected.
    """
    begun = time.monotonic()
    with open_output(asked.output, forget_failed=asked.retry_failed) as output:
        output.check(lines.lines)
        async with open_services() as services:
            provider = _provider(services, lines)
            records = await services.records()
            work = ProviderBatch(lines, output, provider, services.router, records, services.catalogue)
            batch = await (work.cancelled() if cancel else work.submitted(services.settings.budgets))
            if batch is None:
                if cancel:
                    note(f"no batch is under way for {output.path}")
                    return FAILED
                return end_of(lines, output, work.progress, time.monotonic() - begun)
            label = provider.profile.label
            note(f"{label} has it as {batch.id}; it may take a day, and the same command collects it later")
            with _Wait(label) as wait:
                try:
                    batch = await work.until_over(batch, wait.show)
                except asyncio.CancelledError:
                    wait.hide()
                    note(f"stopped waiting; {label} goes on with it, and the same command collects it")
                    raise
            await work.collect(batch)
            await warn_of_soft_limits(services)
        if work.progress.left:
            note(
                f"{label} {batch.status} it with {work.progress.left:,} lines unanswered; "
                "the same command hands those over anew"
            )
            return FAILED
    return end_of(lines, output, work.progress, time.monotonic() - begun)


def _provider(services: Services, lines: BatchInput) -> OpenAICompatibleProvider:
    """Whose batch it is: the first that would be asked for these models, the same for all of them."""
    names = {services.router.resolve(model)[0][0] for model in {line.model for line in lines.lines}}
    if len(names) > 1:
        raise InputError(
            f"The models of these lines are at {' and '.join(sorted(names))}.",
            hint="Split the input, or choose one model for all with -m.",
        )
    provider = services.providers[names.pop()]
    if not isinstance(provider, OpenAICompatibleProvider) or provider.profile.local:
        raise InputError(
            f"{provider.profile.label} has no Batch API.",
            hint="Leave out --provider-batch: it costs nothing.",
        )
    return provider


class _Wait:
    """How far the provider is: a line that changes on a terminal, one for each change elsewhere."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._line = ProgressLine()
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hide()

    def hide(self) -> None:
        """Make room for other output."""
        self._line.hide()

    def show(self, batch: RemoteBatch) -> None:
        """Tell the latest."""
        text = f"{self._label}: {batch.status.replace('_', ' ')}"
        if batch.total:
            text += f", {batch.completed + batch.failed:,} of {batch.total:,}"
        if batch.failed:
            text += f", {batch.failed:,} failed"
        if is_terminal(sys.stderr):
            self._line.show(text)
        elif text != self._last:
            note(text)
        self._last = text
