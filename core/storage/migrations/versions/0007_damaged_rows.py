"""Rows of the ledger that hold what is no number, or no text, are mended and marked as they are written.

SQLite takes any value in any column; PostgreSQL does not, so that there is nothing to do there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
_AMOUNTS = ("cost", "reserved", "cache_saving", "characters")
_SECONDS = (
    *("first_token", "first_content", "duration", "queue_time", "prompt_time", "completion_time"),
    "audio_seconds",
)
_TEXTS = (
    *("session_id", "message_id", "feature", "route", "provider", "model", "reason", "outcome", "writer"),
    *("price_id", "finish_reason", "error", "error_type", "request_id", "role"),
)
_MENDED = {
    **dict.fromkeys(_TOKENS, ("integer", "0")),
    **dict.fromkeys(_AMOUNTS, ("integer", "NULL")),
    **dict.fromkeys(_SECONDS, ("integer real", "NULL")),
    **dict.fromkeys(_TEXTS, ("text", "'(damaged)'")),
    "started_at": ("integer", "CAST(started_at AS INTEGER)"),
    "estimated": ("integer", "1"),
}
"""By column: what it may hold beside nothing, and what takes the place of anything else."""

_KINDS = {"null", "integer", "real", "text", "blob"}

# Which row each trigger of the sums is about.
_SUMMED = {"spend_insert": "NEW", "spend_update_old": "OLD", "spend_update_new": "NEW", "spend_delete": "OLD"}


def upgrade() -> None:
    """Mend what there is, and whatever comes. Tokens that cannot be read make a call an estimate."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(sa.text(f"{_mend()} WHERE NOT {_is_whole('calls')}"))
    for name, row in _SUMMED.items():
        _sum_up_whole_rows_alone(name, row)
    for event in ("INSERT", "UPDATE"):
        op.execute(
            sa.text(
                f"CREATE TRIGGER calls_mend_{event.lower()} AFTER {event} ON calls "
                f"WHEN NOT {_is_whole('NEW')} BEGIN {_mend()} WHERE call_id = NEW.call_id; END"
            )
        )


def _sum_up_whole_rows_alone(trigger: str, row: str) -> None:
    """What is damaged comes into the sums when it is mended, in whichever order triggers fire."""
    query = sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name")
    statement = str(op.get_bind().execute(query, {"name": trigger}).scalar_one())
    op.execute(sa.text(f"DROP TRIGGER {trigger}"))
    ended = f"{row}.outcome <> 'running'"
    op.execute(sa.text(statement.replace(f"WHEN {ended}", f"WHEN {ended} AND {_is_whole(row)}", 1)))


def _mend() -> str:
    columns = {
        name: f"CASE WHEN {_fits('calls', name)} THEN {name} ELSE {mended} END"
        for name, (_, mended) in _MENDED.items()
    }
    counted = " AND ".join(_fits("calls", name) for name in (*_TOKENS, "estimated"))
    columns["estimated"] = f"CASE WHEN {counted} THEN estimated ELSE 1 END"
    return f"UPDATE calls SET {', '.join(f'{name} = {value}' for name, value in columns.items())}"


def _is_whole(row: str) -> str:
    return f"({' AND '.join(_fits(row, name) for name in _MENDED)})"


def _fits(row: str, name: str) -> str:
    """Whether a value is of a right kind; SQLite compares with two kinds, and makes a table of three."""
    right = {*_MENDED[name][0].split(), "null"}
    is_in, kinds = ("IN", right) if len(right) <= 2 else ("NOT IN", _KINDS - right)
    names = ", ".join(f"'{kind}'" for kind in sorted(kinds))
    return f"typeof({row}.{name}) {is_in} ({names})"
