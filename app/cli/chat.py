"""`tensorwall chat`: one answer on stdout, or a line-by-line conversation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.completion import complete_model, complete_session
from app.cli.failures import INTERRUPTED
from app.cli.terminal import is_terminal

if TYPE_CHECKING:
    from core.chat import ResponseFormat

__all__ = ("chat",)


@click.command()
@click.argument("prompt", required=False)
@click.option("-m", "--model", shell_complete=complete_model, help="Model or route to ask.")
@click.option("-s", "--system", metavar="TEXT", help="Instructions for the model.")
@click.option("-c", "--continue", "resume", is_flag=True, help="Continue the last session.")
@click.option(
    "--session",
    "session_id",
    metavar="ID",
    shell_complete=complete_session,
    help="Continue this session; an unambiguous beginning is enough.",
)
@click.option("--json", "wants_json", is_flag=True, help="Have the model answer with one JSON object.")
@click.option(
    "--schema",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Have the model answer with JSON that fits the JSON schema in this file.",
)
@click.option(
    "-f",
    "--file",
    "files",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    help="Attach a text file or an image; may be given more than once.",
)
@click.option(
    "--tools/--no-tools",
    "tools",
    default=None,
    help="Offer the model tools, or none; by default where it is known to call them.",
)
@click.option(
    "--allow-tools", is_flag=True, help="Let it call what has an effect, such as fetching, without asking."
)
@click.option("--stats", is_flag=True, help="Say speed, tokens and cost on stderr.")
@click.option("--demo", is_flag=True, help="Ask the simulator: no key, answers are simulated.")
@click.option("--offline", is_flag=True, help="Ask the model of this machine: no key, no network.")
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="`json`: one object with text, model, provider, route, session_id, usage, cost_usd, ttft_ms, "
    "tokens_per_second, tool_calls, finish_reason, simulated, error and violations.",
)
def chat(
    *,
    prompt: str | None = None,
    model: str | None = None,
    system: str | None = None,
    resume: bool = False,
    session_id: str | None = None,
    wants_json: bool = False,
    schema: Path | None = None,
    files: tuple[Path, ...] = (),
    tools: bool | None = None,
    allow_tools: bool = False,
    stats: bool = False,
    demo: bool = False,
    offline: bool = False,
    output: str = "text",
) -> int:
    """Answer PROMPT on stdout, as it arrives.

    What stdin holds is appended to PROMPT: text as it is, or an image. With neither, on a
    terminal, this is a conversation line by line, for screen readers and plain terminals.

    stdout carries the answer alone; everything else goes to stderr. A terminal gets the answer
    without control characters, a pipe or file exactly as the model wrote it. Ctrl-C stops and keeps
    what has arrived, on stdout and in the session (exit status 130).

    With --json or --schema the answer is written once it is whole and checked: set out in colours on
    a terminal, as the model wrote it elsewhere. One that breaks the rules is mended by the model, once.
    If that does not help its text still goes to stdout; stderr says what is wrong and where, and the
    exit status is 1.
    """
    from app.cli.one_shot import Asked, answer_once
    from app.cli.prompt import question, read_stdin

    if resume and session_id:
        raise click.UsageError("-c and --session exclude each other.")
    if demo and offline:
        raise click.UsageError("--demo and --offline exclude each other.")
    message = question(prompt, read_stdin(), files)
    asked = Asked(
        model=model,
        system=system,
        latest=resume,
        session_id=session_id,
        response_format=_response_format(wants_json, schema),
        stats=stats,
        as_object=output == "json",
        demo=demo,
        offline=offline,
        tools=tools,
        allow_tools=allow_tools,
        files=files,
    )
    if message is None:
        if asked.response_format or asked.as_object:
            raise click.UsageError("--json, --schema and --output json need a PROMPT, or text on stdin.")
        if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
            raise click.UsageError("There is nothing to answer: give a PROMPT, or text on stdin.")
        from app.cli.conversation import converse

        return converse(asked)
    import asyncio

    from app.stdout_guard import guard_stdout

    try:
        with guard_stdout():
            return asyncio.run(answer_once(message, asked))
    except KeyboardInterrupt:
        return INTERRUPTED


def _response_format(wants_json: bool, schema: Path | None) -> ResponseFormat | None:
    if schema:
        from app.cli.prompt import read_schema

        return read_schema(schema)
    if wants_json:
        from core.chat import JsonObjectFormat

        return JsonObjectFormat()
    return None
