"""A long answer, and tests of the loop in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from tests.virtual_time import run_in_virtual_time

LONG = (
    "The moon pulls the sea towards itself. The far side bulges as well, which surprises most people. "
    "The sun does the same with half the strength. Together they make the spring tides."
)


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_in_virtual_time(test(*args, **kwargs))

    return run
