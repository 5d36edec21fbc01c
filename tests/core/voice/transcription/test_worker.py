from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from core.errors import TranscriptionFailed
from core.voice.transcription.worker import Worker


class Held:
    """A job that runs until it is let go."""

    def __init__(self, worker: Worker) -> None:
        self.running = threading.Event()
        self.go = threading.Event()
        self.result: Future[str] = worker.submit(self, "final")
        assert self.running.wait(10)

    def __call__(self) -> str:
        self.running.set()
        assert self.go.wait(10)
        return "held"


@pytest.fixture
def worker():
    worker = Worker("test-worker")
    yield worker
    worker.close()


def note(done: list[str], name: str) -> Callable[[], str]:
    def run() -> str:
        done.append(name)
        return name

    return run


def test_finals_go_first_and_in_order(worker: Worker) -> None:
    held, done = Held(worker), list[str]()
    finals = [worker.submit(note(done, name), "final") for name in ("a", "b")]
    partial = worker.submit(note(done, "partial"), "partial")
    held.go.set()
    assert partial.result(10) == "partial"
    assert [final.result(10) for final in finals] == ["a", "b"]
    assert done == ["a", "b", "partial"]


@pytest.mark.parametrize("newer", ["partial", "final"])
def test_what_is_newer_overtakes_a_waiting_partial(worker: Worker, newer: str) -> None:
    held, done = Held(worker), list[str]()
    old = worker.submit(note(done, "old"), "partial")
    new = worker.submit(note(done, "new"), newer)
    with pytest.raises(TranscriptionFailed, match="overtook"):
        old.result(10)
    held.go.set()
    assert new.result(10) == "new"
    assert done == ["new"]


def test_cancelled_jobs_are_not_run(worker: Worker) -> None:
    held, done = Held(worker), list[str]()
    gone = worker.submit(note(done, "gone"), "final")
    stays = worker.submit(note(done, "stays"), "final")
    assert gone.cancel()
    held.go.set()
    assert stays.result(10) == "stays"
    assert done == ["stays"]


def test_an_error_is_the_callers_and_the_next_job_runs(worker: Worker) -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        worker.submit(fail, "final").result(10)
    assert worker.submit(lambda: 1, "partial").result(10) == 1


def test_closing_ends_the_thread_and_what_waits() -> None:
    worker = Worker("closing-worker")
    held = Held(worker)
    waiting = [worker.submit(lambda: 1, "final"), worker.submit(lambda: 2, "partial")]
    waiting[-1].add_done_callback(lambda _: held.go.set())  # dropped: closing waits for the one that runs
    worker.close()
    assert held.result.result(0) == "held"
    for future in waiting:
        with pytest.raises(TranscriptionFailed, match="closed"):  # whoever waits was not cancelled
            future.result(0)
    assert "closing-worker" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(TranscriptionFailed, match="closed"):
        worker.submit(lambda: 3, "final")
    worker.close()


def test_no_thread_before_the_first_job() -> None:
    worker = Worker("idle-worker")
    assert "idle-worker" not in {thread.name for thread in threading.enumerate()}
    worker.close()
