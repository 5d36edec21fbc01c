"""The ``tensorwall`` command: arguments in, answers on stdout, everything else on stderr."""

from __future__ import annotations

import sys

__all__ = ("main",)


def main() -> None:
    """Run the command with the process's arguments and exit with its status.

    Exit status: 0 answered or done, 1 failed (every route, or a broken part), 2 wrong usage or
    input, 3 refused by a budget, 4 no or a wrong key, 130 stopped by Ctrl-C, 141 the reader of
    stdout went away.
    """
    try:
        from app.cli.entry import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:  # while modules were still being imported, or a second one at the end
        sys.exit(130)
