"""A JSON answer on stdout: as it came for programs, set out in colours for people."""

from __future__ import annotations

import sys

from app.cli.output import emit, emit_line, harmless, paint
from app.cli.terminal import is_terminal, takes_colour

__all__ = ("emit_answer",)

_NAME, _STRING, _NUMBER, _WORD = "34;1", "32", "33", "36"
"""SGR styles: bold blue, green, yellow, cyan."""


def emit_answer(text: str, *, valid: bool) -> None:
    """Write a JSON answer to stdout; text that broke the rules goes as the model wrote it.

    Raises:
        ReaderGone: stdout was closed by its reader.
        TensorWallError: stdout could not be written, as on a full disk.
    """
    if not (valid and is_terminal(sys.stdout)):
        emit(text.removesuffix("\n"))
        return
    from core.written_json import indented

    shown = indented(harmless(text))
    emit_line(_coloured(shown) if takes_colour(sys.stdout) else shown)


def _coloured(shown: str) -> str:
    from core.written_json import tokens

    pieces: list[str] = []
    at = 0
    for start, lexeme in tokens(shown):
        end = start + len(lexeme)
        pieces += [shown[at:start], _painted(lexeme, is_name=shown.startswith(":", end))]
        at = end
    return "".join(pieces)


def _painted(lexeme: str, *, is_name: bool) -> str:
    if lexeme in "{}[],:":
        return lexeme
    if lexeme.startswith('"'):
        style = _NAME if is_name else _STRING
    else:
        style = _WORD if lexeme in ("true", "false", "null") else _NUMBER
    return paint(lexeme, style, sys.stdout)
