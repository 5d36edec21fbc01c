"""What asks the sound server must not outlive who asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
WATCH = """
import threading, time
from core.voice.engine.sound_server import ServerWatch
changed = threading.Event()
watch = ServerWatch(lambda: (print("changed", flush=True), changed.set()))
watch.start()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pactl is asked on Linux")


@pytest.fixture
def pactl(tmp_path: Path) -> Path:
    """A stand-in that tells of one change and, as the real one, minds no reader that has gone."""
    program = tmp_path / "pactl"
    program.write_text(
        f"#!/bin/sh\ntrap '' PIPE\necho $$ > {tmp_path}/pid\necho \"Event 'change' on server\"\n"
        f"[ -e {tmp_path}/ends ] || exec sleep 600\n"
    )
    program.chmod(0o755)
    return program


def run(pactl: Path, then: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WATCH + then],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{pactl.parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pactl: Path) -> None:
    pid = int((pactl.parent / "pid").read_text())
    ending = time.monotonic() + 10
    while is_there(pid):
        assert time.monotonic() < ending, "it is still there"
        os.sched_yield()


@pytest.mark.parametrize("signalled", ["terminate", "kill"])
def test_it_ends_with_who_asked(pactl: Path, signalled: str) -> None:
    with run(pactl, "time.sleep(600)") as process:
        assert process.stdout
        assert process.stdout.readline() == "changed\n"
        getattr(process, signalled)()
    wait_until_gone(pactl)


def test_it_ends_when_closed(pactl: Path) -> None:
    with run(pactl, "changed.wait(10); watch.close(); print('closed')") as process:
        assert process.communicate(timeout=20)[0].splitlines()[-1] == "closed"
    assert process.returncode == 0
    wait_until_gone(pactl)


def test_it_is_asked_again_after_the_server_ended(pactl: Path) -> None:
    (pactl.parent / "ends").touch()
    again = "watch._thread.join(); watch.start(); watch._thread.join(); watch.close(); print('closed')"
    with run(pactl, again) as process:
        assert process.communicate(timeout=20)[0].splitlines() == ["changed", "changed", "closed"]
