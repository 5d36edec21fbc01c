"""The process that runs llama.cpp: ``python -m core.offline.child``.

Its first line of stdin says what to serve, its one line of stdout where it listens. It ends when stdin is
closed, as it is however the parent ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from typing import Any

__all__ = ("main",)

_NICE = 5
"""Behind the screen and the voice, which share the processors."""
_IDLE = 600
"""Seconds without a question after which the memory is given back; the next one loads the model again."""


def main() -> None:
    """Serve until stdin is closed."""
    wanted = json.loads(sys.stdin.buffer.readline())
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # llama.cpp writes where it likes
    parent = threading.Thread(target=_end_with_parent, daemon=True)
    parent.start()
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(_NICE)
    server = _serve(wanted)
    answer.write(json.dumps({"url": server.listening_address}) + "\n")
    answer.flush()
    parent.join()


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)  # llama.cpp waits for what it is busy with, and nobody wants that any more


def _serve(wanted: dict[str, Any]) -> Any:  # noqa: ANN401 - xllamacpp has no types
    """The server, once the model is loaded."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = wanted["path"]
    params.model_alias = {wanted["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [wanted["key"]]
    params.n_ctx = wanted["window"]
    params.n_parallel = 1
    for processors in (params.cpuparams, params.cpuparams_batch):
        processors.n_threads = wanted["threads"]
        processors.poll = 0  # threads that wait do not spin
    params.sleep_idle_seconds = _IDLE
    params.fit_params = False
    params.warmup = False
    params.endpoint_slots = False
    params.ui = False
    params.verbosity = 0
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
