"""`tensorwall completion`: the script that teaches a shell our commands, models and session ids."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from app.cli.output import emit

__all__ = ("complete_model", "complete_session", "completion")

_WHERE = {
    "bash": '  eval "$(tensorwall completion bash)"          # in ~/.bashrc',
    "zsh": '  eval "$(tensorwall completion zsh)"           # in ~/.zshrc',
    "fish": "  tensorwall completion fish > ~/.config/fish/completions/tensorwall.fish",
}


@click.command(epilog="\b\n" + "\n".join(_WHERE.values()))
@click.argument("shell", type=click.Choice(list(_WHERE)))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print the completion script for a shell."""
    completer = get_completion_class(shell)
    assert completer is not None  # click knows every shell that Choice lets through
    root = ctx.find_root().command
    emit(completer(root, {}, "tensorwall", "_TENSORWALL_COMPLETE").source().rstrip("\n"))


def complete_model(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """The models that are usable, aliases too; one id serves several providers."""
    from core.catalogue import load_catalogue
    from core.locations import find_locations

    catalogue = load_catalogue(find_locations().models_file)
    names = {info.id: info.label for info in catalogue.models(kind="chat") if info.usable}
    names |= dict.fromkeys(catalogue.aliases, "alias")
    return [CompletionItem(name, help=label) for name, label in names.items() if name.startswith(typed)]


def complete_session(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """The ids of the sessions used last, with their titles; none where storage cannot be read."""
    from app.cli.services import with_conversations
    from core.errors import TensorWallError

    try:
        found = with_conversations(lambda conversations: conversations.list(limit=100))
    except TensorWallError:
        return []  # a Tab press is no place for an error
    return [
        CompletionItem(summary.id, help=" ".join(summary.title.split()))
        for summary in found
        if summary.id.startswith(typed)
    ]
