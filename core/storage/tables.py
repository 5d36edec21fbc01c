"""The tables. What changes here needs a migration beside it (see ``core.storage.migrations``).

The full-text index ``message_search`` (SQLite's FTS5, rowid = ``messages.number``) is made by the
migration only, since SQLAlchemy has no description for virtual tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from core.storage.types import BIG_INTEGER, Money, StoredText, UtcTime

__all__ = (
    "answer_chunks",
    "budget_notices",
    "call_kinds",
    "calls",
    "gateway_key_version",
    "gateway_keys",
    "imported_sessions",
    "key_spend",
    "kind_spend",
    "messages",
    "metadata",
    "price_rows",
    "quarter_spend",
    "session_spend",
    "sessions",
    "spend",
    "voice_turns",
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("title", StoredText, nullable=False),
    Column("title_source", String(12), nullable=False),
    Column("system_prompt", StoredText),
    Column("model", StoredText),
    Column("leaf_id", String(12)),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index("ix_sessions_updated_at", "updated_at"),
)
"""``leaf_id``: the last message of the branch on screen. ``title_source``: words, model or user."""

messages = Table(
    "messages",
    metadata,
    Column("number", BIG_INTEGER, primary_key=True),
    Column("id", String(12), nullable=False, unique=True),
    Column("session_id", String(12), ForeignKey("sessions.id"), nullable=False),
    Column("parent_id", String(12), ForeignKey("messages.id")),
    Column("role", String(12), nullable=False),
    Column("text", StoredText, nullable=False),
    Column("reasoning", StoredText),
    Column("details", StoredText),
    Column("state", String(12), nullable=False),
    Column("writer", String(12)),
    Column("provider", StoredText),
    Column("model", StoredText),
    Column("finish_reason", String(20)),
    Column("error", StoredText),
    Column("error_type", String(40)),
    Column("created_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("heard", Integer),
    Index("ix_messages_session_id_parent_id", "session_id", "parent_id"),
    Index("ix_messages_parent_id", "parent_id"),
    Index(
        "ix_messages_streaming",
        "writer",
        sqlite_where=text("state = 'streaming'"),
        postgresql_where=text("state = 'streaming'"),
    ),
)
"""A tree a session. ``details`` is JSON of what plain text cannot hold: parts, tool calls, a tool's
call id, a name. ``writer`` is the instance of TensorWall that streams into the row. ``heard``: of an answer
that was cut off while it was read aloud, how many characters of it were heard; null for all."""

answer_chunks = Table(
    "answer_chunks",
    metadata,
    Column("message_id", String(12), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(9), nullable=False),
    Column("text", StoredText, nullable=False),
)
"""What has arrived of an answer that is still streaming; folded into its message at the end.

No foreign key: a late piece for a session deleted meanwhile is no error and goes with the fold."""

calls = Table(
    "calls",
    metadata,
    Column("call_id", String(40), primary_key=True),
    Column("session_id", String(12)),
    Column("message_id", String(12)),
    Column("feature", String(20), nullable=False),
    Column("route", StoredText, nullable=False),
    Column("provider", StoredText, nullable=False),
    Column("model", StoredText, nullable=False),
    Column("reason", StoredText, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("writer", String(12)),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("estimated", Boolean(create_constraint=False), nullable=False),
    Column("cost", Money),
    Column("price_id", StoredText),
    Column("first_token", Float),
    Column("first_content", Float),
    Column("duration", Float),
    Column("queue_time", Float),
    Column("prompt_time", Float),
    Column("completion_time", Float),
    Column("finish_reason", String(20)),
    Column("error", StoredText),
    Column("error_type", String(40)),
    Column("request_id", StoredText),
    Column("role", String(10), nullable=False, server_default="first"),
    Column("reserved", Money),
    Column("cache_saving", Money),
    Column("audio_seconds", Float),
    Column("characters", BigInteger),
    Column("key_id", String(12)),
    Column("client_request_id", StoredText),
    Index("ix_calls_started_at", "started_at"),
    Index("ix_calls_session_id_started_at", "session_id", "started_at"),
    Index("ix_calls_message_id", "message_id"),
    Index(
        "ix_calls_key_id_started_at",
        "key_id",
        "started_at",
        sqlite_where=text("key_id IS NOT NULL"),
        postgresql_where=text("key_id IS NOT NULL"),
    ),
    Index(
        "ix_calls_running",
        "writer",
        sqlite_where=text("outcome = 'running'"),
        postgresql_where=text("outcome = 'running'"),
    ),
)
"""The ledger: one row an upstream call. No foreign keys, since what was spent outlives a deleted
session. ``cost`` is null while a call runs and where the price is unknown. ``reserved``: the most it may
cost, held against the budgets while it runs. ``cache_saving``: what its cached tokens would have cost more.
``role``: why it was made, see ``core.chat.CallRole``. ``key_id``: the gateway's key that it was made with;
``client_request_id``: what that client calls it. Times are in seconds."""

call_kinds = Table(
    "call_kinds",
    metadata,
    Column("id", BIG_INTEGER, primary_key=True),
    *(
        Column(name, StoredText, nullable=False)
        for name in ("feature", "role", "outcome", "route", "provider", "model")
    ),
    Column("has_tokens", Boolean(create_constraint=False), nullable=False),
    Column("key_id", StoredText, nullable=False, server_default=""),
    UniqueConstraint(
        *("feature", "role", "outcome", "route", "provider", "model", "has_tokens", "key_id"),
        name="uq_call_kinds_feature",
    ),
)
"""What calls were like, in words; a few hundred of them, so that ``spend`` need not repeat them. ``key_id``
is the gateway's key, empty for calls without one."""


def _measures() -> Iterator[Column[Any]]:
    """What is summed up, wherever it is."""
    counts = ("calls", "turns", "estimated_calls", "unknown_price_calls")
    tokens = ("prompt_tokens", "completion_tokens", "cached_tokens", "uncached_tokens", "reasoning_tokens")
    money = ("cost", "estimated_cost", "cache_saving")
    others = ("timed_tokens", "generation_time", "audio_time", "characters")
    for name in (*counts, *tokens, *money, *others):
        yield Column(name, Money if name in money else BigInteger, nullable=False)


spend = Table(
    "spend",
    metadata,
    Column("session_id", StoredText, primary_key=True),
    Column("kind_id", BigInteger, primary_key=True, autoincrement=False),
    Column("quarter", BigInteger, primary_key=True, autoincrement=False),
    *_measures(),
    Index("ix_spend_quarter", "quarter"),
    sqlite_with_rowid=False,
)
"""Sums over the calls that have ended, by session, kind (``call_kinds.id``) and the quarter of an hour they
started in (900 s since 1970; no time zone's midnight lies within one). The database's own triggers keep them,
within the transaction that writes a call; nothing here ever writes them. ``session_id`` is empty for calls
outside of sessions. ``turns`` are questions: first calls of ``chat``. ``uncached_tokens`` are those of
prompts that were paid in full. Times are in microseconds; ``timed_tokens`` are those that were generated in
``generation_time``.

The key begins with what most groups are made of, so that sessions need no sorting."""

quarter_spend = Table(
    "quarter_spend",
    metadata,
    Column("quarter", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("cost", Money, nullable=False),
)
"""The cost of all calls that started in a quarter of an hour, kept as ``spend`` is: what budgets of days,
weeks and months are read from before every call."""

session_spend = Table(
    "session_spend",
    metadata,
    Column("session_id", StoredText, primary_key=True),
    Column("kind_id", BigInteger, primary_key=True, autoincrement=False),
    Column("first_quarter", BigInteger, nullable=False),
    Column("last_quarter", BigInteger, nullable=False),
    *_measures(),
    sqlite_with_rowid=False,
)
"""``spend`` without its quarters but for the first and the last: half as many rows, for sessions of all time.
Triggers on ``spend`` keep it."""

kind_spend = Table(
    "kind_spend",
    metadata,
    Column("six_hours", BigInteger, primary_key=True, autoincrement=False),
    Column("kind_id", BigInteger, primary_key=True, autoincrement=False),
    *_measures(),
    sqlite_with_rowid=False,
)
"""``spend`` without its sessions, by six hours since 1970 (24 quarters): a quarter as many rows. Triggers on
``spend`` keep it."""

key_spend = Table(
    "key_spend",
    metadata,
    Column("key_id", String(12), primary_key=True),
    Column("quarter", BigInteger, primary_key=True, autoincrement=False),
    Column("calls", BigInteger, nullable=False),
    Column("unknown_price_calls", BigInteger, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", Money, nullable=False),
    Column("estimated_cost", Money, nullable=False),
    sqlite_with_rowid=False,
)
"""Sums over the calls of each of the gateway's keys, by the quarter of an hour they started in, kept as
``spend`` is: what a key's budgets are read from."""

gateway_keys = Table(
    "gateway_keys",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", StoredText, nullable=False),
    Column("prefix", String(11), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("previous_prefix", String(11)),
    Column("previous_hash", String(64)),
    Column("previous_until", UtcTime),
    Column("models", StoredText),
    Column("endpoints", StoredText),
    Column("budget_day", Money),
    Column("budget_week", Money),
    Column("budget_month", Money),
    Column("budget_total", Money),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
)
"""The gateway's keys, see ``core.keys``; of their secrets there are hashes alone. ``models`` and
``endpoints`` are names with spaces between; null allows all. Triggers keep rows from being deleted, since
``calls`` refers to them."""

gateway_key_version = Table(
    "gateway_key_version",
    metadata,
    Column("version", BigInteger, nullable=False),
)
"""One row, which triggers count up at every change of ``gateway_keys``: whoever holds keys in memory sees by
it that they are not the ones in force."""

price_rows = Table(
    "price_rows",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("provider", StoredText, nullable=False),
    Column("model", StoredText, nullable=False),
    Column("rates", StoredText, nullable=False),
    Column("source", StoredText, nullable=False),
    Column("valid_from", String(10)),
)
"""Every price that a call was booked with, as it was then; ``rates`` is JSON."""

imported_sessions = Table(
    "imported_sessions",
    metadata,
    Column("session_id", String(12), primary_key=True),
    Column("source", String(12), nullable=False),
    Column("title", StoredText, nullable=False),
)
"""Names of sessions whose usage came from another program; their messages did not."""

budget_notices = Table(
    "budget_notices",
    metadata,
    Column("budget", String(40), primary_key=True),
    Column("period", String(40), primary_key=True),
    Column("told_at", UtcTime, nullable=False),
)
"""Soft limits that were told to be passed, so that each is told once: which budget, and in which period of it
(a session's id, or the day it begins)."""

voice_turns = Table(
    "voice_turns",
    metadata,
    Column("number", BIG_INTEGER, primary_key=True),
    Column("session_id", String(12), nullable=False),
    Column("message_id", String(12), nullable=False),
    Column("happened_at", UtcTime, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("endpoint", Float),
    Column("transcript", Float),
    Column("first_token", Float),
    Column("first_audio", Float),
    Column("total", Float),
    Column("speculated", Integer, nullable=False),
    Column("discarded", Integer, nullable=False),
    Column("speculation_cost", Money),
    Index("ix_voice_turns_session_id", "session_id"),
    Index("ix_voice_turns_happened_at", "happened_at"),
)
"""What spoken turns took: one row each, by the answer's message. As ``calls``, without foreign keys.
Times are in seconds, null where a part did not happen; the cost is null where a price is unknown."""
