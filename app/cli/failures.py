"""How failures are told: one line and a hint on stderr, and the exit status the design fixes."""

from __future__ import annotations

from collections.abc import Iterable

from app.cli.output import complain
from core.errors import (
    AllRoutesFailed,
    AuthenticationFailed,
    BudgetExceeded,
    ConfigurationError,
    CredentialsError,
    InputError,
    ProviderError,
    TensorWallError,
    UnknownRoute,
)

__all__ = ("FAILED", "INTERRUPTED", "READER_GONE", "TERMINATED", "exit_status", "one_line", "report")

FAILED = 1
USAGE = 2
REFUSED_BY_BUDGET = 3
NO_KEY = 4
INTERRUPTED = 130
"""128 + SIGINT, as a shell reports a command that Ctrl-C ended."""
TERMINATED = 143
"""128 + SIGTERM."""
READER_GONE = 141
"""128 + SIGPIPE, as a shell reports a writer whose reader (``| head``) went away."""


def exit_status(error: BaseException) -> int:
    """The command's exit status for ``error``."""
    match error:
        case AllRoutesFailed(causes=causes) if causes and all(
            isinstance(cause, CredentialsError | AuthenticationFailed) for cause in causes
        ):
            return NO_KEY
        case CredentialsError() | AuthenticationFailed():
            return NO_KEY
        case BudgetExceeded():
            return REFUSED_BY_BUDGET
        case InputError() | ConfigurationError() | UnknownRoute():
            return USAGE
    return FAILED


def one_line(text: str) -> str:
    """``text`` without line breaks and secrets."""
    from core.credentials import redact

    return redact(" ".join(text.split()))


def report(error: BaseException) -> None:
    """Tell the user what happened and, on a line of its own, what to do about it."""
    if not isinstance(error, TensorWallError):
        complain(
            one_line(f"internal error: {type(error).__name__}: {error}"),
            hint="Run it again as `tensorwall --debug …` for the traceback; please report it.",
        )
        return
    hint = error.hint
    if exit_status(error) == NO_KEY and "login" not in hint:
        hint = f"{hint} `tensorwall login` checks and stores a key; `--demo` needs none.".lstrip()
    whole = str(error)
    complain(one_line(whole.removesuffix(error.hint)), hint=one_line(hint))
    if isinstance(error, AllRoutesFailed):
        _list(error.causes)


def _list(causes: Iterable[ProviderError | CredentialsError | BudgetExceeded]) -> None:
    """A line for each failure that differs; several tries that met the same need none."""
    lines = dict.fromkeys(_with_source(cause) for cause in causes)
    if len(lines) > 1:
        for line in lines:
            complain(line, label="  ")


def _with_source(cause: ProviderError | CredentialsError | BudgetExceeded) -> str:
    source = getattr(cause, "provider", "")
    return one_line(f"{source}: {cause}" if source else str(cause))
