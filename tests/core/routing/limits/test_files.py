"""Files in which processes share limits: what may happen to a file, a folder, a clock, a process."""

import logging
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from core.catalogue import load_catalogue
from core.files import try_lock
from core.providers import groq_provider
from core.routing.limits.allowance import Allowance
from core.routing.limits.files import LimitFiles
from tests.core.routing.limits.test_shared import headers

PLANS = tuple(load_catalogue().find("groq", "openai/gpt-oss-20b").limits.values())
KEY = "gsk_" + "a1b2c3d4" * 6


class Machine:
    """Its folder of limits, its two clocks, and processes on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.monotonic = 1_000.0
        self.wall = 1_795_000_000.0
        self._processes = 0

    def process(self, *, key: str = KEY, url: str | None = None, model: str = "m") -> Allowance:
        self._processes += 1
        files = LimitFiles(
            self.folder,
            clock=lambda: self.monotonic,
            wall=lambda: self.wall,
            is_alive=lambda _: True,
            process=self._processes,
        )
        return Allowance(PLANS, files.of(groq_provider.with_overrides(key, url), model))

    def use(self, tokens: int) -> Allowance:
        """Have a process use so many tokens; it says nothing more."""
        user = self.process()
        made = user.reserve(tokens, self.monotonic)
        user.reported(made, headers(8_000 - tokens), self.monotonic)
        user.settle(made, tokens, self.monotonic)
        return user

    def left(self, allowance: Allowance | None = None) -> float:
        """Tokens, as a fresh process sees it."""
        seer = allowance or self.process()
        seer.catch_up(self.monotonic)
        return seer.free(self.monotonic)

    def pass_time(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    @property
    def file(self) -> Path:
        (file,) = self.folder.iterdir()
        return file


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "cache" / "limits")


def test_a_file_is_its_owners_alone_and_names_no_key(machine):
    machine.use(6_000)
    assert machine.file.stat().st_mode & 0o777 == 0o600
    assert machine.folder.stat().st_mode & 0o777 == 0o700
    assert machine.folder.parent.stat().st_mode & 0o777 == 0o700
    assert KEY.encode() not in machine.file.read_bytes()
    assert KEY[4:12] not in machine.file.name


def test_another_key_address_or_model_has_limits_of_its_own(machine):
    machine.use(6_000)
    assert machine.left() == 2_000
    assert machine.left(machine.process(key=KEY.upper())) == float("inf")
    assert machine.left(machine.process(url="https://other.example/v1")) == float("inf")
    assert machine.left(machine.process(model="other")) == float("inf")


def test_whoever_only_looks_makes_nothing(machine):
    machine.left()
    assert not machine.folder.exists()


def test_without_a_key_nothing_is_shared(machine):
    assert (
        LimitFiles(machine.folder).of(groq_provider.with_overrides(None, "http://127.0.0.1:9/v1"), "m")
        is None
    )


def test_levels_rise_with_time(machine):
    machine.use(6_000)
    machine.pass_time(15)
    assert machine.left() == pytest.approx(4_000)


@pytest.mark.parametrize(
    ("monotonic", "wall", "left"),
    [
        (-900, 15, 4_000),  # booted anew, 15 s later
        (-900, 86_400, 8_000),
        (-900, -300, 2_000),  # and the clock is wrong: nothing is promised
        (15, -3_600, 4_000),  # set back
        (15, 3_600, 4_000),  # set forward
        (5_000, 15, 4_000),  # booted anew, and up for longer than before
    ],
)
def test_of_two_clocks_the_one_that_promises_less_is_believed(machine, monotonic, wall, left):
    machine.use(6_000)
    machine.monotonic += monotonic
    machine.wall += wall
    assert machine.left() == pytest.approx(left)
    user = machine.process()
    user.release(user.reserve(0, machine.monotonic), machine.monotonic)  # written on the clock that is
    machine.pass_time(7.5)
    assert machine.left() == pytest.approx(min(8_000, left + 1_000))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 500,
        b"not ours at all",
        b"00000000ffffffff\n[]",
        b"\xff" * 20_000,
    ],
)
def test_a_file_that_cannot_be_read_counts_as_none_and_is_written_anew(machine, content):
    user = machine.use(6_000)
    machine.file.write_bytes(content)
    assert machine.left() == float("inf")
    assert machine.left(user) == 2_000
    made = user.reserve(1_000, machine.monotonic)
    assert machine.left() == 1_000
    user.release(made, machine.monotonic)
    assert machine.left() == 2_000


def test_a_file_that_was_cut_short_counts_as_none(machine):
    machine.use(6_000)
    machine.file.write_bytes(machine.file.read_bytes()[:-200])
    assert machine.left() == float("inf")


def test_what_is_left_of_a_longer_content_does_not_count(machine):
    machine.use(100)
    many = [machine.process() for _ in range(600)]
    made = [user.reserve(10, machine.monotonic) for user in many]
    assert machine.file.stat().st_size > 20_000
    assert machine.left() == 8_000 - 100 - 6_000
    for user, reservation in zip(many, made, strict=True):
        user.release(reservation, machine.monotonic)
    assert machine.left() == 7_900
    assert machine.file.stat().st_size < 20_000


def test_many_calls_of_one_process_take_no_more_room_than_one(machine):
    user = machine.use(100)
    many = [user.reserve(10, machine.monotonic) for _ in range(500)]
    assert machine.file.stat().st_size < 1_000
    assert machine.left() == 8_000 - 100 - 5_000
    for made in many[1:]:
        user.release(made, machine.monotonic)
    assert machine.left() == 8_000 - 100 - 10


def test_a_folder_that_is_removed_is_made_again(machine):
    user = machine.use(6_000)
    machine.file.unlink()
    machine.folder.rmdir()
    made = user.reserve(1_000, machine.monotonic)
    assert machine.left() == 1_000
    user.release(made, machine.monotonic)
    assert machine.left() == 2_000


def test_a_folder_that_cannot_be_used_is_told_of_once_and_the_process_counts_alone(machine, caplog):
    machine.folder.parent.mkdir(parents=True)
    machine.folder.write_text("no folder")
    files = LimitFiles(machine.folder)
    with caplog.at_level(logging.WARNING):
        for model in ("one", "two"):
            alone = Allowance(PLANS, files.of(groq_provider.with_overrides(KEY, None), model))
            now = time.monotonic()
            made = alone.reserve(6_000, now)
            alone.reported(made, headers(2_000), now)
            assert alone.free(now) == 2_000
            alone.settle(made, 0, now)
            assert alone.free(now) == 8_000
    (told,) = caplog.messages
    assert str(machine.folder) in told


def test_a_disk_without_room_is_survived(machine, caplog):
    user = machine.use(6_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        made = user.reserve(1_000, machine.monotonic)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert user.free(machine.monotonic) == 1_000
    user.settle(made, 0, machine.monotonic)
    assert user.free(machine.monotonic) == 2_000
    assert "cannot be used" in caplog.text


def test_somebody_who_keeps_the_lock_is_waited_for_only_shortly(machine, monkeypatch, caplog):
    user = machine.use(6_000)
    monkeypatch.setattr("core.routing.limits.files._PATIENCE", 0.01)
    descriptor = os.open(machine.file, os.O_RDWR)
    try:
        assert try_lock(descriptor)
        user.reserve(1_000, machine.monotonic)
    finally:
        os.close(descriptor)
    assert user.free(machine.monotonic) == 1_000
    assert "locked" in caplog.text


_CHILD = """
    import sys, time
    from pathlib import Path
    from core.providers import groq_provider
    from core.routing.limits.files import LimitFiles
    from core.routing.limits.allowance import Allowance
    from tests.core.routing.limits.test_files import KEY, PLANS

    files = LimitFiles(Path(sys.argv[1]))
    allowance = Allowance(PLANS, files.of(groq_provider.with_overrides(KEY, None), "m"))
    {work}
"""


def child(folder: Path, work: str, **options) -> subprocess.Popen:
    code = textwrap.dedent(_CHILD).format(work=textwrap.dedent(work).strip())
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True, **options
    )


def real(folder: Path) -> Allowance:
    return Allowance(PLANS, LimitFiles(folder).of(groq_provider.with_overrides(KEY, None), "m"))


def test_what_a_killed_process_had_set_aside_comes_back(tmp_path):
    known = real(tmp_path)
    now = time.monotonic()
    known.reported(made := known.reserve(0, now), headers(8_000), now)
    known.settle(made, 0, now)
    with child(
        tmp_path, "allowance.reserve(6_000, time.monotonic()); print(flush=True); time.sleep(60)"
    ) as held:
        held.stdout.readline()
        before = real(tmp_path)
        before.catch_up(time.monotonic())
        assert before._count.held == 6_000
        held.send_signal(signal.SIGKILL)
    after = real(tmp_path)
    now = time.monotonic()
    after.catch_up(now)
    assert after._count.held == 0
    assert after.free(now + 15) == pytest.approx(4_000, abs=300)


def test_processes_that_ask_at_once_share_what_there_is(tmp_path):
    known = real(tmp_path)
    now = time.monotonic()
    known.reported(made := known.reserve(0, now), headers(8_000), now)
    known.settle(made, 0, now)
    work = """
    print(flush=True)
    sys.stdin.readline()
    taken = 0
    for _ in range(50):
        now = time.monotonic()
        with allowance.exclusive(now):
            if allowance.room(100, now).wait == 0:
                allowance.reserve(100, now)
                taken += 1
    print(taken, flush=True)
    sys.stdin.readline()
    """
    askers = [child(tmp_path, work, stdin=subprocess.PIPE) for _ in range(2)]
    for asker in askers:
        asker.stdout.readline()
    for asker in askers:
        asker.stdin.write("\n")
        asker.stdin.flush()
    taken = [int(asker.stdout.readline()) for asker in askers]
    for asker in askers:
        asker.communicate("\n")
    assert sum(taken) == 29  # of 30 requests a minute, one was made before


def test_a_change_costs_little(machine):
    user = machine.use(100)
    began = time.perf_counter()
    for _ in range(500):
        user.release(user.reserve(10, machine.monotonic), machine.monotonic)
    each = (time.perf_counter() - began) / 1_000
    assert each < 0.001  # 0.05 ms on an idle machine
