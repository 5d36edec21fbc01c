"""The session on screen as it is stored: its branch, and what the user chose for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.errors import InputError

if TYPE_CHECKING:
    from app.composition import Services
    from core.conversations import Session, StoredMessage

__all__ = ("OpenSession",)


class OpenSession:
    """One that may not be stored yet.

    Every method that waits raises ``StorageError`` or one of its kin when the database cannot be used.

    Args:
        services: where it is stored.

    Attributes:
        stored: what is stored of it; ``None`` until the first answer began.
        branch: the messages on screen, root to leaf.
        model: chosen since it was opened.
        system_prompt: set since it was opened.
    """

    def __init__(self, services: Callable[[], Services]) -> None:
        self.stored: Session | None = None
        self.branch: list[StoredMessage] = []
        self.model: str | None = None
        self.system_prompt: str | None = None
        self._services = services

    @property
    def leaf_id(self) -> str | None:
        """The last message on screen."""
        return self.branch[-1].id if self.branch else None

    def leave(self) -> None:
        """Begin another one, asking the same model."""
        self.stored, self.branch, self.system_prompt = None, [], None

    async def open(self, session: Session) -> None:
        """Take another one, with what was chosen for it."""
        branch = await (await self._services().records()).conversations.messages(session.id)
        self.stored, self.branch = session, branch
        self.model = self.system_prompt = None

    async def reload(self, session_id: str) -> None:
        """Read back what a turn stored.

        Raises:
            InputError: nothing of it was.
        """
        conversations = (await self._services().records()).conversations
        self.stored = await conversations.get(session_id)
        self.branch = await conversations.messages(session_id)

    def forget_unanswered(self) -> None:
        """A question without an answer is not part of the branch that goes on."""
        kept = list(self.branch)
        if kept and kept[-1].message.role == "assistant" and not kept[-1].message.text:
            kept.pop()
        if kept and kept[-1].message.role == "user":
            kept.pop()
        self.branch = kept

    async def switch_branch(self, message_id: str | None, step: int) -> Session | None:
        """Have the sibling before (-1) or after (+1) a message on the branch; ``None``: there is none.

        By default of the last message that has any.
        """
        choices = (
            stored
            for stored in reversed(self.branch)
            if stored.sibling_count > 1 and message_id in (None, stored.id)
        )
        at = next(choices, None)
        if self.stored is None or at is None or not 0 <= at.sibling_index + step < at.sibling_count:
            return None
        conversations = (await self._services().records()).conversations
        siblings = await conversations.siblings(at.id)
        await conversations.switch_to(self.stored.id, siblings[at.sibling_index + step])
        return await conversations.get(self.stored.id)

    async def use_model(self, model: str) -> None:
        """Ask this model from now on."""
        self.model = model
        if self.stored is not None:
            await (await self._services().records()).conversations.use_model(self.stored.id, model)

    async def use_system_prompt(self, prompt: str | None) -> None:
        """Set its own instructions; ``None`` for the settings'."""
        self.system_prompt = prompt
        if self.stored is not None:
            conversations = (await self._services().records()).conversations
            await conversations.use_system_prompt(self.stored.id, prompt)

    async def rename(self, title: str) -> None:
        """Name it.

        Raises:
            InputError: there is none yet, or the title is blank.
        """
        if self.stored is None:
            raise InputError("There is no session yet.", hint="Send a prompt first.")
        conversations = (await self._services().records()).conversations
        await conversations.rename(self.stored.id, title)
        self.stored = await conversations.get(self.stored.id)

    async def suggest_title(self) -> bool:
        """Have a model name it; whether it did."""
        services = self._services()
        if self.stored is None or not await services.assistant.suggest_title(self.stored.id):
            return False
        self.stored = await (await services.records()).conversations.get(self.stored.id)
        return True
