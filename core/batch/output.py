"""The answers of a batch, a line each: OpenAI's output format, and all there is to go on from after a kill.

A line is handed to the system in one write as soon as its answer is there, so that the end of this process
loses none; what the system has is made to reach the disk once a second. A line that was cut in the midst is
cut off when the file is opened again, and what it answered is asked again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pydantic_core import to_json

from core.errors import InputError, TensorWallError
from core.files import replace_file, try_lock
from core.identifiers import new_id

if TYPE_CHECKING:
    from core.batch.lines import BatchLine

__all__ = ("BatchOutput", "OutputLine", "open_output")

_FSYNC_SECONDS = 1.0
_OPENING = b'{"id":"batch_req_'
"""How each of our lines begins; what else a file ends in is somebody's own."""
_OURS = re.compile(r"batch_req_[0-9a-z]+_([0-9a-z]+)")
"""An ``id`` that tells which request the line answers."""
_NO_SUCH_THING = (errno.EINVAL, errno.ENOTSUP)  # of a file system that keeps nothing
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class OutputLine:
    """What came of one line.

    Attributes:
        custom_id: the input line's.
        status_code: the provider's; ``None`` where it never answered.
        request_id: the provider's id of the call, or the ledger's.
        body: the provider's answer, or its error as ``{"error": …}``.
        error: ``{"code": …, "message": …}`` where the provider never answered.
        digest: the ``BatchLine.digest`` of the request; part of the line's ``id``.
    """

    custom_id: str
    status_code: int | None = None
    request_id: str | None = None
    body: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    digest: str | None = None

    @property
    def failed(self) -> bool:
        """Whether there is an error in place of an answer."""
        return self.error is not None or self.status_code is None or self.status_code >= 400

    def encoded(self) -> bytes:
        """The line as it stands in the file."""
        response = None
        if self.status_code is not None:
            response = {"status_code": self.status_code, "request_id": self.request_id, "body": self.body}
        entry = {
            "id": f"batch_req_{new_id()}" + (f"_{self.digest}" if self.digest else ""),
            "custom_id": self.custom_id,
            "response": response,
            "error": self.error,
        }
        return to_json(entry) + b"\n"

    @classmethod
    def parse(cls, raw: bytes) -> OutputLine:
        """Read a line, ours or a provider's.

        Raises:
            ValueError: it is none.
        """
        try:
            entry = json.loads(raw)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        custom_id = entry.get("custom_id") if isinstance(entry, dict) else None
        if not isinstance(custom_id, str) or not ("response" in entry or "error" in entry):
            raise ValueError("not a line of a batch's output")
        response = entry.get("response") if isinstance(entry.get("response"), dict) else {}
        error = entry.get("error")
        if error is not None and not isinstance(error, dict):
            error = {"code": None, "message": str(error)}
        status = response.get("status_code")
        body = response.get("body")
        ours = _OURS.fullmatch(str(entry.get("id")))
        return cls(
            custom_id,
            status if type(status) is int else None,
            response.get("request_id") if isinstance(response.get("request_id"), str) else None,
            body if isinstance(body, dict) else None,
            error,
            ours[1] if ours else None,
        )


class BatchOutput:
    """An output file that is open for more lines.

    Attributes:
        path: the file.
        done: the ``custom_id`` of each line in it, and whether it failed.
        digests: the ``custom_id`` of each line that tells which request it answers, and that.
    """

    def __init__(
        self,
        path: Path,
        file: IO[bytes],
        done: dict[str, bool],
        digests: dict[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.done = done
        self.digests = digests
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._clock = clock
        self._reached_disk = clock()

    def add(self, line: OutputLine) -> None:
        """Append a line; it is there, whole, when this returns.

        Raises:
            TensorWallError: it cannot be written; the file ends in the line before.
        """
        data = memoryview(line.encoded())
        try:
            left = data
            while left:
                left = left[self._file.write(left) :]
            if self._clock() - self._reached_disk >= _FSYNC_SECONDS:
                self.sync()
        except OSError as error:
            with contextlib.suppress(OSError):  # what is left of it is cut off by the next run
                os.ftruncate(self._file.fileno(), self._size)
            raise _unwritable(self.path, error) from None
        self._size += len(data)
        self.done[line.custom_id] = line.failed
        if line.digest is not None:
            self.digests[line.custom_id] = line.digest

    def check(self, lines: Iterable[BatchLine]) -> None:
        """See to it that no answer to another question counts as one to these.

        Raises:
            InputError: a line asks something else than what the answer under its name was asked.
        """
        others = [line for line in lines if self.digests.get(line.custom_id, line.digest) != line.digest]
        if not others:
            return
        first = others[0]
        hint = "Name another output, or give the lines names of their own."
        if all(self.done[line.custom_id] for line in others):
            hint = "They failed there: --retry-failed asks them as they are now."
        raise InputError(
            f"{self.path} has answers to other questions under the names of {len(others):,} of these "
            f"lines, the first of them line {first.number}, {first.custom_id!r}.",
            hint=hint,
        )

    def sync(self) -> None:
        """Have what was written reach the disk.

        Raises:
            OSError: it does not.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            if error.errno not in _NO_SUCH_THING:
                raise
        self._reached_disk = self._clock()


@contextmanager
def open_output(path: Path, *, forget_failed: bool = False) -> Iterator[BatchOutput]:
    """Open an output file, new or with the lines of an earlier run, for this process alone.

    Args:
        path: the file; ``done`` tells what stands in it.
        forget_failed: take the lines that failed out of it first.

    Raises:
        InputError: it holds something else, or another run writes it, or it cannot be opened.
        TensorWallError: at the end, where what was written does not reach the disk.
    """
    with ExitStack() as files:
        file = files.enter_context(_locked(path))
        done, digests, whole = _read(path, file)
        os.ftruncate(file.fileno(), whole)
        if forget_failed and any(done.values()):
            _forget_failed(path, file)
            file = files.enter_context(_locked(path))
            done, digests, _ = _read(path, file)
        output = BatchOutput(path, file, done, digests)
        yield output
        try:
            output.sync()
        except OSError as error:
            raise _unwritable(path, error) from None


def _locked(path: Path) -> IO[bytes]:
    if path.exists() and not path.is_file():
        raise InputError(
            f"{path} is no file.", hint="Name one: a batch goes on from what stands in its output."
        )
    try:
        file = path.open("ab+", buffering=0)
    except FileNotFoundError:
        raise InputError(f"There is no folder {path.parent}.", hint="Make it, or name another.") from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}.",
            hint="Name a file in a folder that you may write to.",
        ) from None
    if not try_lock(file.fileno()):
        file.close()
        raise InputError(f"Another run writes {path}.", hint="Wait until it has ended, or name another file.")
    return file


def _read(path: Path, file: IO[bytes]) -> tuple[dict[str, bool], dict[str, str], int]:
    """``done`` and ``digests`` of the lines that are whole, and where these end.

    A last one that lacks nothing but its end gets it.
    """
    done: dict[str, bool] = {}
    digests: dict[str, str] = {}
    whole = 0
    for number, raw in enumerate(_lines(file), 1):
        try:
            line = OutputLine.parse(raw)
        except ValueError:
            if raw.endswith(b"\n") or not (raw.startswith(_OPENING) or _OPENING.startswith(raw)):
                raise InputError(
                    f"{path}, line {number}, is no line of a batch's output.",
                    hint="Name another file: this one stays as it is.",
                ) from None
            return done, digests, whole
        done[line.custom_id] = line.failed
        if line.digest is not None:
            digests[line.custom_id] = line.digest
        whole += len(raw)
        if not raw.endswith(b"\n"):  # as an editor left it
            file.write(b"\n")
            whole += 1
    return done, digests, whole


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    with open(file.fileno(), "rb", closefd=False) as lines:
        lines.seek(0)
        yield from lines


def _forget_failed(path: Path, file: IO[bytes]) -> None:
    """Rewrite the file without the lines that failed, in one step."""
    kept = [raw.decode() for raw in _lines(file) if not OutputLine.parse(raw).failed]
    replace_file(path, "".join(kept), keep_mode=True)


def _unwritable(path: Path, error: OSError) -> TensorWallError:
    hint = "The lines before it are whole: the same command goes on from there."
    if error.errno in _FULL:
        hint = f"Make room. {hint}"
    return TensorWallError(f"{path} cannot be written: {error.strerror}.", hint=hint)
