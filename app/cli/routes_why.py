"""`tensorwall routes --why`: why an answer came from where it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.cli.routes_rows import delay_parts

if TYPE_CHECKING:
    from core.costs.ledger_records import CallRecord
    from core.review import TurnSpend

__all__ = ("show_why",)


async def show_why(place: str, form: str, *, demo: bool) -> int:
    """Tell it of a turn, ``SESSION`` or ``SESSION/TURN``.

    Raises:
        InputError: there is no such session or turn.
    """
    from app.cells import one_line
    from app.cli.output import emit_json, emit_line
    from app.cli.services import open_stored
    from app.why_route import call_facts, choice_facts, in_short

    wanted, _, number = place.partition("/")
    async with open_stored(demo=demo) as stored:
        review = stored.records.review
        turns = await review.turns(await review.find(wanted))
    turn = _chosen([turn for turn in turns if turn.message_id and turn.feature == "chat"], number)
    if form == "json":
        emit_json([_call(call) for call in turn.calls])
        return 0
    emit_line(one_line(turn.question) or "(question deleted)")
    emit_line(one_line(in_short(turn.calls)))
    for name, told in [*call_facts(turn.calls), *choice_facts(())]:
        emit_line(f"{name:11}{one_line(told)}")
    return 0


def _chosen(turns: list[TurnSpend], number: str) -> TurnSpend:
    """The turn of that number, from 1; the last one where none is given.

    Raises:
        InputError: there is no such turn.
    """
    from core.errors import InputError

    if not turns:
        raise InputError("The ledger has no answers of this session.")
    at = int(number) if number.isdecimal() else 0 if number else len(turns)
    if not 1 <= at <= len(turns):
        raise InputError(f"There is no turn {number}.", hint=f"The session has {len(turns)}, from 1 on.")
    return turns[at - 1]


def _call(call: CallRecord) -> dict[str, Any]:
    from core.chat.delay import delay_of

    delay = delay_of(call.first_token, call.first_content, call.queue_time, call.prompt_time)
    return {
        "role": call.role,
        "provider": call.provider,
        "model": call.model,
        "reason": call.reason,
        "outcome": call.outcome,
        "started_at": call.started_at.isoformat(),
        "first_content_s": call.first_content,
        "duration_s": call.duration,
        "delay_s": delay_parts(delay),
        "fault": delay.fault if delay else None,
        "error_type": call.error_type,
        "error": call.error,
    }
