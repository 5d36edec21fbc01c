"""What the cost review needs: roles, reservations, price rows, and sums that the database keeps itself.

``spend`` holds the sums of ``calls`` by session, kind of call and quarter of an hour; ``quarter_spend`` the
cost of each quarter. Triggers keep both in the transaction that writes the call, whoever writes it, so that
they cannot differ from their rows.
"""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# ``row`` is calls, or the trigger's NEW or OLD.
_GENERATION = "COALESCE({row}.completion_time, {row}.duration - COALESCE({row}.first_token, 0), 0)"
_TIMED = f"{{row}}.completion_tokens > 0 AND {_GENERATION} > 0"
_QUARTER = "{row}.started_at / 900000000"
_KIND_OF = {
    **{name: f"{{row}}.{name}" for name in ("feature", "role", "outcome", "route", "provider", "model")},
    "has_tokens": "({row}.prompt_tokens + {row}.completion_tokens > 0)",
}
_SAME_KIND = " AND ".join(f"call_kinds.{name} = {value}" for name, value in _KIND_OF.items())
_KEY_OF = {
    "session_id": "COALESCE({row}.session_id, '')",
    "kind_id": f"(SELECT call_kinds.id FROM call_kinds WHERE {_SAME_KIND})",
    "quarter": _QUARTER,
}
_MEASURES_OF = {
    "calls": "1",
    "turns": "CASE WHEN {row}.feature = 'chat' AND {row}.role = 'first' THEN 1 ELSE 0 END",
    "estimated_calls": "CASE WHEN {row}.estimated THEN 1 ELSE 0 END",
    "unknown_price_calls": "CASE WHEN {row}.cost IS NULL THEN 1 ELSE 0 END",
    "prompt_tokens": "{row}.prompt_tokens",
    "completion_tokens": "{row}.completion_tokens",
    "cached_tokens": "{row}.cached_tokens",
    "uncached_tokens": "CASE WHEN {row}.cached_tokens < {row}.prompt_tokens "
    "THEN {row}.prompt_tokens - {row}.cached_tokens ELSE 0 END",
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
    _call_kinds()
    _spend()
    _quarter_spend()
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


def _call_kinds() -> None:
    op.create_table(
        "call_kinds",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in list(_KIND_OF)[:-1]),
        sa.Column("has_tokens", sa.Boolean(create_constraint=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_call_kinds"),
        sa.UniqueConstraint(*_KIND_OF, name="uq_call_kinds_feature"),
    )
    op.execute(
        sa.text(
            f"INSERT INTO call_kinds ({', '.join(_KIND_OF)}) "
            f"SELECT DISTINCT {', '.join(_KIND_OF.values())} FROM calls "
            "WHERE calls.outcome <> 'running'".format(row="calls")
        )
    )


def _spend() -> None:
    op.create_table(
        "spend",
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("kind_id", sa.BigInteger, nullable=False),
        sa.Column("quarter", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _MEASURES_OF),
        sa.PrimaryKeyConstraint(*_KEY_OF, name="pk_spend"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_spend_quarter", "spend", ["quarter"])
    _sum_up("spend", _KEY_OF, _MEASURES_OF)


def _quarter_spend() -> None:
    op.create_table(
        "quarter_spend",
        sa.Column("quarter", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("cost", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("quarter", name="pk_quarter_spend"),
    )
    _sum_up("quarter_spend", {"quarter": _QUARTER}, {"cost": _MEASURES_OF["cost"]})


def _sum_up(table: str, keys: Mapping[str, str], measures: Mapping[str, str]) -> None:
    """Fill a table of sums from the calls that there are."""
    sums = [f"SUM({measure})" for measure in measures.values()]
    op.execute(
        sa.text(
            f"INSERT INTO {table} ({', '.join([*keys, *measures])}) "
            f"SELECT {', '.join([*keys.values(), *sums])} FROM calls WHERE calls.outcome <> 'running' "
            f"GROUP BY {', '.join(map(str, range(1, len(keys) + 1)))}".format(row="calls")
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
    add = f"WHEN NEW.outcome <> 'running' BEGIN {_add('NEW', '+')} END"
    subtract = f"WHEN OLD.outcome <> 'running' BEGIN {_add('OLD', '-')} {_sweep('OLD')} END"
    yield f"CREATE TRIGGER spend_insert AFTER INSERT ON calls {add}"
    yield f"CREATE TRIGGER spend_update_old AFTER UPDATE ON calls {subtract}"
    yield f"CREATE TRIGGER spend_update_new AFTER UPDATE ON calls {add}"
    yield f"CREATE TRIGGER spend_delete AFTER DELETE ON calls {subtract}"


def _postgresql_triggers() -> Iterator[str]:
    yield f"""
        CREATE FUNCTION sum_up_spend() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' AND OLD.outcome <> 'running' THEN
                {_add("OLD", "-")} {_sweep("OLD")}
            END IF;
            IF TG_OP <> 'DELETE' AND NEW.outcome <> 'running' THEN
                {_add("NEW", "+")}
            END IF;
            RETURN NULL;
        END $$"""
    yield (
        "CREATE TRIGGER spend_sums AFTER INSERT OR UPDATE OR DELETE ON calls "
        "FOR EACH ROW EXECUTE FUNCTION sum_up_spend()"
    )


def _add(row: str, sign: str) -> str:
    """Add a call to its sums, or take it out of them."""
    # Looked for first: on PostgreSQL an insertion that meets a conflict uses up a number.
    kind = (
        f"INSERT INTO call_kinds ({', '.join(_KIND_OF)}) SELECT {', '.join(_KIND_OF.values())} "
        f"WHERE NOT EXISTS (SELECT 1 FROM call_kinds WHERE {_SAME_KIND}) ON CONFLICT DO NOTHING;"
    )
    cost = {"cost": _MEASURES_OF["cost"]}
    return " ".join(
        [
            kind.format(row=row),
            _add_to("spend", _KEY_OF, _MEASURES_OF, row, sign),
            _add_to("quarter_spend", {"quarter": _QUARTER}, cost, row, sign),
        ]
    )


def _add_to(table: str, keys: Mapping[str, str], measures: Mapping[str, str], row: str, sign: str) -> str:
    values = [*keys.values(), *(f"{sign}({value})" for value in measures.values())]
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in measures)
    return (
        f"INSERT INTO {table} ({', '.join([*keys, *measures])}) VALUES ({', '.join(values)}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sums};"
    ).format(row=row)


def _sweep(row: str) -> str:
    """Leave no sums of nothing."""
    same = " AND ".join(f"spend.{name} = {value}" for name, value in _KEY_OF.items())
    return f"DELETE FROM spend WHERE {same} AND spend.calls = 0;".format(row=row)
