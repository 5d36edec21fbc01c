"""Sums of ``spend`` once more, in fewer rows: by session without time, and by time without session.

Triggers on ``spend`` keep both, in the transaction that writes the call.
"""

from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MEASURES = (
    *("calls", "turns", "estimated_calls", "unknown_price_calls"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "uncached_tokens", "reasoning_tokens"),
    *("cost", "estimated_cost", "cache_saving"),
    *("timed_tokens", "generation_time", "audio_time", "characters"),
)
# Rounded down, which division does not before 1970.
_SIX_HOURS = "({row}.quarter - ({row}.quarter % 24 + 24) % 24) / 24"
_KEYS_OF = {
    "session_spend": {"session_id": "{row}.session_id", "kind_id": "{row}.kind_id"},
    "kind_spend": {"six_hours": _SIX_HOURS, "kind_id": "{row}.kind_id"},
}
_ENDS = {"first_quarter": "MIN", "last_quarter": "MAX"}


def upgrade() -> None:
    """Add the tables, sum up what there is, and let triggers go on with it."""
    _session_spend()
    _kind_spend()
    if op.get_bind().dialect.name == "sqlite":
        for statement in _sqlite_triggers():
            op.execute(sa.text(statement))
    else:
        for statement in _postgresql_triggers():
            op.execute(sa.text(statement))


def _session_spend() -> None:
    op.create_table(
        "session_spend",
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("kind_id", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in (*_ENDS, *_MEASURES)),
        sa.PrimaryKeyConstraint("session_id", "kind_id", name="pk_session_spend"),
        sqlite_with_rowid=False,
    )
    _sum_up("session_spend", {name: f"{end}(quarter)" for name, end in _ENDS.items()})


def _kind_spend() -> None:
    op.create_table(
        "kind_spend",
        sa.Column("six_hours", sa.BigInteger, nullable=False),
        sa.Column("kind_id", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _MEASURES),
        sa.PrimaryKeyConstraint("six_hours", "kind_id", name="pk_kind_spend"),
        sqlite_with_rowid=False,
    )
    _sum_up("kind_spend", {})


def _sum_up(table: str, ends: Mapping[str, str]) -> None:
    """Fill a table from the sums that there are."""
    keys = _KEYS_OF[table]
    columns = ", ".join([*keys, *ends, *_MEASURES])
    values = ", ".join([*keys.values(), *ends.values(), *(f"SUM({name})" for name in _MEASURES)])
    op.execute(
        sa.text(
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM spend GROUP BY 1, 2".format(row="spend")
        )
    )


def _sqlite_triggers() -> Iterator[str]:
    new, changed, gone = _changes()
    yield f"CREATE TRIGGER rollups_insert AFTER INSERT ON spend BEGIN {_add('NEW', new)} END"
    yield f"CREATE TRIGGER rollups_update AFTER UPDATE ON spend BEGIN {_add('NEW', changed)} END"
    yield f"CREATE TRIGGER rollups_delete AFTER DELETE ON spend BEGIN {_add('OLD', gone)} {_sweep()} END"


def _postgresql_triggers() -> Iterator[str]:
    new, changed, gone = _changes()
    yield f"""
        CREATE FUNCTION roll_up_spend() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                {_add("NEW", new)}
            ELSIF TG_OP = 'UPDATE' THEN
                {_add("NEW", changed)}
            ELSE
                {_add("OLD", gone)} {_sweep()}
            END IF;
            RETURN NULL;
        END $$"""
    yield (
        "CREATE TRIGGER rollups AFTER INSERT OR UPDATE OR DELETE ON spend "
        "FOR EACH ROW EXECUTE FUNCTION roll_up_spend()"
    )


def _changes() -> tuple[list[str], list[str], list[str]]:
    """By how much each measure changes with a row that is new, changed (never its key), or gone."""
    return (
        [f"NEW.{name}" for name in _MEASURES],
        [f"NEW.{name} - OLD.{name}" for name in _MEASURES],
        [f"-OLD.{name}" for name in _MEASURES],
    )


def _add(row: str, changes: Iterable[str]) -> str:
    least, most = ("MIN", "MAX") if op.get_bind().dialect.name == "sqlite" else ("LEAST", "GREATEST")
    ends = {
        "first_quarter": f"{least}(session_spend.first_quarter, excluded.first_quarter)",
        "last_quarter": f"{most}(session_spend.last_quarter, excluded.last_quarter)",
    }
    changes = [*changes]
    return " ".join([_add_to("session_spend", row, ends, changes), _add_to("kind_spend", row, {}, changes)])


def _add_to(table: str, row: str, ends: Mapping[str, str], changes: Iterable[str]) -> str:
    keys = _KEYS_OF[table]
    values = [*keys.values(), *("{row}.quarter" for _ in ends), *changes]
    sums = {**ends, **{name: f"{table}.{name} + excluded.{name}" for name in _MEASURES}}
    return (
        f"INSERT INTO {table} ({', '.join([*keys, *sums])}) VALUES ({', '.join(values)}) "
        f"ON CONFLICT ({', '.join(keys)}) "
        f"DO UPDATE SET {', '.join(f'{name} = {value}' for name, value in sums.items())};"
    ).format(row=row)


def _sweep() -> str:
    """Leave no sums of nothing, and no ends that are gone."""
    same = {
        table: " AND ".join(f"{table}.{name} = {value}" for name, value in keys.items())
        for table, keys in _KEYS_OF.items()
    }
    ends = ", ".join(
        f"{name} = (SELECT {end}(spend.quarter) FROM spend "
        "WHERE spend.session_id = OLD.session_id AND spend.kind_id = OLD.kind_id)"
        for name, end in _ENDS.items()
    )
    # After the row was locked by the addition: so no end is missed that another transaction has written.
    return (
        " ".join(f"DELETE FROM {table} WHERE {same[table]} AND {table}.calls = 0;" for table in same)
        + f" UPDATE session_spend SET {ends} WHERE {same['session_spend']} "
        "AND OLD.quarter IN (session_spend.first_quarter, session_spend.last_quarter);"
    ).format(row="OLD")
