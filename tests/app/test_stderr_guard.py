"""Noise of native libraries stays off the terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.stderr_guard import guard_stderr, tail

ROOT = Path(__file__).parents[2]


def test_native_noise_goes_to_the_log_and_the_screen_keeps_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "cache" / "stderr.log"
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from app.stderr_guard import guard_stderr\n"
        f"with guard_stderr(Path({str(log)!r})):\n"
        "    os.write(2, b'ALSA noise\\n')\n"
        "    sys.__stderr__.write('drawn\\n')\n"
        "os.write(2, b'after\\n')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stderr == "drawn\nafter\n"
    assert tail(log) == "ALSA noise"


def test_a_log_that_cannot_be_written_drops_the_noise(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with guard_stderr(tmp_path / "file" / "stderr.log"):
        sys.stdout.write("")
    assert tail(tmp_path / "file" / "stderr.log") == ""


def test_a_command_goes_on_talking_to_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "stderr.log"
    code = (
        "import os, sys\n"
        "from contextlib import redirect_stderr\n"
        "from pathlib import Path\n"
        "from app.stderr_guard import guard_stderr\n"
        f"with guard_stderr(Path({str(log)!r})) as terminal, redirect_stderr(terminal):\n"
        "    os.write(2, b'ALSA noise\\n')\n"
        "    print('listening', file=sys.stderr)\n"
        "print('over', file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stderr == "listening\nover\n"
    assert tail(log) == "ALSA noise"
