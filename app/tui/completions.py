"""What the composer can complete at the cursor: slash commands and ``@`` files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.tui.commands import matching_commands
from app.tui.fuzzy import best_matches
from app.tui.mentions import IMAGE_SUFFIXES, FileIndex, mention_at
from app.tui.widgets.completion_popup import Completion

__all__ = ("Completer", "CompletionSpan")

_MOST_FILES = 50
_MOST_ARGUMENTS = 50

ArgumentChoices = Callable[[str], Iterable[str]]
"""The values a slash command takes: its name to choices, none where it takes free text."""


@dataclass(frozen=True, slots=True)
class CompletionSpan:
    """Suggestions for the text from column ``start`` to the cursor."""

    start: int
    completions: tuple[Completion, ...]


class Completer:
    """Finds suggestions; the list of files is read once per mention and then reused."""

    def __init__(self, files: FileIndex, choices: ArgumentChoices = lambda _: ()) -> None:
        self._files = files
        self._choices = choices
        self._listed: tuple[str, list[str]] | None = None

    def forget_files(self) -> None:
        """Read the folder again for the next mention."""
        self._listed = None

    async def complete(self, line: str, column: int, *, first_line: bool) -> CompletionSpan | None:
        """Suggestions at a cursor, or ``None`` where there is nothing to complete."""
        before = line[:column]
        if first_line and before.startswith("/"):
            return self._slash(before)
        mention = mention_at(line, column)
        if mention is None:
            self.forget_files()
            return None
        paths = await self._paths(mention.query)
        found = best_matches(mention.query, paths, _MOST_FILES)
        return CompletionSpan(mention.start, tuple(map(_file, found))) if found else None

    def _slash(self, before: str) -> CompletionSpan | None:
        name, space, argument = before[1:].partition(" ")
        if not space:
            commands = matching_commands(name)
            rows = (
                Completion(
                    f"/{command.slash} {command.argument}".rstrip(),
                    command.title,
                    f"/{command.slash} " if command.argument else f"/{command.slash}",
                    final=not command.argument,
                )
                for command in commands
            )
            found = tuple(rows)
            return CompletionSpan(0, found) if found else None
        values = best_matches(argument, self._choices(name), _MOST_ARGUMENTS)
        if not values or argument in values:
            return None
        start = len(name) + 2
        return CompletionSpan(start, tuple(Completion(value, "", value) for value in values))

    async def _paths(self, query: str) -> list[str]:
        folder = query.rpartition("/")[0] if query.startswith(("/", "~", "../")) else ""
        if self._listed is None or self._listed[0] != folder:
            self._listed = (folder, await asyncio.to_thread(self._files.candidates, query))
        return self._listed[1]


def _file(path: str) -> Completion:
    quoted = f'@"{path}"' if " " in path else f"@{path}"
    if path.endswith("/"):
        return Completion(path, "folder", f"@{path}", final=False)
    dot = path.rfind(".")
    image = dot >= 0 and path[dot:].lower() in IMAGE_SUFFIXES
    return Completion(path, "image" if image else "", f"{quoted} ")
