"""`tensorwall batch`: a file of requests in, a file of answers out, at the pace that the limits allow."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.completion import complete_model

__all__ = ("batch",)


@click.command()
@click.argument("source", metavar="IN.jsonl", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "-o",
    "--output",
    metavar="OUT.jsonl",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the answers go; a run goes on from what stands there.",
)
@click.option(
    "-m",
    "--model",
    metavar="MODEL",
    shell_complete=complete_model,
    help="Ask this model, whatever the lines name.",
)
@click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    help="At most so many requests at once.",
)
@click.option("--retry-failed", is_flag=True, help="Ask the lines again that failed in earlier runs.")
@click.option("--dry-run", is_flag=True, help="Check the lines, and say what they would take; send nothing.")
@click.option(
    "--provider-batch",
    is_flag=True,
    help="Hand it all to Groq's Batch API at half the price, and collect the answers when they are there.",
)
@click.option("--cancel", is_flag=True, help="With --provider-batch: cancel, and collect what there is.")
@click.option("--demo", is_flag=True, help="The simulator answers: no key is needed.")
def batch(
    *,
    source: Path,
    output: Path | None,
    model: str | None,
    concurrency: int,
    retry_failed: bool,
    dry_run: bool,
    provider_batch: bool,
    cancel: bool,
    demo: bool,
) -> int:
    """Answer every line of a file.

    IN.jsonl has one request a line in the form of OpenAI's batches (`-` is stdin):

    \b
      {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions",
       "body": {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "Hi"}]}}

    OUT.jsonl gets a line for each, as soon as it is answered, in the form of OpenAI's results; one that
    failed has its error there. Whatever ends a run, Ctrl-C or a kill, the same command goes on from there:
    no line is answered twice, and none is left out. A line that asks something else than the answer under its
    custom_id there was asked is refused.

    Exit status: 0 all answered, 1 some failed or it ended early, 2 wrong usage or input, 3 a budget stopped
    it, 4 no key or a wrong one, 130 stopped by Ctrl-C, 143 by SIGTERM.
    """  # noqa: D301 - click's mark for "do not rewrap" is the character, not its escape
    if output is None and not dry_run:
        raise click.UsageError("Say where the answers go: -o OUT.jsonl.")
    if output is not None and str(output) == "-":
        raise click.UsageError("-o takes a file: a run goes on from what stands in it.")
    if cancel and not provider_batch:
        raise click.UsageError("--cancel is for a batch that --provider-batch handed over.")
    if provider_batch and demo:
        raise click.UsageError("--provider-batch and --demo exclude each other.")

    from app.cli.batch_answers import Asked, answer_batch
    from app.cli.batch_input import opened_lines
    from app.cli.failures import INTERRUPTED
    from app.cli.termination import run_until_stopped

    try:
        with opened_lines(source, output, model) as lines:
            if dry_run or output is None:
                from app.cli.batch_plan import show_plan

                return run_until_stopped(show_plan(lines, provider_batch=provider_batch, demo=demo))
            asked = Asked(output, concurrency=concurrency, retry_failed=retry_failed, demo=demo)
            if provider_batch:
                from app.cli.batch_provider import hand_over

                return run_until_stopped(hand_over(lines, asked, cancel=cancel))
            return run_until_stopped(answer_batch(lines, asked))
    except KeyboardInterrupt:  # while the lines were being checked
        return INTERRUPTED
