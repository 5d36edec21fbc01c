"""What programs write that we start stays out of what we write on stdout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.stdout_guard import guard_stdout

ROOT = Path(__file__).parents[2]
_WRITES = """
import os, subprocess, sys
from app.stdout_guard import guard_stdout
print("before")
with guard_stdout():
    subprocess.run(["echo", "from a child"], check=True)
    os.write(1, b"from a library\\n")
    print("the answer")
    sys.__stdout__.write("drawn\\n")
os.write(1, b"after\\n")
print("the end")
"""


def test_what_children_and_libraries_write_goes_to_stderr() -> None:
    command = [sys.executable, "-c", _WRITES]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert sorted(ran.stdout.splitlines()) == ["after", "before", "drawn", "the answer", "the end"]
    assert ran.stderr == "from a child\nfrom a library\n"


@pytest.mark.parametrize(("closed", "said"), [("2>&-", "the answer\n"), ("1>&- 2>/dev/null", "")])
def test_a_stream_that_is_closed_stays_so(closed: str, said: str) -> None:
    code = (
        "import subprocess\n"
        "from app.stdout_guard import guard_stdout\n"
        "with guard_stdout():\n"
        "    print('the answer')\n"
        "    subprocess.run(['sh', '-c', 'echo from a child || true'], check=True)\n"
    )
    command = ["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == (said, "")


def test_a_stdout_that_is_no_descriptor_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with guard_stdout():
        print("the answer")
    assert capsys.readouterr().out == "the answer\n"
