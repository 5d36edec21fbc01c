"""The thread that decodes: what is to be sent comes first, and of what is only looked at, the newest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from core.errors import TranscriptionFailed
from core.voice.transcription.transcriber import Purpose

__all__ = ("Worker",)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Job:
    run: Callable[[], Any]
    result: Future[Any]


class Worker:
    """Runs one job at a time: a decode cannot be interrupted, and two at once would slow each other.

    Finals wait in order. A partial that still waits when something newer comes is overtaken by it.
    The thread starts with the first job.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._change = threading.Condition()
        self._finals: deque[_Job] = deque()
        self._partial: _Job | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, run: Callable[[], T], purpose: Purpose) -> Future[T]:
        """Queue a job. Its future fails with ``TranscriptionFailed`` if something overtakes it.

        Raises:
            TranscriptionFailed: the worker is closed.
        """
        job = _Job(run, Future())
        with self._change:
            if self._closed:
                raise TranscriptionFailed("The transcriber is closed.")
            overtaken, self._partial = self._partial, None
            if purpose == "final":
                self._finals.append(job)
            else:
                self._partial = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._change.notify()
        if overtaken is not None:
            _give_up(overtaken, "A newer recording overtook this one.")
        return job.result

    def close(self) -> None:
        """Have what waits fail, and wait for the job that runs; blocks for as long as that takes."""
        with self._change:
            self._closed = True
            waiting = [*self._finals, *((self._partial,) if self._partial else ())]
            self._finals.clear()
            self._partial = None
            self._change.notify()
        for job in waiting:
            _give_up(job, "The transcriber was closed before it came to this recording.")
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            if not job.result.set_running_or_notify_cancel():
                continue
            try:
                result = job.run()
            except BaseException as error:  # noqa: BLE001  # whoever waits for it gets it
                job.result.set_exception(error)
            else:
                job.result.set_result(result)
            del job  # the recording is not kept until the next one

    def _next(self) -> _Job | None:
        """The next job; ``None`` once closed."""
        with self._change:
            self._change.wait_for(lambda: self._finals or self._partial or self._closed)
            if self._finals:
                return self._finals.popleft()
            job, self._partial = self._partial, None
            return job


def _give_up(job: _Job, reason: str) -> None:
    """Let whoever waits for a job know that it will not be run."""
    if job.result.set_running_or_notify_cancel():
        job.result.set_exception(TranscriptionFailed(reason))
