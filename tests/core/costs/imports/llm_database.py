"""Databases as versions of ``llm`` make them, with the tables and columns that usage is read from."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

RESPONSES = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (
    id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
    response TEXT, response_json TEXT, conversation_id TEXT REFERENCES conversations(id),
    duration_ms INTEGER, datetime_utc TEXT
);
"""
"""0.13 to 0.18: no token counts."""
TOKENS = """
ALTER TABLE responses ADD COLUMN input_tokens INTEGER;
ALTER TABLE responses ADD COLUMN output_tokens INTEGER;
ALTER TABLE responses ADD COLUMN token_details TEXT;
"""
"""0.19."""
RESOLVED = "ALTER TABLE responses ADD COLUMN resolved_model TEXT;"
"""0.26."""
TURNS = """
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
CREATE TABLE parts (
    id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT, text TEXT,
    payload TEXT
);
CREATE TABLE threads (
    id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT, datetime_utc TEXT
);
CREATE TABLE turns (
    id TEXT PRIMARY KEY, thread_id TEXT REFERENCES threads(id), parent_message_hash TEXT,
    tip_message_hash TEXT, model TEXT, resolved_model TEXT, options_json TEXT, schema_id TEXT,
    input_tokens INTEGER, output_tokens INTEGER, token_details TEXT, duration_ms INTEGER,
    datetime_utc TEXT, response_json TEXT
);
CREATE TABLE turn_search (
    id INTEGER PRIMARY KEY, turn_id TEXT REFERENCES turns(id), prompt TEXT, response TEXT
);
CREATE UNIQUE INDEX idx_turn_search_turn_id ON turn_search (turn_id);
"""
"""0.32: messages are stored by their content."""

VERSIONS = {
    "0.19": RESPONSES + TOKENS,
    "0.26": RESPONSES + TOKENS + RESOLVED,
    "0.32": RESPONSES + TOKENS + RESOLVED + TURNS,
}


class LlmDatabase:
    """A logs.db that calls can be added to, as ``llm`` of that version does."""

    def __init__(self, path: Path, version: str = "0.32") -> None:
        self.path = path
        self.connection = sqlite3.connect(path)
        self.connection.executescript(VERSIONS[version])
        self._turns = version == "0.32"

    def converse(self, conversation: str, name: str | None) -> None:
        table = "threads" if self._turns else "conversations"
        self._insert(table, id=conversation, name=name)

    def call(self, id_: str, *, prompt: str = "Why?", details: Any = None, **values: Any) -> None:
        """A call; ``conversation`` is the id of one."""
        conversation = values.pop("conversation", None)
        row = {
            "model": "groq/openai/gpt-oss-120b",
            "datetime_utc": "2026-11-20T10:00:00.123456",
            "duration_ms": 1500,
            "input_tokens": 1_000,
            "output_tokens": 200,
            "token_details": None if details is None else json.dumps(details),
            **values,
        }
        if self._turns:
            self._insert("turns", id=id_, thread_id=conversation, **row)
            self._insert("turn_search", turn_id=id_, prompt=prompt)
        else:
            self._insert("responses", id=id_, conversation_id=conversation, prompt=prompt, **row)

    def response(self, id_: str, **values: Any) -> None:
        """A call where older versions kept it."""
        self._insert("responses", id=id_, **values)

    def _insert(self, table: str, **values: Any) -> None:
        names, places = ", ".join(values), ", ".join("?" * len(values))
        with self.connection:
            self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(values.values()))

    def close(self) -> None:
        self.connection.close()
