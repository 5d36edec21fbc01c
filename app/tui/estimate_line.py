"""The dim figure in the composer's border: what the prompt will ask for, kept up to date while one types."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content
from textual.worker import WorkType

from app.tui.estimate import Estimate, estimate_in_words
from core.errors import TensorWallError

if TYPE_CHECKING:
    from app.tui.conversation import Conversation
    from app.tui.screens.chat import ChatScreen
    from core.catalogue import Catalogue
    from core.chat import ChatRequest
    from core.routing import PlannedRoute

__all__ = ("EstimateLine",)

_SECONDS = 0.3
"""Between two estimates, at least: often enough to be followed."""
_SHARE = 10
"""One part in so many of the time is for estimates, so that keys do not wait in a very long conversation."""


class EstimateLine:
    """Works on the screen's own clock: a key only leaves word that the figure is outdated.

    Attributes:
        is_outdated: another estimate is due.
    """

    def __init__(self, screen: ChatScreen, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._clock = clock
        self.is_outdated = False
        self._due_at = float("-inf")
        self._request: ChatRequest | None = None
        self._estimate: Estimate | None = None

    def outdated(self) -> None:
        """What is typed, or what goes before it, is another."""
        self.is_outdated = True

    def tick(self) -> None:
        """Some time has passed: make the estimate that is due, or count down a wait."""
        now = self._clock()
        if self.is_outdated and now >= self._due_at:
            self.is_outdated, self._due_at = False, now + _SECONDS
            self._renew()
        elif self._estimate is not None and self._estimate.ready_in > 0 and self._request is not None:
            first = self._first(self._request)
            if first is not None:
                self._show(replace(self._estimate, ready_in=first.ready_in, label=first.label))

    def _renew(self) -> None:
        typed, conversation = self._screen.composer.prompt, self._screen.conversation
        if conversation is None or not typed.strip() or typed.startswith("/"):
            self._request = None
            self._show(None)
        else:
            make: WorkType[None] = partial(self._make, conversation, typed)
            self._screen.run_worker(make, group="estimate", exclusive=True)

    async def _make(self, conversation: Conversation, typed: str) -> None:
        request, estimate, began = None, None, self._clock()
        try:
            request = await conversation.next_turn.upcoming(typed)
            estimate = await self._estimated(conversation, request, typed)
        except TensorWallError:  # which is told when it is sent
            request = None
        self._due_at = max(self._due_at, began + _SHARE * (self._clock() - began))
        if self._screen.composer.prompt == typed:  # else the next one is due
            self._request = request
            self._show(estimate)

    async def _estimated(
        self, conversation: Conversation, request: ChatRequest, typed: str
    ) -> Estimate | None:
        from app.tui.mentions import mentioned_files
        from core.costs.budgets import has_hard_limit, room
        from core.costs.tokens import estimate_prompt_tokens

        first = self._first(request)
        if first is None:
            return None
        services = conversation.services
        cost = await asyncio.to_thread(_worst_cost, services.catalogue, request, first)
        files = await asyncio.to_thread(mentioned_files, typed, self._screen.folder) if "@" in typed else []
        left, budgets = None, services.assistant.budgets
        if has_hard_limit(budgets):
            ledger = (await services.records()).ledger
            left = room(await ledger.standings(budgets, conversation.session_id))
        return Estimate(
            estimate_prompt_tokens(request),
            first.output_cap,
            cost,
            first.label,
            first.ready_in,
            left,
            bool(files),
        )

    def _first(self, request: ChatRequest) -> PlannedRoute | None:
        """Where it would be sent first."""
        conversation = self._screen.conversation
        if conversation is None:
            return None
        routes, _ = conversation.services.router.preview(request, streaming=True)
        return routes[0] if routes else None

    def _show(self, estimate: Estimate | None) -> None:
        """An unchanged figure paints nothing."""
        self._estimate = estimate
        composer = self._screen.composer
        told = estimate_in_words(estimate, composer.size.width - 4) if estimate else ""
        shown = Content(told) if told else None
        if (composer.border_subtitle or "") != (shown.markup if shown else ""):
            composer.border_subtitle = shown


def _worst_cost(catalogue: Catalogue, request: ChatRequest, route: PlannedRoute) -> Decimal | None:
    """The most that it may cost; for a thread, since what it takes is slow to import and to load at first."""
    from core.chat import UpstreamCall
    from core.costs.worst_case import worst_case

    call = UpstreamCall("", request.model, route.provider, route.model, route.reason, datetime.now(UTC))
    return worst_case(catalogue, call, request, route.output_cap).cost()
