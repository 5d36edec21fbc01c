"""What is kept of a batch that a provider has, in a small file beside the output that waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from core.batch.lines import BatchLine
from core.errors import InputError
from core.files import replace_file
from core.identifiers import derived_id

__all__ = ("HandedOver", "fingerprint", "keep", "kept", "refuse_what_is_handed_over", "state_file")

_FINGERPRINT = 32


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A batch that was handed over, or is about to be: then ``batch_id`` is ``None``.

    Attributes:
        source: where its lines came from, for people.
        fingerprint: of these lines; ``None`` in files of earlier versions.
    """

    provider: str
    input_file_id: str
    batch_id: str | None = None
    source: str = ""
    fingerprint: str | None = None


def state_file(output: Path) -> Path:
    """Where it stands which batch an output waits for."""
    return output.with_name(f"{output.name}.batch.json")


def fingerprint(lines: Iterable[BatchLine]) -> str:
    """What tells an input from others: who is asked what, under which names, in which order."""
    return derived_id(
        *(part for line in lines for part in (line.custom_id, line.model, line.digest)), length=_FINGERPRINT
    )


def kept(output: Path) -> HandedOver | None:
    """The batch that an output waits for; ``None`` where it waits for none.

    Raises:
        InputError: the file cannot be used.
    """
    file = state_file(output)
    try:
        return HandedOver(**json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError) as error:
        raise InputError(
            f"{file} cannot be used: {error}.",
            hint="It tells which batch is under way; delete it to hand the lines over anew.",
        ) from None


def keep(output: Path, state: HandedOver) -> None:
    """Write down what an output waits for.

    Raises:
        InputError: it cannot be written.
    """
    file = state_file(output)
    try:
        replace_file(file, json.dumps(asdict(state)))
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error.strerror}.",
            hint="Name an output in a folder that you may write to.",
        ) from None


def refuse_what_is_handed_over(output: Path) -> None:
    """See to it that nothing is asked a second time, at the full price, that a provider has already.

    Raises:
        InputError: the output waits for a batch.
    """
    state = kept(output)
    if state is not None:
        raise InputError(
            f"{output} waits for a batch at {state.provider}: nothing is asked twice.",
            hint="--provider-batch collects it; with --cancel it ends now, and what is done is collected.",
        )
