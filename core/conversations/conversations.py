"""The conversations kept in a database, as the rest of TensorWall uses them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from core.chat import Message
from core.conversations import answers, sessions, tree
from core.conversations.export import export_json, export_markdown
from core.conversations.search import search_messages
from core.conversations.stored import SearchHit, Session, SessionSummary, StoredMessage
from core.conversations.titles import UNTITLED
from core.errors import InputError
from core.identifiers import new_id
from core.storage import Database

__all__ = ("Conversations",)

_Summaries = list[SessionSummary]  # within the class ``list`` is a method
_Messages = list[StoredMessage]
_Hits = list[SearchHit]
_Ids = list[str]


class Conversations:
    """Sessions and their messages in one database.

    Every method raises ``StorageError`` or one of its kin when the database cannot be used, and
    ``InputError`` when an id names nothing.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    async def create(
        self,
        title: str | None = None,
        system_prompt: str | None = None,
        model: str | None = None,
    ) -> Session:
        """Make an empty session; without a title it takes the first words of its first question."""
        now = datetime.now(UTC)
        session = Session(
            id=new_id(),
            title=title or UNTITLED,
            title_source="user" if title else "words",
            system_prompt=system_prompt,
            model=model,
            leaf_id=None,
            created_at=now,
            updated_at=now,
        )
        await self.database.run(sessions.insert_session, session)
        return session

    async def get(self, id_or_prefix: str) -> Session:
        """A session by its id, or by a beginning of it that no other shares."""
        return await self.database.read(sessions.find_session, id_or_prefix)

    async def latest(self) -> Session | None:
        """The session written to last."""
        return await self.database.read(sessions.latest_session)

    async def list(self, search: str | None = None, *, limit: int = 50, offset: int = 0) -> _Summaries:
        """Sessions, last written first; with ``search``, those that hold it in title or messages."""
        return await self.database.read(sessions.list_sessions, search, limit, offset)

    async def rename(self, session_id: str, title: str) -> None:
        """Give a session the user's own title, on one line; no model replaces it later."""
        one_line = " ".join(title.split())
        if not one_line:
            raise InputError("A title needs at least one letter.")
        await self.database.run(sessions.rename_session, session_id, one_line, "user")

    async def suggest_title(self, session_id: str, title: str) -> bool:
        """Give a session a model's title unless the user chose one; whether it was taken."""
        return await self.database.run(sessions.rename_session, session_id, title, "model")

    async def use_model(self, session_id: str, model: str | None) -> None:
        """Remember which model the session talks to; ``None`` for the default."""
        await self.database.run(sessions.update_session, session_id, model=model)

    async def use_system_prompt(self, session_id: str, system_prompt: str | None) -> None:
        """Remember the session's own instructions; ``None`` for the default ones."""
        await self.database.run(sessions.update_session, session_id, system_prompt=system_prompt)

    async def delete(self, session_id: str) -> None:
        """Delete a session with all its branches; what it cost stays in the ledger."""
        await self.database.run(sessions.delete_session, session_id)

    async def search(self, text: str, *, limit: int = 50) -> _Hits:
        """Messages that hold every word (or beginning of one, or "quoted phrase"), best first."""
        return await self.database.read(search_messages, text, limit)

    async def messages(self, session_id: str, leaf: str | None = None) -> _Messages:
        """The branch that ends at ``leaf``, or the one on screen, from the first message on."""
        return await self.database.read(tree.branch, session_id, leaf)

    async def all_messages(self, session_id: str) -> _Messages:
        """Every message of every branch; parents before children."""
        return await self.database.read(tree.all_messages, session_id)

    async def siblings(self, message_id: str) -> _Ids:
        """The message and its alternatives (edits, other answers), oldest first."""
        return await self.database.read(tree.siblings, message_id)

    async def set_leaf(self, session_id: str, message_id: str | None) -> None:
        """End the branch on screen at this message exactly; ``None`` before the first one."""
        await self.database.run(tree.select_leaf, session_id, message_id)

    async def switch_to(self, session_id: str, message_id: str) -> str:
        """Show the branch through this message, to its newest end; the id of that end."""
        return await self.database.run(tree.switch_to, session_id, message_id)

    async def add(self, session_id: str, parent_id: str | None, message: Message) -> StoredMessage:
        """Add a whole message below its parent and make it the leaf.

        The first message of a session without a title gives it one.
        """
        stored = StoredMessage(
            id=new_id(),
            session_id=session_id,
            parent_id=parent_id,
            message=message,
            state="complete",
            created_at=datetime.now(UTC),
        )
        return await self.database.run(tree.add_message, stored)

    async def mark_heard(self, message_id: str, characters: int | None) -> None:
        """Remember that of an answer read aloud only so much was heard; ``None``: all of it.

        From then on the model is given that much (see ``core.conversations.replay``); the rest stays
        stored and on screen.
        """
        await self.database.run(tree.mark_heard, message_id, characters)

    async def recover(self) -> int:
        """Keep what had arrived of answers whose TensorWall died, as ``interrupted``; how many.

        Answers that another living TensorWall is streaming are left alone.
        """
        alive = self.database.is_alive
        if not await self.database.read(answers.left_behind, alive):
            return 0  # without waiting for a turn to write
        return await self.database.run(answers.recover, alive)

    async def export(self, session_id: str, format: Literal["md", "json"]) -> str:  # noqa: A002
        """The branch on screen as Markdown, or every branch as JSON, which loses nothing."""
        if format == "json":
            return await self.database.read(export_json, session_id)
        return await self.database.read(export_markdown, session_id)
