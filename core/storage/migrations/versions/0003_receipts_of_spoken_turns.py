"""Receipts of spoken turns."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "voice_turns",
        sa.Column("number", _BIG_KEY, nullable=False),
        sa.Column("session_id", sa.String(12), nullable=False),
        sa.Column("message_id", sa.String(12), nullable=False),
        sa.Column("happened_at", sa.BigInteger, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Float)
            for name in ("endpoint", "transcript", "first_token", "first_audio", "total")
        ),
        sa.Column("speculated", sa.Integer, nullable=False),
        sa.Column("discarded", sa.Integer, nullable=False),
        sa.Column("speculation_cost", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="pk_voice_turns"),
    )
    op.create_index("ix_voice_turns_session_id", "voice_turns", ["session_id"])
    op.create_index("ix_voice_turns_happened_at", "voice_turns", ["happened_at"])
