"""The review of what was spent, as screens, commands and exports ask for it."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event

from core.catalogue import Price
from core.costs.ledger_records import Totals
from core.costs.price_rows import PriceRow, price_row
from core.review.changes import version
from core.review.dimensions import Dimension
from core.review.finding import find_spender
from core.review.forecast import Forecast
from core.review.groups import Group, GroupOrder, GroupPage, group, group_page, totals
from core.review.key_names import key_names
from core.review.questions import Detour, Repriced, detours, month_forecast, repriced
from core.review.report import Progress, Report, call_report, group_report, session_report
from core.review.routes import RouteRecord, route_records
from core.review.running import Running, running
from core.review.scope import Scope
from core.review.sessions import SessionOrder, SessionPage, session_page, session_titles
from core.review.turns import TurnSpend, session_turns
from core.storage import Database

__all__ = ("Review",)

EVERYTHING = Scope()


class Review:
    """Reads the ledger; all sums are exact and over calls that have ended.

    Every method raises ``StorageError`` or one of its kin when the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def totals(self, scope: Scope = EVERYTHING) -> Totals:
        """The sums of all calls in the scope."""
        return await self._database.read(totals, scope)

    async def running(self, scope: Scope = EVERYTHING) -> Running:
        """The calls in the scope that run right now, which are in no sum yet."""
        return await self._database.read(running, scope)

    async def groups(self, by: Sequence[Dimension], scope: Scope = EVERYTHING) -> list[Group]:
        """The sums of the calls in the scope by these dimensions, sorted by them."""
        return await self._database.read(group, by, scope)

    async def group_page(
        self,
        by: Sequence[Dimension],
        scope: Scope = EVERYTHING,
        *,
        order: GroupOrder = "key",
        descending: bool = False,
        limit: int | None = None,
    ) -> GroupPage:
        """The first of the groups, how many there are, and the sums over all; sorted over all of them."""
        return await self._database.read(group_page, by, scope, order, descending=descending, limit=limit)

    async def sessions(
        self,
        scope: Scope = EVERYTHING,
        *,
        order: SessionOrder = "last_used",
        descending: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> SessionPage:
        """Sessions with calls in the scope; sorted over all of them, ``limit`` of them after ``offset``."""
        return await self._database.read(
            session_page, scope, order, descending=descending, limit=limit, offset=offset
        )

    async def titles(self, ids: Sequence[str]) -> dict[str, str]:
        """The titles of those of these sessions that were not deleted."""
        return await self._database.read(session_titles, ids)

    async def key_names(self) -> dict[str, str]:
        """What the gateway's keys are called, revoked ones too; by their ids, which are what groups have."""
        return await self._database.read(key_names)

    async def find(self, wanted: str) -> str:
        """The id of a session with calls, deleted ones too, by its id, the id's beginning, or ``latest``.

        Raises:
            InputError: no session fits, or several.
        """
        return await self._database.read(find_spender, wanted)

    async def version(self) -> str:
        """Differs from the one before when another process has written since; may be asked often."""
        return await self._database.read(version)

    async def turns(self, session_id: str) -> list[TurnSpend]:
        """A session's turns and other calls, in the order they started."""
        return await self._database.read(session_turns, session_id)

    async def routes(self, now: datetime | None = None) -> list[RouteRecord]:
        """How every model at every provider has done in the last week, and what it cost today."""
        return await self._database.read(route_records, now or datetime.now(UTC))

    async def price_row(self, price_id: str) -> PriceRow | None:
        """The price that a call was booked with, as it was then."""
        return await self._database.read(price_row, price_id)

    async def detours(self, scope: Scope = EVERYTHING) -> list[Detour]:
        """What retries, fallbacks, hedges, speculation and broken answers cost."""
        return await self._database.read(detours, scope)

    async def repriced(self, price: Price, scope: Scope = EVERYTHING) -> Repriced:
        """What the calls in the scope would have cost at another price."""
        return await self._database.read(repriced, scope, price)

    async def month_forecast(self, now: datetime | None = None) -> Forecast:
        """Where this month's spend is heading."""
        return await self._database.read(month_forecast, now or datetime.now(UTC))

    async def session_report(
        self,
        scope: Scope = EVERYTHING,
        *,
        order: SessionOrder = "last_used",
        descending: bool = True,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """The sessions with calls in the scope, to be written down; all of them unless limited.

        Args:
            scope: the calls that are counted.
            order: what they are sorted by.
            descending: the greatest first.
            limit: sessions at most.
            progress: told how many sessions of how many are read, on another thread.
        """
        is_stopped = Event()

        def told(read: int, whole: int) -> None:
            if is_stopped.is_set():
                raise CancelledError
            if progress is not None:
                progress(read, whole)

        reading = self._database.read(
            session_report, scope, order, descending=descending, limit=limit, progress=told
        )
        try:
            return await reading
        except CancelledError:  # else it would be read to its end, for nobody
            is_stopped.set()
            raise

    async def group_report(
        self,
        by: Sequence[Dimension],
        scope: Scope = EVERYTHING,
        *,
        order: GroupOrder = "key",
        descending: bool = False,
        limit: int | None = None,
    ) -> Report:
        """The sums by these dimensions, to be written down; all of them unless limited."""
        return await self._database.read(group_report, by, scope, order, descending=descending, limit=limit)

    async def call_report(self, session_id: str) -> Report:
        """Every call of a session that has ended, to be written down."""
        return await self._database.read(call_report, session_id)
