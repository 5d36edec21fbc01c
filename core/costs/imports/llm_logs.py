"""The usage history of the ``llm`` command (https://llm.datasette.io/): its logs.db.

Since 0.19 it counts tokens, in ``responses``; since 0.32 new calls are in ``turns`` alone, and what was
copied there from ``responses`` has the same id in both. Times are UTC.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from core.chat import Usage
from core.costs.fields import named, past_moment, whole_number
from core.costs.imports.usage_history import ImportedCall, ImportKind, SkippedRow, session_title
from core.errors import InputError

__all__ = ("LlmLogs",)

_PAGE = 1_000
_BUSY_TIMEOUT = 5.0
"""Seconds to wait while ``llm`` writes."""
_MAGIC = b"SQLite format 3\0"
_NEEDED = {"id", "model", "input_tokens", "output_tokens", "token_details", "duration_ms", "datetime_utc"}
_PROMPT_START = 500

# Read page by page: a statement that stays open would keep llm from writing.
_TURNS = """
    SELECT turns.rowid, turns.id, turns.model, turns.resolved_model, turns.input_tokens, turns.output_tokens,
           turns.token_details, turns.duration_ms, turns.datetime_utc, turns.thread_id AS conversation,
           COALESCE(NULLIF(threads.name, ''), substr(turn_search.prompt, 1, :start), '') AS title
    FROM turns LEFT JOIN threads ON threads.id = turns.thread_id
         LEFT JOIN turn_search ON turn_search.turn_id = turns.id
    WHERE turns.rowid > :after ORDER BY turns.rowid LIMIT :page
"""
_RESPONSES = """
    SELECT responses.rowid, responses.id, responses.model, {resolved} AS resolved_model,
           responses.input_tokens, responses.output_tokens, responses.token_details, responses.duration_ms,
           responses.datetime_utc, responses.conversation_id AS conversation,
           COALESCE(NULLIF(conversations.name, ''), substr(responses.prompt, 1, :start), '') AS title
    FROM responses LEFT JOIN conversations ON conversations.id = responses.conversation_id
    WHERE responses.rowid > :after ORDER BY responses.rowid LIMIT :page
"""


class LlmLogs:
    """A logs.db that is open for reading alone; a ``UsageHistory``. ``llm`` may write to it meanwhile.

    Args:
        path: the file.
        now: what starts later is skipped.

    Raises:
        InputError: it is no such database, of a version that is not known here, damaged or locked.
    """

    kind: ImportKind = "llm"

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        self._now = now
        with self._translated():
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_TIMEOUT
            )
            self._connection.row_factory = sqlite3.Row
            try:
                self._queries = self._readable()
                self._rows = sum(self._count(table) for table in self._queries)
            except BaseException:
                self._connection.close()
                raise

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether the file is an SQLite database.

        Raises:
            OSError: it cannot be read.
        """
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC

    def rows(self, read: int) -> int:
        """See ``UsageHistory``; exact but for what is added meanwhile."""
        return max(self._rows, read)

    def __iter__(self) -> Iterator[ImportedCall | SkippedRow]:
        for table, query in self._queries.items():
            after = 0
            while page := self._page(query, after):
                for row in page:
                    yield _call(table, row, self._now)
                after = page[-1]["rowid"]

    def close(self) -> None:
        """Close it; safe to call twice."""
        self._connection.close()

    def _readable(self) -> dict[str, str]:
        """The query for each table that has calls; all of them, or none: half of the usage would mislead."""
        columns = {table: self._columns(table) for table in ("turns", "responses")}
        queries = {}
        if columns["turns"] >= _NEEDED | {"resolved_model", "thread_id"} and self._columns("turn_search"):
            queries["turns"] = _TURNS
        if columns["responses"] >= _NEEDED | {"prompt", "conversation_id"}:
            resolved = "responses.resolved_model" if "resolved_model" in columns["responses"] else "NULL"
            queries["responses"] = _RESPONSES.format(resolved=resolved)
        unknown_turns = columns["turns"] and "turns" not in queries
        if not queries or unknown_turns or self._counting_tables() - queries.keys():
            raise self._unreadable(of_llm=any(columns.values()))
        return queries

    def _unreadable(self, *, of_llm: bool) -> InputError:
        if not of_llm:
            return InputError(
                f"{self._path} is a database, but not the history of llm.",
                hint="Give the file that `llm logs path` names, or spend logs of LiteLLM as JSON or CSV.",
            )
        return InputError(
            f"{self._path} is from a version of llm whose token counts cannot be read here.",
            hint="llm counts tokens since 0.19: run `llm logs` of a newer one once to bring the file up to "
            "date. If it is newer than this TensorWall, update TensorWall.",
        )

    def _columns(self, table: str) -> set[str]:
        names = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        return {row["name"] for row in names}

    def _counting_tables(self) -> set[str]:
        names = self._connection.execute(
            "SELECT tables.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns "
            "WHERE tables.type = 'table' AND columns.name = 'input_tokens'"
        )
        return {row["name"] for row in names}

    def _count(self, table: str) -> int:
        (count,) = self._connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()  # noqa: S608  # a constant
        return int(count)

    def _page(self, query: str, after: int) -> list[sqlite3.Row]:
        with self._translated():
            values = {"after": after, "page": _PAGE, "start": _PROMPT_START}
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise InputError(
                    f"{self._path} is locked by another program.",
                    hint="Wait until llm is done, or close what has the file open, and try again.",
                ) from error
            raise InputError(
                f"{self._path} cannot be read as a database: {error}.",
                hint="It may be damaged: `sqlite3 FILE .recover` saves what is left of it into a new one.",
            ) from error


def _call(table: str, row: sqlite3.Row, now: datetime) -> ImportedCall | SkippedRow:
    try:
        return _readable_call(row, now)
    except ValueError as error:
        return SkippedRow(f"row {row['rowid']} of {table}", str(error))


def _readable_call(row: sqlite3.Row, now: datetime) -> ImportedCall:
    """Raises ``ValueError`` with the reason why a row is skipped."""
    name = row["model"]
    if not row["id"] or not name:
        raise ValueError("no id or no model")
    if bytes in (type(row["id"]), type(name)):
        raise ValueError("the id or the model is no text")
    started_at = named(partial(past_moment, now=now), "datetime_utc", row["datetime_utc"])
    milliseconds = named(whole_number, "duration_ms", row["duration_ms"])
    conversation = row["conversation"]
    return ImportedCall(
        source_id=str(row["id"]),
        name=str(name),
        provider="",
        model=str(row["resolved_model"] or ""),
        started_at=started_at,
        usage=_usage(row),
        session=None if conversation is None else str(conversation),
        title=session_title(str(row["title"])),
        duration=None if milliseconds is None else milliseconds / 1000,
    )


def _usage(row: sqlite3.Row) -> Usage:
    prompt = named(whole_number, "input_tokens", row["input_tokens"])
    completion = named(whole_number, "output_tokens", row["output_tokens"])
    if prompt is None and completion is None:
        raise ValueError("no token counts")
    details = _details(row["token_details"])
    # Anthropic counts what its cache read and wrote beside the input, everyone else within it.
    apart = _detail(details, "cache_read_input_tokens")
    prompt = (prompt or 0) + apart + _detail(details, "cache_creation_input_tokens")
    cached = apart or max(
        _detail(details, "prompt_tokens_details", "cached_tokens"),
        _detail(details, "input_tokens_details", "cached_tokens"),
        _detail(details, "cachedContentTokenCount"),
    )
    reasoning = max(
        _detail(details, "completion_tokens_details", "reasoning_tokens"),
        _detail(details, "output_tokens_details", "reasoning_tokens"),
    )
    completion = completion or 0
    return Usage(prompt, completion, min(cached, prompt), min(reasoning, completion))


def _details(text: object) -> Mapping[str, Any]:
    """What a plugin tells of the tokens beyond their number; nothing where that cannot be read."""
    try:
        details = json.loads(str(text)) if text else {}
    except (ValueError, RecursionError):
        return {}
    return details if isinstance(details, dict) else {}


def _detail(details: Mapping[str, Any], *path: str) -> int:
    found: Any = details
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, int) and found > 0 else 0
