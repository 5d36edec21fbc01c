"""The two screens over the chat that tell of more than one answer: what it cost, and how the routes stand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from app.tui.review.context import Place, ReviewContext, utc_now
from core.errors import InputError

if TYPE_CHECKING:
    from app.tui.conversation import Conversation
    from app.tui.screens.chat import ChatScreen

__all__ = ("Overviews",)


class Overviews:
    """Opens them with what is on screen, and waits until they are closed."""

    def __init__(self, screen: ChatScreen, conversation: Conversation) -> None:
        self._screen = screen
        self._conversation = conversation

    async def review(self, start: Place | None = None, now: Callable[[], datetime] = utc_now) -> None:
        """Show what everything cost, beginning with a session or one of its answers."""
        from app.tui.review.screen import ReviewScreen

        context = ReviewContext(
            services=self._conversation.services,
            folder=self._screen.folder,
            show_in_chat=self._open_place,
            show_help=self._screen.tensorwall.show_help,
            session_id=self._conversation.session_id,
            settled=self._screen.settled,
            now=now,
        )
        chosen = await self._screen.tensorwall.push_screen_wait(ReviewScreen(context, start))
        if chosen is not None and chosen.message_id is not None:
            transcript = self._screen.transcript  # which has a size once it is on screen again
            transcript.call_after_refresh(transcript.show_entry, chosen.message_id)

    async def routes(self, about: str | None = None, now: Callable[[], datetime] = utc_now) -> None:
        """Show how the routes stand, or why an answer, by its message, came from where it did."""
        from app.tui.routes.context import RoutesContext
        from app.tui.routes.screen import RoutesScreen

        conversation = self._conversation
        context = RoutesContext(
            services=conversation.services,
            upcoming=lambda: conversation.next_turn.upcoming(self._screen.composer.prompt),
            answers=conversation.answers,
            decisions=conversation.decisions,
            show_help=self._screen.tensorwall.show_help,
            settled=self._screen.settled,
            now=now,
        )
        await self._screen.tensorwall.push_screen_wait(RoutesScreen(context, about))

    async def _open_place(self, place: Place) -> None:
        """Have a session in the chat, with the branch that an answer of it is on.

        Raises:
            InputError: it was deleted, or another session is being answered.
            StorageError: it cannot be read.
        """
        shown = {stored.id for stored in self._conversation.branch}
        if self._conversation.session_id != place.session_id or place.message_id not in {None, *shown}:
            conversations = (await self._conversation.services.records()).conversations
            await conversations.get(place.session_id)
            if self._conversation.busy:
                raise InputError("An answer is on its way.", hint="Open another one when it is done.")
            if place.message_id is not None:
                await conversations.switch_to(place.session_id, place.message_id)
            await self._screen.open_session(place.session_id)
