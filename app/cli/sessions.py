"""`tensorwall sessions`: the stored conversations."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from app.cli.completion import complete_session
from app.cli.options import table_or_json
from app.cli.output import emit, emit_json, note
from app.cli.services import with_conversations
from app.cli.terminal import is_terminal

if TYPE_CHECKING:
    from core.conversations import Conversations, SessionSummary

__all__ = ("sessions",)

T = TypeVar("T")
_DEMO = "app.cli.sessions.demo"

limit_option = click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."
)
markdown_or_json = click.option(
    "--format",
    "form",
    type=click.Choice(["md", "json"]),
    default="md",
    show_default=True,
    help="Markdown of the branch on screen, or JSON of everything.",
)


def _of_demo(ctx: click.Context, _: click.Parameter, given: bool) -> None:
    """`--demo` may stand before and after the sub-command."""
    ctx.meta[_DEMO] = given or ctx.meta.get(_DEMO, False)


demo_option = click.option(
    "--demo",
    is_flag=True,
    expose_value=False,
    callback=_of_demo,
    help="The demo's sessions, which are kept apart.",
)
session_argument = click.argument("session", metavar="ID", shell_complete=complete_session)


@click.group()
@demo_option
def sessions() -> None:
    """List, show, search, export and delete conversations.

    ID is a session's id, or a beginning of it that no other session shares.
    """


def _stored(work: Callable[[Conversations], Awaitable[T]]) -> T:
    """Do the work on the sessions that the command is about."""
    return with_conversations(work, demo=click.get_current_context().meta[_DEMO])


@sessions.command("list")
@demo_option
@limit_option
@table_or_json
def list_sessions(*, limit: int, form: str) -> None:
    """List the sessions, last used first."""
    found = _stored(lambda conversations: conversations.list(limit=limit))
    if form == "json":
        emit_json([asdict(summary) for summary in found])
    elif found:
        _emit_summaries(found)
    else:
        note("No sessions yet.")


@sessions.command()
@demo_option
@session_argument
@markdown_or_json
def show(*, session: str, form: Literal["md", "json"]) -> None:
    """Show a session's conversation."""
    emit(_export(session, form).rstrip("\n"))


@sessions.command()
@demo_option
@click.argument("text", nargs=-1, required=True)
@limit_option
@table_or_json
def search(*, text: tuple[str, ...], limit: int, form: str) -> int:
    """Find messages that hold every word of TEXT; a word may be a beginning.

    Exit status 1 when nothing is found.
    """
    words = " ".join(text)
    hits = _stored(lambda conversations: conversations.search(words, limit=limit))
    if form == "json":
        emit_json([asdict(hit) for hit in hits])
    elif hits:
        from app.cli.tables import emit_table

        emit_table(
            ("session", "when", "who", "text"),
            [(hit.session_id, _when(hit.created_at), hit.role, hit.snippet) for hit in hits],
        )
    else:
        note(f"Nothing found for {words!r}.")
    return 0 if hits else 1


@sessions.command()
@demo_option
@session_argument
@markdown_or_json
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to this new file.",
)
def export(*, session: str, form: Literal["md", "json"], output: Path | None) -> None:
    """Export a session, to stdout or a new file."""
    text = _export(session, form)
    if output is None:
        emit(text.rstrip("\n"))
        return
    from app.new_file import write_new_file

    write_new_file(output, text)
    note(f"Wrote {output}.")


@sessions.command()
@demo_option
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=complete_session)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete(*, ids: tuple[str, ...], yes: bool) -> None:
    """Delete sessions with all their branches; what they cost stays in the ledger."""
    if not yes and not is_terminal(sys.stdin):
        raise click.UsageError("Without a terminal to ask on, deleting needs --yes.")

    async def find(conversations: Conversations) -> list[tuple[str, str]]:
        found = [await conversations.get(id_) for id_ in ids]
        return [(session.id, session.title) for session in found]

    async def remove(conversations: Conversations) -> None:
        for id_, _ in named:
            await conversations.delete(id_)

    named = _stored(find)
    for id_, title in named:
        note(f"{id_}  {title}")
    if not yes:
        click.confirm(f"Delete {len(named)} session{'s' * (len(named) != 1)}?", abort=True, err=True)
    _stored(remove)
    note(f"Deleted {len(named)}.")


def _export(session: str, form: Literal["md", "json"]) -> str:
    async def work(conversations: Conversations) -> str:
        return await conversations.export((await conversations.get(session)).id, form)

    return _stored(work)


def _emit_summaries(found: list[SessionSummary]) -> None:
    from app.cli.tables import emit_table
    from app.figures import money

    emit_table(
        ("id", "last used", "messages", "cost", "title"),
        [
            (
                summary.id,
                _when(summary.updated_at),
                str(summary.message_count),
                money(summary.cost, estimated=summary.cost_is_partial),
                summary.title,
            )
            for summary in found
        ],
        right=frozenset({2, 3}),
    )


def _when(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
