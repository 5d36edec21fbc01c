"""A batch through the router: its progress, its end, and how to go on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.batch_progress import ProgressBar
from app.cli.failures import FAILED, exit_status, report
from app.cli.output import note
from app.cli.services import open_services
from app.figures import count, duration, money, soft_limit_passed
from core.batch.handed_over import refuse_what_is_handed_over
from core.batch.output import open_output
from core.batch.run import ROUTER_RETRIES, BatchRun
from core.chat import SoftLimitPassed

if TYPE_CHECKING:
    from app.composition import Services
    from core.batch.lines import BatchInput
    from core.batch.output import BatchOutput
    from core.batch.progress import BatchProgress

__all__ = ("Asked", "answer_batch", "end_of", "warn_of_soft_limits")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks of ``batch``, beside the lines."""

    output: Path
    concurrency: int = 8
    retry_failed: bool = False
    demo: bool = False


async def answer_batch(lines: BatchInput, asked: Asked) -> int:
    """Ask what has no answer yet; gives the exit status.

    Raises:
        InputError: the output cannot be used.
        CredentialsError, UnknownRoute, StorageError: nothing was sent.
    """
    with open_output(asked.output, forget_failed=asked.retry_failed) as output:
        refuse_what_is_handed_over(asked.output)
        output.check(lines.lines)
        async with open_services(demo=asked.demo, patience=ROUTER_RETRIES) as services:
            if services.simulated:
                note("simulated: these answers come from the demo, not from a model")
            ledger = (await services.records()).ledger
            run = BatchRun(
                lines,
                output,
                services.router,
                services.providers,
                ledger,
                services.settings.budgets,
                concurrency=asked.concurrency,
            )
            if run.progress.before:
                note(f"{run.progress.before:,} of {run.progress.total:,} lines are in {asked.output} already")
            with ProgressBar(run.progress) as bar:
                try:
                    await run.run(bar.changed)
                except asyncio.CancelledError:
                    bar.hide()
                    note(f"stopped; {how_far(run.progress)}")
                    raise
            await warn_of_soft_limits(services)
        if run.stopped is not None:
            report(run.stopped)
            note(how_far(run.progress))
            return exit_status(run.stopped)
    return end_of(lines, output, run.progress, bar.elapsed)


def how_far(progress: BatchProgress) -> str:
    """What is kept of a batch that ended early, and how to go on."""
    return (
        f"{progress.done:,} of {progress.total:,} lines have their answers ({money(progress.spent)}); "
        "the same command goes on from there"
    )


def end_of(lines: BatchInput, output: BatchOutput, progress: BatchProgress, elapsed: float) -> int:
    """Say what came of it; the exit status."""
    failed = sum(output.done[line.custom_id] for line in lines.lines)
    parts = [f"{progress.total - failed:,} answered"]
    if failed:
        parts.append(f"{failed:,} failed")
    if progress.before == progress.total:
        note(f"{output.path}: {' · '.join(parts)}; nothing was left to ask")
    else:
        parts += [
            f"{'this run: ' if progress.before else ''}{count(progress.tokens)} tokens",
            money(progress.spent, estimated=progress.unpriced > 0),
            duration(elapsed),
        ]
        note(f"{output.path}: {' · '.join(parts)}")
    if progress.unpriced:
        note(f"the price of {progress.unpriced:,} answers is unknown, and not in that sum")
    if failed:
        note("their errors stand there; with --retry-failed they are asked again")
    return FAILED if failed else 0


async def warn_of_soft_limits(services: Services) -> None:
    """Tell which soft limits of the budgets are passed by now."""
    ledger = (await services.records()).ledger
    for standing in await ledger.newly_passed(services.settings.budgets):
        limit = standing.budget.soft
        assert limit is not None  # it was passed
        note(soft_limit_passed(SoftLimitPassed(standing.budget.scope, limit, standing.spent)))
