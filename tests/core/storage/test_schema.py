"""The migrations lead to the tables that the code uses, and the revisions are all known."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.storage import Database
from core.storage.schema import HEAD, MIGRATIONS, REVISIONS
from core.storage.tables import metadata


def test_every_revision_is_listed_oldest_first() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS
    assert scripts.get_heads() == [HEAD]


async def test_the_migrations_make_the_tables(database: Database) -> None:
    def differences(connection: Connection) -> object:
        def ours(name: str | None, _: str, __: object) -> bool:
            return not (name or "").startswith(("message_search", "ix_messages_words"))

        context = MigrationContext.configure(
            connection, opts={"include_name": ours, "compare_type": True, "target_metadata": metadata}
        )
        return compare_metadata(context, metadata)

    assert await database.read(differences) == []
