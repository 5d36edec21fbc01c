"""The private file: keys where there is no keyring, and a note of those that are in one.

The keyring is therefore asked only when needed: asking it costs 0.1 s and more at every start.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from core.errors import CredentialsError
from core.files import replace_file

__all__ = ("IN_KEYRING", "read_keys", "write_keys")

IN_KEYRING = None
"""What the file holds in place of a key that is in the keyring."""


def read_keys(path: Path, *, trusted: bool = False) -> dict[str, str | None]:
    """The keys by provider, ``None`` for one in the keyring; empty where there is no file.

    Args:
        path: the file.
        trusted: do not look at its permissions, because it is about to be replaced.

    Raises:
        CredentialsError: it cannot be read, or others may read the keys in it.
    """
    try:
        mode = path.stat().st_mode
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not valid JSON"
        raise CredentialsError(
            f"The key file {path} cannot be read: {reason}.", hint="Mend or delete it and set the key again."
        ) from None
    if not isinstance(kept, dict) or not all(isinstance(key, str | None) for key in kept.values()):
        raise CredentialsError(
            f"The key file {path} does not hold one key a provider.", hint="Delete it and set the key again."
        )
    if os.name == "posix" and not trusted and mode & (stat.S_IRWXG | stat.S_IRWXO) and any(kept.values()):
        raise CredentialsError(
            f"Others on this machine may read the keys in {path} (mode {stat.S_IMODE(mode):04o}).",
            hint=f"Run: chmod 600 '{path}', and replace the key if you share this machine.",
        )
    return kept


def write_keys(path: Path, keys: dict[str, str | None]) -> None:
    """Replace the file.

    Raises:
        CredentialsError: it cannot be written.
    """
    try:
        replace_file(path, json.dumps(keys, indent=2) + "\n")
    except OSError as error:
        raise CredentialsError(
            f"The key file {path} cannot be written: {error.strerror}.",
            hint="Set the key in the environment instead.",
        ) from error
