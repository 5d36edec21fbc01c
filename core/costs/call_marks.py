"""Admission of calls that no limit is on: by a mark of this process, where others need a transaction.

A transaction also brings this process in step with others: with what they have spent, which does not matter
here, and with the keys that they have changed, for which the file itself is asked. A database on a server
cannot be asked in microseconds, nor can its other users look for marks: there every call waits for its row.
"""

from __future__ import annotations

from typing import Self

from core.chat import UpstreamCall
from core.costs.booking import Place
from core.costs.call_journal import CallJournal, CallMark, journals_beside
from core.keys.ring import KeyRing
from core.storage import Database
from core.storage.glance import Glance

__all__ = ("CallMarks",)


class CallMarks:
    """The marks of this process's calls, and how fresh its keys are.

    Args:
        journal: where the marks are.
        ring: the keys, as this process has them.
        version: of the keys, as they are.
    """

    def __init__(self, journal: CallJournal, ring: KeyRing, version: Glance) -> None:
        self._journal = journal
        self._ring = ring
        self._version = version

    @classmethod
    def of(cls, database: Database, ring: KeyRing) -> Self | None:
        """Those beside a database's file; ``None`` where there is none."""
        from core.keys.stored import VERSION  # here, since it imports SQLAlchemy

        folder = journals_beside(database.file)
        if database.file is None or folder is None:
            return None
        return cls(CallJournal(folder, database.instance), ring, Glance(database.file, VERSION.sql))

    def has_fresh_keys(self) -> bool:
        """Whether the ring has the keys as they are; whoever asks looks at a key only after that.

        Otherwise it may be refreshed in between, by the storage worker: then it is fresh, and what was
        seen of the key is not.
        """
        return self._version.read() == self._ring.version is not None

    def mark(self, call: UpstreamCall, place: Place, output_cap: int | None) -> int | None:
        """Mark a call that is about to be sent, and name its mark; ``None`` where it needs a row instead."""
        return self._journal.mark(CallMark(call, place, output_cap))

    def ended(self, mark: int | None, call: UpstreamCall, place: Place, output_cap: int | None) -> int | None:
        """Mark how a call went that is over and not settled yet, and name the mark; ``None``: it has none."""
        final = CallMark(call, place, output_cap)
        if mark is None:
            return self._journal.mark(final)
        self._journal.renew(mark, final)
        return mark

    def erase(self, mark: int) -> None:
        """The call has its row."""
        self._journal.erase(mark)

    def close(self) -> None:
        """Close both files, before the database is closed; safe to call twice."""
        self._version.close()
        self._journal.close()
