"""What is said of a block that is shown and not read."""

from __future__ import annotations

import re

from core.voice.spoken_text.inline import plain
from core.voice.spoken_text.languages import Language
from core.voice.spoken_text.shown import Shown
from core.voice.spoken_text.speakable import speakable

__all__ = ("announcement",)

_MOST_COLUMNS = 6

_NAMES = {
    "bash": "Shell",
    "c": "C",
    "c++": "C plus plus",
    "console": "Shell",
    "cpp": "C plus plus",
    "cs": "C sharp",
    "csharp": "C sharp",
    "css": "CSS",
    "dockerfile": "Docker",
    "go": "Go",
    "golang": "Go",
    "html": "HTML",
    "ini": "INI",
    "java": "Java",
    "javascript": "JavaScript",
    "js": "JavaScript",
    "json": "JSON",
    "jsx": "JavaScript",
    "kotlin": "Kotlin",
    "latex": "LaTeX",
    "php": "PHP",
    "powershell": "PowerShell",
    "ps1": "PowerShell",
    "py": "Python",
    "python": "Python",
    "r": "R",
    "rb": "Ruby",
    "rs": "Rust",
    "ruby": "Ruby",
    "rust": "Rust",
    "sh": "Shell",
    "shell": "Shell",
    "sql": "SQL",
    "swift": "Swift",
    "toml": "TOML",
    "ts": "TypeScript",
    "tsx": "TypeScript",
    "typescript": "TypeScript",
    "xml": "XML",
    "yaml": "YAML",
    "yml": "YAML",
    "zsh": "Shell",
}
"""Languages of code as they are said, by what a fence calls them."""
_DIAGRAMS = frozenset({"mermaid", "dot", "graphviz", "plantuml"})
_NO_LANGUAGE = frozenset({"", "text", "txt", "plain", "plaintext", "output", "none"})
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")


def announcement(shown: Shown, language: Language) -> str:
    """The gist of a block: which language its code is in, what the columns of a table are."""
    if shown.kind == "formula":
        return language.formula[0].upper() + language.formula[1:] + "."
    if shown.kind == "table":
        return _table(shown.detail.splitlines(), language)
    tag = shown.detail.lower()
    if tag in _DIAGRAMS:
        return language.diagram
    if tag in _NO_LANGUAGE or not (tag in _NAMES or _NAME.fullmatch(tag)):
        return language.code
    return language.named_code.format(name=_NAMES.get(tag, tag.capitalize()))


def _table(columns: list[str], language: Language) -> str:
    names = [speakable(plain(column, 0, language), language).text for column in columns]
    *first, last = [name for name in names if any(map(str.isalnum, name))][:_MOST_COLUMNS] or [""]
    if not last:
        return language.table
    listed = f"{', '.join(first)} {language.conjunction} {last}" if first else last
    return language.named_table.format(columns=listed)
