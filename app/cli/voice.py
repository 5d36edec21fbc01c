"""`tensorwall voice`: talk and listen without the full-screen interface."""

from __future__ import annotations

import click

from app.cli.completion import complete_model, complete_session
from app.cli.failures import INTERRUPTED
from app.cli.lazy_group import LazyGroup

__all__ = ("voice",)

COMMANDS = {
    "setup": ("app.cli.voice_setup:setup", "Fetch speech weights, choose devices, and check them."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, invoke_without_command=True)
@click.option("--hands-free", is_flag=True, help="Listen all the time, without a key.")
@click.option("--events", is_flag=True, help="Write one line of JSON an event to stdout.")
@click.option("-m", "--model", shell_complete=complete_model, help="Model or route to ask.")
@click.option("-c", "--continue", "resume", is_flag=True, help="Continue the last session.")
@click.option(
    "--session",
    "session_id",
    metavar="ID",
    shell_complete=complete_session,
    help="Continue this session; an unambiguous beginning is enough.",
)
@click.option("--language", metavar="CODE", help="Language you speak, such as en or de.")
@click.option("--demo", is_flag=True, help="Ask the simulator: no key, answers are simulated.")
@click.pass_context
def voice(
    ctx: click.Context,
    *,
    hands_free: bool,
    events: bool,
    model: str | None,
    resume: bool,
    session_id: str | None,
    language: str | None,
    demo: bool,
) -> int:
    """Talk with the assistant: speak, be answered aloud, and interrupt it by speaking.

    On a terminal, Enter starts and ends what you say; with --hands-free, or where stdin is no
    terminal, you just speak. Answers go to stdout as text too, everything else to stderr. Ctrl-C
    ends it; everything said and heard is kept in a session.

    With --events stdout carries one JSON object a line instead, its kind under "event": state,
    partial, final, discarded, first_token, first_audio, speaking, interrupted (with what was
    "heard" and "unheard"), answer, receipt and notice. Times are in seconds, money in US dollars.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    if resume and session_id:
        raise click.UsageError("-c and --session exclude each other.")
    import asyncio

    from app.cli.voice_session import Wanted, converse_aloud

    wanted = Wanted(
        hands_free=hands_free,
        events=events,
        model=model,
        latest=resume,
        session_id=session_id,
        language=language,
        demo=demo,
    )
    try:
        asyncio.run(converse_aloud(wanted))
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
