"""Finding a session by the calls made for it, be it deleted or imported; on the storage worker."""

from __future__ import annotations

from sqlalchemy import Connection, select

from core.errors import InputError
from core.storage.tables import calls

__all__ = ("LATEST", "find_spender")

LATEST = "latest"
_AMBIGUOUS_SHOWN = 5
_HINT = "`tensorwall costs` lists the sessions that were used last."


def find_spender(connection: Connection, wanted: str) -> str:
    """The id of a session with calls.

    Args:
        connection: reads.
        wanted: its id, a beginning of it that no other shares, or ``latest`` for the one used last.

    Raises:
        InputError: no session fits, or several.
    """
    wanted = wanted.strip()
    if wanted.lower() == LATEST:
        return _latest(connection)
    begins = calls.c.session_id.startswith(wanted, autoescape=True)
    query = select(calls.c.session_id).where(begins if wanted else calls.c.session_id == "").distinct()
    found = [*connection.execute(query.limit(_AMBIGUOUS_SHOWN)).scalars()]
    if wanted in found:
        return wanted
    if not found:
        raise InputError(f"No calls are booked for a session {wanted!r}.", hint=_HINT)
    if len(found) > 1:
        raise InputError(
            f"{wanted} is the start of several ids: {', '.join(found)}.", hint="Type one letter more."
        )
    return str(found[0])


def _latest(connection: Connection) -> str:
    query = (
        select(calls.c.session_id)
        .where(calls.c.session_id.is_not(None), calls.c.session_id != "")
        .order_by(calls.c.started_at.desc())
        .limit(1)
    )
    found: str | None = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise InputError("No session has cost anything yet.", hint="`tensorwall chat` begins one.")
    return found
