"""Every command of the chat screen, once: keys, slash commands, palette and help are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType

from app.tui.fuzzy import best_matches

__all__ = ("COMMANDS", "Command", "bindings", "find_command", "matching_commands")


@dataclass(frozen=True, slots=True)
class Command:
    """One thing the user can ask for.

    Attributes:
        id: namespaced name; also the binding's id in the ``keymap`` setting.
        title: what it does, as the palette and the help screen say it.
        slash: its name after ``/``; empty where it has none.
        argument: what may follow the slash command.
        keys: default keys, comma separated; empty where it has none.
        aliases: other names after ``/``.
    """

    id: str
    title: str
    slash: str = ""
    argument: str = ""
    keys: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The namespace: ``chat``, ``session``, ``voice`` or ``app``."""
        return self.id.partition(".")[0]


COMMANDS = (
    Command("chat.stop", "Stop the answer, keep its text", keys="escape"),
    Command("chat.regenerate", "Answer the question again", "regenerate", "[model]", "ctrl+r,f5", ("retry",)),
    Command("chat.edit", "Edit an earlier question", "edit", keys="ctrl+up"),
    Command("chat.previous_branch", "Show the previous version", keys="alt+left"),
    Command("chat.next_branch", "Show the next version", keys="alt+right"),
    Command("chat.copy_answer", "Copy the last answer", "copy", keys="ctrl+y"),
    Command("chat.copy_code", "Copy a code block", "code", "[letter]", "ctrl+b,f8"),
    Command("chat.find", "Find in this conversation", "find", "[text]", "ctrl+f"),
    Command("chat.attach", "Attach a file or image", "attach", "<path>"),
    Command("chat.editor", "Write the prompt in your editor", "editor", keys="ctrl+g"),
    Command("chat.effort", "Set how hard the model thinks", "effort", "[level]"),
    Command("chat.json", "Answer as JSON", "json", "[on|off|schema FILE]", "alt+j"),
    Command("chat.tools", "Choose the tools the model may call", "tools", "[on|off|name]"),
    Command("chat.why", "Why the last answer came from where it did", "why"),
    Command("chat.reasoning", "Show or hide the model's reasoning", "reasoning", keys="ctrl+t"),
    Command("session.new", "New session", "new", keys="ctrl+n", aliases=("clear",)),
    Command(
        "session.list",
        "Search, resume, rename, delete",
        "sessions",
        keys="ctrl+o",
        aliases=("resume",),
    ),
    Command("session.system", "Set this session's system prompt", "system", "[text]"),
    Command("session.rename", "Rename this session", "rename", "[title]"),
    Command("session.export", "Export this session", "export", "[md|json] [file]"),
    Command("session.cost", "What this session has cost, turn by turn", "cost"),
    Command("voice.open", "Open or close the microphone", "voice", "[on|off]"),
    Command("voice.hands_free", "Talk without a key", "handsfree", "[on|off]", "f6"),
    Command("voice.mute", "Mute the microphone", "mute", "[on|off]", "f7"),
    Command("voice.wait", "Hold what you are saying open", "wait", keys="f4"),
    Command("voice.read", "Read the last answer aloud", "read"),
    Command("voice.language", "Choose the language you speak", "language", "[code]"),
    Command("voice.name", "Choose the voice", "voicename", "[name]"),
    Command("voice.microphone", "Choose the microphone", "microphone", "[name]", aliases=("mic",)),
    Command("voice.speaker", "Choose the speaker", "speaker", "[name]"),
    Command("app.model", "Choose the model", "model", "[name]", "f2", ("models",)),
    Command("app.costs", "What it cost: sessions, turns, charts, budgets", "costs", keys="ctrl+s"),
    Command("app.routes", "Routes: state, speed, limits, cost", "routes", keys="alt+r"),
    Command("app.theme", "Change the theme", "theme", "[name]"),
    Command("app.settings", "Settings", "settings", keys="f10"),
    Command("app.provider", "Provider, API key and demo", "provider", aliases=("key", "login")),
    Command("app.help", "Keys and commands", "help", keys="f1", aliases=("?",)),
    Command("app.quit", "Quit", "quit", keys="ctrl+q", aliases=("exit", "q")),
)

_BY_SLASH = {name: command for command in COMMANDS for name in (command.slash, *command.aliases) if name}


def bindings() -> list[BindingType]:
    """The key bindings of every command that has keys.

    All but Escape take precedence over the composer's own editing keys.
    """
    return [
        Binding(
            command.keys,
            f"command({command.id!r})",
            command.title,
            show=False,
            id=command.id,
            priority=command.keys != "escape",
        )
        for command in COMMANDS
        if command.keys
    ]


def find_command(name: str) -> Command | None:
    """The command called ``/name``, or by its full id ``/chat.regenerate``."""
    return _BY_SLASH.get(name) or next((command for command in COMMANDS if command.id == name), None)


def matching_commands(query: str, limit: int = 12) -> list[Command]:
    """Slash commands that fit what was typed after ``/``, best first; all of them for nothing."""
    if not query:
        return [command for command in COMMANDS if command.slash]
    found = [_BY_SLASH[name] for name in best_matches(query, _BY_SLASH, limit)]
    return list(dict.fromkeys(found))
