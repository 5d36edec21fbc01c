"""The gateway's keys, which key a call was made with, and what was spent with each.

Triggers count the version of the keys up, keep their rows from being deleted, and sum up the calls.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEYS_OF = {"key_id": "{row}.key_id", "quarter": "{row}.started_at / 900000000"}
_MEASURES_OF = {
    "calls": "1",
    "unknown_price_calls": "CASE WHEN {row}.cost IS NULL THEN 1 ELSE 0 END",
    "prompt_tokens": "{row}.prompt_tokens",
    "completion_tokens": "{row}.completion_tokens",
    "cost": "COALESCE({row}.cost, 0)",
    "estimated_cost": "CASE WHEN {row}.estimated THEN COALESCE({row}.cost, 0) ELSE 0 END",
}
_COUNTS = "{row}.key_id IS NOT NULL AND {row}.outcome <> 'running'"
_COUNT_UP = "UPDATE gateway_key_version SET version = version + 1;"
_KEPT = "keys are revoked, never deleted: the ledger refers to them"


def upgrade() -> None:
    """Add the columns, the tables and their triggers."""
    op.add_column("calls", sa.Column("key_id", sa.String(12)))
    op.add_column("calls", sa.Column("client_request_id", sa.Text))
    of_a_key = sa.text("key_id IS NOT NULL")
    op.create_index(
        "ix_calls_key_id_started_at",
        "calls",
        ["key_id", "started_at"],
        sqlite_where=of_a_key,
        postgresql_where=of_a_key,
    )
    _key_spend()
    _gateway_keys()
    _gateway_key_version()
    if op.get_bind().dialect.name == "sqlite":
        for statement in _sqlite_triggers():
            op.execute(sa.text(statement))
    else:
        for statement in _postgresql_triggers():
            op.execute(sa.text(statement))


def _key_spend() -> None:
    op.create_table(
        "key_spend",
        sa.Column("key_id", sa.String(12), nullable=False),
        sa.Column("quarter", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _MEASURES_OF),
        sa.PrimaryKeyConstraint(*_KEYS_OF, name="pk_key_spend"),
        sqlite_with_rowid=False,
    )


def _gateway_keys() -> None:
    op.create_table(
        "gateway_keys",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.String(11), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("previous_prefix", sa.String(11)),
        sa.Column("previous_hash", sa.String(64)),
        sa.Column("previous_until", sa.BigInteger),
        sa.Column("models", sa.Text),
        sa.Column("endpoints", sa.Text),
        *(sa.Column(f"budget_{period}", sa.BigInteger) for period in ("day", "week", "month", "total")),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_gateway_keys"),
    )


def _gateway_key_version() -> None:
    op.create_table("gateway_key_version", sa.Column("version", sa.BigInteger, nullable=False))
    op.execute(sa.text("INSERT INTO gateway_key_version (version) VALUES (0)"))


def _sqlite_triggers() -> Iterator[str]:
    for event in ("INSERT", "UPDATE"):
        name = f"gateway_keys_{event.lower()}"
        yield f"CREATE TRIGGER {name} AFTER {event} ON gateway_keys BEGIN {_COUNT_UP} END"
    yield (
        "CREATE TRIGGER gateway_keys_delete BEFORE DELETE ON gateway_keys "
        f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
    )
    add = f"WHEN {_COUNTS.format(row='NEW')} BEGIN {_add('NEW', '+')} END"
    subtract = f"WHEN {_COUNTS.format(row='OLD')} BEGIN {_add('OLD', '-')} {_sweep('OLD')} END"
    yield f"CREATE TRIGGER key_spend_insert AFTER INSERT ON calls {add}"
    yield f"CREATE TRIGGER key_spend_update_old AFTER UPDATE ON calls {subtract}"
    yield f"CREATE TRIGGER key_spend_update_new AFTER UPDATE ON calls {add}"
    yield f"CREATE TRIGGER key_spend_delete AFTER DELETE ON calls {subtract}"


def _postgresql_triggers() -> Iterator[str]:
    yield f"""
        CREATE FUNCTION count_up_gateway_keys() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {_COUNT_UP}
            RETURN NULL;
        END $$"""
    yield (
        "CREATE TRIGGER gateway_keys_change AFTER INSERT OR UPDATE ON gateway_keys "
        "FOR EACH STATEMENT EXECUTE FUNCTION count_up_gateway_keys()"
    )
    yield f"""
        CREATE FUNCTION keep_gateway_keys() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{_KEPT}';
        END $$"""
    yield (
        "CREATE TRIGGER gateway_keys_delete BEFORE DELETE OR TRUNCATE ON gateway_keys "
        "FOR EACH STATEMENT EXECUTE FUNCTION keep_gateway_keys()"
    )
    yield f"""
        CREATE FUNCTION sum_up_key_spend() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' AND {_COUNTS.format(row="OLD")} THEN
                {_add("OLD", "-")} {_sweep("OLD")}
            END IF;
            IF TG_OP <> 'DELETE' AND {_COUNTS.format(row="NEW")} THEN
                {_add("NEW", "+")}
            END IF;
            RETURN NULL;
        END $$"""
    yield (
        "CREATE TRIGGER key_spend_sums AFTER INSERT OR UPDATE OR DELETE ON calls "
        "FOR EACH ROW EXECUTE FUNCTION sum_up_key_spend()"
    )


def _add(row: str, sign: str) -> str:
    """Add a call to the sums of its key, or take it out of them."""
    values = [*_KEYS_OF.values(), *(f"{sign}({value})" for value in _MEASURES_OF.values())]
    sums = ", ".join(f"{name} = key_spend.{name} + excluded.{name}" for name in _MEASURES_OF)
    return (
        f"INSERT INTO key_spend ({', '.join([*_KEYS_OF, *_MEASURES_OF])}) VALUES ({', '.join(values)}) "
        f"ON CONFLICT ({', '.join(_KEYS_OF)}) DO UPDATE SET {sums};"
    ).format(row=row)


def _sweep(row: str) -> str:
    """Leave no sums of nothing."""
    same = " AND ".join(f"key_spend.{name} = {value}" for name, value in _KEYS_OF.items())
    return f"DELETE FROM key_spend WHERE {same} AND key_spend.calls = 0;".format(row=row)
