"""How much of an answer that was read aloud was heard."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; null means all of it, which is true of every answer until now."""
    op.add_column("messages", sa.Column("heard", sa.Integer))
