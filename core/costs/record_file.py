"""CSV and JSON files of records, read one by one in bounded memory, each with its place."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from core.costs.json_text import JsonText, json_records
from core.errors import InputError

__all__ = ("Record", "RecordFile")

_LONGEST_CELL = 1 << 24
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        place: where it is: its line, and in JSON, which may be one line, its number; both from 1.
        fields: its values by name; texts from CSV, anything from JSON.
        problem: what is wrong with it as a whole; empty where nothing is.
    """

    place: str
    fields: Mapping[str, Any]
    problem: str = ""


class RecordFile:
    """A file of records that is open; iterating reads on.

    It is JSON (a list, JSON lines, or an object that has the records in a list) or CSV with a line of
    names, separated by commas, semicolons or tabs; in UTF-8, or UTF-16 with a byte order mark.

    Args:
        path: the file.
        lists: what an object may call its list of records.
        content: its bytes where there is no such file, as of stdin; it can be rewound. It is closed, too.

    Raises:
        InputError: it cannot be opened or read, or is neither; names the line.
    """

    def __init__(self, path: Path, lists: Collection[str], content: IO[bytes] | None = None) -> None:
        self.path = path
        self._lists = lists
        try:
            self._bytes = content or path.open("rb")
            self._size = self._bytes.seek(0, io.SEEK_END)
            self._bytes.seek(0)
            mark = self._bytes.read(2)
            self._bytes.seek(0)
        except OSError as error:
            raise InputError(
                f"{path} cannot be read: {error.strerror or error}.",
                hint="Check the path and that the file is yours to read.",
            ) from error
        utf_16 = mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        self._encoding = "UTF-16" if utf_16 else "UTF-8"
        self._text = io.TextIOWrapper(self._bytes, "UTF-16" if utf_16 else "utf-8-sig", newline="")

    @property
    def share_read(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return min(self._bytes.tell() / self._size, 1.0) if self._size else 1.0

    def __iter__(self) -> Iterator[Record]:
        try:
            yield from self._json() if self._starts_as_json() else self._csv()
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self.path} is no text in {self._encoding} (there is a byte "
                f"{error.object[error.start]:#04x}).",
                hint="Give a CSV or JSON file in UTF-8.",
            ) from error

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._text.close()

    def _starts_as_json(self) -> bool:
        start = self._text.read(1024).lstrip()
        self._text.seek(0)
        return start[:1] in {"{", "["}

    def _json(self) -> Iterator[Record]:
        text = JsonText(self._text.read, str(self.path))
        for line, value in json_records(text, self._lists):
            place = f"line {line}, record {text.records}"
            if isinstance(value, dict):
                yield Record(place, value)
            else:
                yield Record(place, {}, "not an object")

    def _csv(self) -> Iterator[Record]:
        csv.field_size_limit(_LONGEST_CELL)
        head = self._text.readline(_LONGEST_CELL)
        self._text.seek(0)
        rows = csv.reader(self._text, delimiter=max(_DELIMITERS, key=head.count), strict=True)
        line = 1
        try:
            names = [name.strip() for name in next(rows, ())]
            line = rows.line_num + 1
            for cells in rows:
                if cells:
                    yield _csv_record(line, names, cells)
                line = rows.line_num + 1
        except csv.Error as error:
            raise InputError(
                f"{self.path}, line {line}: this is no CSV ({error}).",
                hint="The file may be cut off or half written: export it again.",
            ) from error


def _csv_record(line: int, names: list[str], cells: list[str]) -> Record:
    if len(cells) == len(names):
        return Record(f"line {line}", dict(zip(names, cells, strict=True)))
    fields = dict.fromkeys(names) | dict(zip(names, cells, strict=False))
    return Record(f"line {line}", fields, "not as many cells as there are columns")
