"""Writing what a user asked for to a file that is not there yet."""

from __future__ import annotations

import errno
from pathlib import Path

from core.errors import InputError
from core.files import create_file

__all__ = ("write_new_file",)


def write_new_file(path: Path, text: str) -> None:
    """Write the file, whole or not at all; one that is there already stays as it is.

    Raises:
        InputError: it cannot be written; says why.
    """
    try:
        create_file(path, text)
    except FileExistsError:
        raise InputError(f"{path} is there already.", hint="Name a new file: none is overwritten.") from None
    except FileNotFoundError:
        raise InputError(f"There is no folder {path.parent}.", hint="Make it, or name another.") from None
    except OSError as error:
        hint = "Name a file in a folder that you may write to."
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            hint = "Make room, or name a file on another disk; nothing was left there."
        raise InputError(f"{path} cannot be written: {error.strerror}.", hint=hint) from None
