"""The input of `tensorwall batch`: a file or stdin, checked before anything is sent."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj

from app.cli.output import complain
from app.cli.terminal import is_terminal
from core.batch.lines import BatchInput, open_input
from core.errors import InputError

__all__ = ("opened_lines",)

_MOST_SHOWN = 20


@contextmanager
def opened_lines(source: Path, output: Path | None, model: str | None) -> Iterator[BatchInput]:
    """The lines of a file, or of stdin, which is kept until they are answered.

    Raises:
        InputError: it cannot be read, or not every line can be asked; stderr says which.
    """
    if str(source) == "-":
        if sys.stdin is None or is_terminal(sys.stdin):
            raise InputError("There is nothing on stdin.", hint="Name a file, or pipe one into stdin.")
        with tempfile.TemporaryFile() as kept:
            copyfileobj(sys.stdin.buffer, kept)
            kept.seek(0)
            yield _checked(BatchInput(kept, model), "stdin")
        return
    if output is not None and output.exists() and source.exists() and output.samefile(source):
        raise InputError("The answers cannot go into the input.", hint="Name another file after -o.")
    with open_input(source, model) as lines:
        yield _checked(lines, str(source))


def _checked(lines: BatchInput, name: str) -> BatchInput:
    for bad in lines.bad[:_MOST_SHOWN]:
        complain(f"{name}, line {bad.number}: {bad.problem}", label="")
    if lines.bad:
        count = len(lines.bad)
        every = count + len(lines.lines)
        raise InputError(
            f"{count} of {every} lines cannot be asked"
            + (f" (the first {_MOST_SHOWN} are above)." if count > _MOST_SHOWN else "."),
            hint="Nothing was sent. Mend them, and run it again.",
        )
    if not lines.lines:
        raise InputError(f"There is no line in {name}.", hint="See `tensorwall batch --help` for the form.")
    return lines
