"""What the cost review needs: roles, reservations, price rows, and sums that the database keeps itself.

``spend`` holds the sums of ``calls`` by quarter of an hour and everything they are grouped by. Triggers keep
it in the transaction that writes the call, whoever writes it, so that it cannot differ from its rows.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = ("quarter", "session_id", "feature", "role", "outcome", "route", "provider", "model")
# ``row`` is calls, or the trigger's NEW or OLD.
_GENERATION = "COALESCE({row}.completion_time, {row}.duration - COALESCE({row}.first_token, 0), 0)"
_TIMED = f"{{row}}.completion_tokens > 0 AND {_GENERATION} > 0"
_KEY_OF = {
    "quarter": "{row}.started_at / 900000000",
    "session_id": "COALESCE({row}.session_id, '')",
    **{name: f"{{row}}.{name}" for name in _KEY[2:]},
}
_MEASURES_OF = {
    "calls": "1",
    "estimated_calls": "CASE WHEN {row}.estimated THEN 1 ELSE 0 END",
    "unknown_price_calls": "CASE WHEN {row}.cost IS NULL THEN 1 ELSE 0 END",
    "prompt_tokens": "{row}.prompt_tokens",
    "completion_tokens": "{row}.completion_tokens",
    "cached_tokens": "{row}.cached_tokens",
    "reasoning_tokens": "{row}.reasoning_tokens",
    "cost": "COALESCE({row}.cost, 0)",
    "estimated_cost": "CASE WHEN {row}.estimated THEN COALESCE({row}.cost, 0) ELSE 0 END",
    "cache_saving": "COALESCE({row}.cache_saving, 0)",
    "timed_tokens": f"CASE WHEN {_TIMED} THEN {{row}}.completion_tokens ELSE 0 END",
    "generation_time": f"CASE WHEN {_TIMED} THEN CAST(ROUND({_GENERATION} * 1000000) AS BIGINT) ELSE 0 END",
    "audio_time": "CAST(ROUND(COALESCE({row}.audio_seconds, 0) * 1000000) AS BIGINT)",
    "characters": "COALESCE({row}.characters, 0)",
}


def upgrade() -> None:
    """Widen the ledger, add the tables beside it, and sum up what there is."""
    _widen_calls()
    _price_rows()
    _spend()
    _imported_sessions()
    _budget_notices()
    if op.get_bind().dialect.name == "sqlite":
        for statement in _sqlite_triggers():
            op.execute(sa.text(statement))
    else:
        for statement in _postgresql_triggers():
            op.execute(sa.text(statement))


def _widen_calls() -> None:
    op.add_column("calls", sa.Column("role", sa.String(10), nullable=False, server_default="first"))
    op.add_column("calls", sa.Column("reserved", sa.BigInteger))
    op.add_column("calls", sa.Column("cache_saving", sa.BigInteger))
    op.add_column("calls", sa.Column("audio_seconds", sa.Float))
    op.add_column("calls", sa.Column("characters", sa.BigInteger))
    # What a call was is in its reason, or in that another call for the same answer came before.
    op.execute(
        sa.text("""
        UPDATE calls SET role = CASE WHEN reason LIKE 'once more: %' THEN 'retry' ELSE 'fallback' END
        WHERE reason LIKE 'once more: %' OR EXISTS (
            SELECT 1 FROM calls AS earlier
            WHERE earlier.message_id = calls.message_id AND earlier.feature = calls.feature
              AND earlier.started_at < calls.started_at
        )
        """)
    )


def _price_rows() -> None:
    op.create_table(
        "price_rows",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("rates", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("valid_from", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_price_rows"),
    )


def _spend() -> None:
    op.create_table(
        "spend",
        sa.Column("quarter", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _KEY[1:]),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _MEASURES_OF),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_spend"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_spend_session_id", "spend", ["session_id"])
    values = ", ".join(
        [*(_KEY_OF[name] for name in _KEY), *(f"SUM({measure})" for measure in _MEASURES_OF.values())]
    )
    op.execute(
        sa.text(
            f"INSERT INTO spend ({', '.join([*_KEY, *_MEASURES_OF])}) "
            f"SELECT {values} FROM calls WHERE calls.outcome <> 'running' "
            f"GROUP BY {', '.join(_KEY_OF[name] for name in _KEY)}".format(row="calls")
        )
    )


def _imported_sessions() -> None:
    op.create_table(
        "imported_sessions",
        sa.Column("session_id", sa.String(12), nullable=False),
        sa.Column("source", sa.String(12), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_imported_sessions"),
    )


def _budget_notices() -> None:
    op.create_table(
        "budget_notices",
        sa.Column("budget", sa.String(40), nullable=False),
        sa.Column("period", sa.String(40), nullable=False),
        sa.Column("told_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("budget", "period", name="pk_budget_notices"),
    )


def _sqlite_triggers() -> Iterator[str]:
    add = f"WHEN NEW.outcome <> 'running' BEGIN {_add('NEW', '+')}; END"
    subtract = f"WHEN OLD.outcome <> 'running' BEGIN {_add('OLD', '-')}; {_sweep('OLD')}; END"
    yield f"CREATE TRIGGER spend_insert AFTER INSERT ON calls {add}"
    yield f"CREATE TRIGGER spend_update_old AFTER UPDATE ON calls {subtract}"
    yield f"CREATE TRIGGER spend_update_new AFTER UPDATE ON calls {add}"
    yield f"CREATE TRIGGER spend_delete AFTER DELETE ON calls {subtract}"


def _postgresql_triggers() -> Iterator[str]:
    yield f"""
        CREATE FUNCTION sum_up_spend() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' AND OLD.outcome <> 'running' THEN
                {_add("OLD", "-")}; {_sweep("OLD")};
            END IF;
            IF TG_OP <> 'DELETE' AND NEW.outcome <> 'running' THEN
                {_add("NEW", "+")};
            END IF;
            RETURN NULL;
        END $$"""
    yield (
        "CREATE TRIGGER spend_sums AFTER INSERT OR UPDATE OR DELETE ON calls "
        "FOR EACH ROW EXECUTE FUNCTION sum_up_spend()"
    )


def _add(row: str, sign: str) -> str:
    """Add a call to its sums, or take it out of them."""
    values = [*(_KEY_OF[name] for name in _KEY), *(f"{sign}({value})" for value in _MEASURES_OF.values())]
    sums = ", ".join(f"{name} = spend.{name} + excluded.{name}" for name in _MEASURES_OF)
    return (
        f"INSERT INTO spend ({', '.join([*_KEY, *_MEASURES_OF])}) VALUES ({', '.join(values)}) "
        f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {sums}"
    ).format(row=row)


def _sweep(row: str) -> str:
    """Leave no sums of nothing."""
    same = " AND ".join(f"spend.{name} = {_KEY_OF[name]}" for name in _KEY)
    return f"DELETE FROM spend WHERE {same} AND spend.calls = 0".format(row=row)
