"""The gateway's key is part of what a call is like, so that spend by key adds up wherever spend does."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_WORDS = ("feature", "role", "outcome", "route", "provider", "model")
_HAS_TOKENS = "({row}.prompt_tokens + {row}.completion_tokens > 0)"
_KEY = "COALESCE({row}.key_id, '')"
# In the triggers' own words: what they say, and what they say from now on.
_SAID = {
    "model, has_tokens) SELECT": "model, has_tokens, key_id) SELECT",
    f"{_HAS_TOKENS} WHERE NOT EXISTS": f"{_HAS_TOKENS}, {_KEY} WHERE NOT EXISTS",
    f"call_kinds.has_tokens = {_HAS_TOKENS}": (
        f"call_kinds.has_tokens = {_HAS_TOKENS} AND call_kinds.key_id = {_KEY}"
    ),
}
_TRIGGERS = ("spend_insert", "spend_update_old", "spend_update_new", "spend_delete")


def upgrade() -> None:
    """Take the calls of keys out of the sums, tell the triggers of keys, and put those calls in again."""
    op.execute(sa.text("CREATE TABLE calls_of_keys (call_id VARCHAR(40) PRIMARY KEY, outcome VARCHAR(12))"))
    op.execute(
        sa.text(
            "INSERT INTO calls_of_keys SELECT call_id, outcome FROM calls "
            "WHERE key_id IS NOT NULL AND outcome <> 'running'"
        )
    )
    of_keys = "call_id IN (SELECT call_id FROM calls_of_keys)"
    op.execute(sa.text(f"UPDATE calls SET outcome = 'running' WHERE {of_keys}"))
    (_on_sqlite if op.get_bind().dialect.name == "sqlite" else _on_postgresql)()
    outcome = "(SELECT outcome FROM calls_of_keys WHERE calls_of_keys.call_id = calls.call_id)"
    op.execute(sa.text(f"UPDATE calls SET outcome = {outcome} WHERE {of_keys}"))
    op.execute(sa.text("DROP TABLE calls_of_keys"))


def _on_sqlite() -> None:
    """A constraint is changed by a new table, which the triggers must not be in the way of."""
    query = sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name")
    statements = [str(op.get_bind().execute(query, {"name": name}).scalar_one()) for name in _TRIGGERS]
    for name in _TRIGGERS:
        op.execute(sa.text(f"DROP TRIGGER {name}"))
    columns = ("id", *_WORDS, "has_tokens")
    op.execute(sa.text("ALTER TABLE call_kinds RENAME TO call_kinds_before"))
    op.create_table(
        "call_kinds",
        sa.Column("id", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _WORDS),
        sa.Column("has_tokens", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("key_id", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_call_kinds"),
        sa.UniqueConstraint(*_WORDS, "has_tokens", "key_id", name="uq_call_kinds_feature"),
    )
    names = ", ".join(columns)
    op.execute(sa.text(f"INSERT INTO call_kinds ({names}) SELECT {names} FROM call_kinds_before"))
    op.execute(sa.text("DROP TABLE call_kinds_before"))
    for statement in statements:
        op.get_bind().exec_driver_sql(_told_of_keys(statement, ("NEW", "OLD")))


def _on_postgresql() -> None:
    op.add_column("call_kinds", sa.Column("key_id", sa.Text, nullable=False, server_default=""))
    op.drop_constraint("uq_call_kinds_feature", "call_kinds")
    op.create_unique_constraint("uq_call_kinds_feature", "call_kinds", [*_WORDS, "has_tokens", "key_id"])
    query = "SELECT pg_get_functiondef(CAST('sum_up_spend' AS regproc))"
    statement = str(op.get_bind().exec_driver_sql(query).scalar_one())
    op.get_bind().exec_driver_sql(_told_of_keys(statement, ("NEW", "OLD")))


def _told_of_keys(statement: str, rows: Iterable[str]) -> str:
    for row in rows:
        for said, says in _SAID.items():
            statement = statement.replace(said.format(row=row), says.format(row=row))
    return statement
