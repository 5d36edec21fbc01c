"""From arguments to an exit status: runs the command and turns whatever it raises into one clear line."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

import click

from app.cli.failures import INTERRUPTED, READER_GONE, exit_status, one_line, report
from app.cli.output import ReaderGone, complain, note
from app.cli.root import Invocation, tensorwall
from core.errors import TensorWallError

__all__ = ("run",)


def run(arguments: Sequence[str]) -> int:
    """Run ``tensorwall`` with ``arguments`` and return its exit status; never raises."""
    invocation = Invocation()
    try:
        result = tensorwall.main(
            list(arguments), prog_name="tensorwall", standalone_mode=False, obj=invocation
        )
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        command = context.command_path if context else "tensorwall"
        complain(one_line(error.format_message()), hint=f"See `{command} --help`.")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        note("stopped")
        return INTERRUPTED
    except ReaderGone:
        return READER_GONE
    except TensorWallError as error:
        if invocation.debug:
            traceback.print_exc()
        report(error)
        return exit_status(error)
    except Exception as error:  # noqa: BLE001 - the edge: whatever is left is told in one line
        if invocation.debug:
            traceback.print_exc()
        else:
            report(error)
        return 1
    return result if isinstance(result, int) else 0
