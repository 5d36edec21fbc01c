"""Calls whose TensorWall died while they ran; these functions run on the storage worker.

Some have no row yet but a mark (`core.costs.call_journal`), of which a row is made first. Where that tells
how the call went, it is booked so: it was over, and only its row had to wait.

What they used is an estimate. The text of an answer is stored as it arrives, and tells. That of anything else
(a title, a question asked early) is stored nowhere: it may have used all that was set aside for it, so that
is booked, lest a hard limit is exceeded; where nothing was set aside, its prompt alone is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from core.chat import UpstreamCall, Usage
from core.costs.booked_usage import booked_usage
from core.costs.booking import Priced, call_values, ended_values, final_values, money_values, priced
from core.costs.call_journal import CallMark
from core.costs.ledger_lock import lock_ledger
from core.costs.ledger_records import CallRecord
from core.costs.price_rows import keep_price
from core.costs.tokens import at_most, tokens_of_length
from core.costs.worst_case import PricedModels, worst_case_of
from core.storage.tables import calls, messages

__all__ = ("LostCall", "adopt", "left_behind", "lost_calls", "mark_crashed")

log = logging.getLogger("tensorwall.ledger")

_RECORD = tuple(calls.c[field.name] for field in fields(CallRecord))


@dataclass(frozen=True, slots=True)
class LostCall:
    """A call of which a mark was left.

    Attributes:
        mark: what was left.
        row: its columns while it ran.
        ended: how it went, where it was over.
    """

    mark: CallMark
    row: dict[str, Any]
    ended: Priced[UpstreamCall] | None


def lost_calls(models: PricedModels, left: Mapping[str, Sequence[CallMark]]) -> list[LostCall]:
    """The calls of marks, by the instance that left them; outside of a transaction."""
    return [_lost(models, mark, writer) for writer, marks in left.items() for mark in marks]


def _lost(models: PricedModels, mark: CallMark, writer: str) -> LostCall:
    call = mark.call
    worst = worst_case_of(models, call, at_most(call.prompt_tokens_estimate), mark.output_cap)
    row = {**mark.place, **call_values(call), "writer": writer, "reserved": worst.cost()}
    ended = None if call.outcome == "running" else priced(models, call, booked_usage(call))
    return LostCall(mark, row, ended)


def adopt(connection: Connection, lost: Future[list[LostCall]]) -> None:
    """Make or settle the rows of `lost_calls`, unless that is done: a mark may have outlived its use."""
    lock_ledger(connection)
    for call in lost.result():
        its_row = calls.c.call_id == call.mark.call.call_id
        outcome = connection.execute(select(calls.c.outcome).where(its_row)).scalar()
        if outcome not in {None, "running"}:
            continue
        if call.ended is not None and _is_settled(connection, call.mark, call.ended, outcome is not None):
            continue
        if outcome is None:
            connection.execute(insert(calls), call.row)


def _is_settled(connection: Connection, mark: CallMark, ended: Priced[UpstreamCall], has_row: bool) -> bool:
    """Book how it went; ``False`` where the database does not take that, such as a number that is too large.

    Such a call counts as crashed: it keeps nobody from opening the database.
    """
    its_row = calls.c.call_id == mark.call.call_id
    try:
        with connection.begin_nested():
            if has_row:
                values = ended_values(ended.call, ended.usage, ended.price)
                connection.execute(update(calls).where(its_row).values(**values))
            else:
                connection.execute(insert(calls), final_values(ended, mark.place))
            if ended.price is not None:
                keep_price(connection, ended.call.provider, ended.call.model, ended.price)
    except (SQLAlchemyError, OverflowError) as error:
        log.error("The call %s cannot be settled: %s", mark.call.call_id, error)
        return False
    return True


def left_behind(connection: Connection, is_alive: Callable[[str], bool]) -> list[tuple[CallRecord, Usage]]:
    """Calls of dead writers, and of none, with an estimate of what they used.

    Of several calls for one answer the last one wrote the text that was kept.
    """
    running = calls.c.outcome == "running"
    writers = connection.execute(select(calls.c.writer).where(running).distinct()).scalars()
    dead = [writer for writer in writers if writer is not None and not is_alive(writer)]
    theirs = calls.c.writer.in_(dead) | calls.c.writer.is_(None)
    query = select(*_RECORD).where(running, theirs).order_by(calls.c.started_at)
    left = [CallRecord(*row) for row in connection.execute(query)]
    last = {call.message_id: call.call_id for call in left}
    kept = select(messages.c.id, func.length(messages.c.text), func.length(messages.c.reasoning)).where(
        messages.c.id.in_([message_id for message_id in last if message_id])
    )
    characters = {row[0]: row[1] + (row[2] or 0) for row in connection.execute(kept)}
    return [
        (
            call,
            Usage(
                prompt_tokens=call.prompt_tokens,
                completion_tokens=tokens_of_length(characters.get(call.message_id, 0))
                if last[call.message_id] == call.call_id
                else 0,
                estimated=True,
            ),
        )
        for call in left
    ]


def mark_crashed(connection: Connection, ended: Future[list[Priced[CallRecord]]]) -> int:
    """Settle what another TensorWall has not settled in the meantime; how many."""
    marked = 0
    lock_ledger(connection)
    for lost in ended.result():
        running = (calls.c.call_id == lost.call.call_id) & (calls.c.outcome == "running")
        values = {
            "outcome": "crashed",
            "writer": None,
            "completion_tokens": lost.usage.completion_tokens,
            **money_values(lost.usage, lost.price),
        }
        if not _has_tokens(lost.call) or (not _text_is_kept(lost.call) and lost.call.reserved is not None):
            values["cost"] = lost.call.reserved
        marked += connection.execute(update(calls).where(running).values(**values)).rowcount
        if lost.price is not None:
            keep_price(connection, lost.call.provider, lost.call.model, lost.price)
    return marked


def _text_is_kept(call: CallRecord) -> bool:
    """That of a conversation is; whoever calls a gateway may say ``chat`` as well, and has none."""
    return call.feature == "chat" and call.key_id is None


def _has_tokens(call: CallRecord) -> bool:
    """Speech is priced by its length."""
    return not call.audio_seconds and not call.characters
