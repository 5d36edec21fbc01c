"""The root command: opens the TUI, or answers stdin where there is no terminal."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from app.cli.lazy_group import LazyGroup
from app.cli.terminal import is_terminal

__all__ = ("Invocation", "tensorwall")

COMMANDS = {
    "chat": ("app.cli.chat:chat", "Answer a prompt on stdout, or converse line by line."),
    "voice": ("app.cli.voice:voice", "Talk and listen without the full-screen interface."),
    "transcribe": ("app.cli.transcribe:transcribe", "Write what is said in a sound file."),
    "say": ("app.cli.say:say", "Speak a text, or write it to a WAV file."),
    "batch": ("app.cli.batch:batch", "Answer a file of requests, as fast as the limits allow."),
    "sessions": ("app.cli.sessions:sessions", "List, show, search, export and delete conversations."),
    "costs": ("app.cli.costs:costs", "What was spent, on what, and what the budgets have left."),
    "models": ("app.cli.models:models", "List the models: state, window, prices, replacement."),
    "routes": ("app.cli.routes:routes", "How the routes do, and why an answer came from where it did."),
    "offline": ("app.cli.offline:offline", "Models that answer on this machine, without a network."),
    "login": ("app.cli.login:login", "Check and store a provider's API key."),
    "logout": ("app.cli.login:logout", "Forget a stored API key."),
    "config": ("app.cli.config:config", "Show and change the settings."),
    "doctor": ("app.cli.doctor:doctor", "Find what is wrong and say how to mend it."),
    "serve": ("app.cli.serve:serve", "Answer OpenAI's API on this machine."),
    "keys": ("app.cli.keys:keys", "Make, list, replace and revoke the gateway's keys."),
    "simulate": ("app.cli.simulate:simulate", "Run the simulator of Groq's API on this machine."),
    "completion": ("app.cli.completion:completion", "Print the completion script for a shell."),
}


@dataclass(slots=True)
class Invocation:
    """What the root command learned, for whoever ran it."""

    debug: bool = False


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("tensorwall")
    except PackageNotFoundError:
        number = "(not installed: running from the source folder)"
    click.echo(f"tensorwall {number}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--demo", is_flag=True, help="Talk to the simulator: no key, answers are simulated.")
@click.option("-c", "--continue", "resume", is_flag=True, help="Open the last session.")
@click.option("--session", metavar="ID", help="Open this session; an unambiguous beginning is enough.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option(
    "-V",
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def tensorwall(ctx: click.Context, *, demo: bool, resume: bool, session: str | None, debug: bool) -> int:
    """Real-time chat and voice assistant for the terminal.

    Without a command it opens the full-screen interface; where there is no terminal it answers
    stdin, as `tensorwall chat` does.

    \b
    Exit status:
      0    answered or done
      1    every route failed, or something is broken
      2    wrong usage, input or configuration
      3    a budget refused the call
      4    no API key, or a wrong one
      130  stopped by Ctrl-C; what had arrived is kept
      141  the reader of stdout went away (as `| head` does)
    """  # noqa: D301 - click's mark for "do not rewrap" is the character, not its escape
    if resume and session:
        raise click.UsageError("-c and --session exclude each other.", ctx=ctx)
    invocation = ctx.ensure_object(Invocation)
    invocation.debug = debug
    if ctx.invoked_subcommand is not None:
        if demo or resume or session:
            raise click.UsageError(
                f"--demo, -c and --session before a command do nothing; put them after "
                f"`{ctx.invoked_subcommand}`.",
                ctx=ctx,
            )
        return 0
    if is_terminal(sys.stdin) and is_terminal(sys.stdout):
        return _open_interface(demo=demo, resume=resume, session=session)
    from app.cli.chat import chat

    status: int = ctx.invoke(chat, demo=demo, resume=resume, session_id=session)
    return status


def _open_interface(*, demo: bool, resume: bool, session: str | None) -> int:
    from app.tui.run import run

    return run(demo=demo, session="latest" if resume else session)
