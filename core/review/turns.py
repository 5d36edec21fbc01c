"""A session turn by turn, and each turn call by call; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from core.costs.ledger import calls_of
from core.costs.ledger_records import IMPORTED_FROM, CallRecord, Totals
from core.costs.voice_turns import receipts_by_message
from core.safe_text import safe_text
from core.storage.tables import messages
from core.voice.receipt import Receipt

__all__ = ("TurnSpend", "session_turns", "totals_of_calls")

_QUESTION = 200
"""Characters of a question that are told."""
_SHOWN_CALLS = 5_000
"""The most calls of a session that are told turn by turn; its totals count all."""


@dataclass(frozen=True, slots=True)
class TurnSpend:
    """What one answer took, or what else was called for a session.

    Attributes:
        message_id: the answer; ``None`` for calls that belong to none.
        feature: ``chat`` for an answer, else what it was for: ``title``, ``speculation``, ``speech`` ...
        question: its beginning; empty where it is gone, or there was none.
        calls: in the order they started, running ones included.
        totals: the sums of the calls that have ended.
        receipt: what its parts took, where it was spoken.
    """

    message_id: str | None
    feature: str
    question: str
    started_at: datetime
    calls: tuple[CallRecord, ...]
    totals: Totals
    receipt: Receipt | None = None

    @property
    def is_imported(self) -> bool:
        """Whether another program made its calls, and kept what was asked."""
        return self.calls[0].reason.startswith(IMPORTED_FROM)

    @property
    def duration(self) -> float | None:
        """Seconds from the start of the first call to the end of the last; ``None`` while one runs."""
        if any(call.duration is None for call in self.calls):
            return None
        return max(
            (call.started_at - self.started_at).total_seconds() + (call.duration or 0) for call in self.calls
        )


def session_turns(
    connection: Connection, session_id: str, limit: int | None = _SHOWN_CALLS
) -> list[TurnSpend]:
    """The turns and other calls of a session, in the order they started; of the latest ``limit`` calls."""
    by_turn: dict[tuple[str, str], list[CallRecord]] = {}
    for call in calls_of(connection, session_id, limit=limit):
        key = ("answer", call.message_id) if call.message_id else ("call", call.call_id)
        by_turn.setdefault(key, []).append(call)
    questions = _questions(connection, session_id)
    receipts = receipts_by_message(connection, session_id)
    return [_turn(members, questions, receipts) for members in by_turn.values()]


def totals_of_calls(records: Iterable[CallRecord]) -> Totals:
    """The sums of calls, as the database has them: running ones do not count."""
    ended = [call for call in records if call.outcome != "running"]
    known = [call for call in ended if call.cost is not None]
    timed = [call for call in ended if call.completion_tokens and (_generation(call) or 0) > 0]
    return Totals(
        calls=len(ended),
        turns=sum(call.feature == "chat" and call.role == "first" for call in ended),
        prompt_tokens=sum(call.prompt_tokens for call in ended),
        completion_tokens=sum(call.completion_tokens for call in ended),
        cached_tokens=sum(call.cached_tokens for call in ended),
        reasoning_tokens=sum(call.reasoning_tokens for call in ended),
        cost=_sum(call.cost for call in known),
        estimated_cost=_sum(call.cost for call in known if call.estimated),
        unknown_price_calls=len(ended) - len(known),
        estimated_calls=sum(call.estimated for call in ended),
        cache_saving=_sum(call.cache_saving for call in ended),
        timed_tokens=sum(call.completion_tokens for call in timed),
        generation_seconds=sum(_generation(call) or 0.0 for call in timed),
        audio_seconds=sum(call.audio_seconds or 0.0 for call in ended),
        characters=sum(call.characters or 0 for call in ended),
    )


def _turn(
    members: Sequence[CallRecord], questions: dict[str, str], receipts: dict[str, Receipt]
) -> TurnSpend:
    message_id = members[0].message_id
    return TurnSpend(
        message_id=message_id,
        feature=members[0].feature,
        question=questions.get(message_id or "", ""),
        started_at=members[0].started_at,
        calls=tuple(members),
        totals=totals_of_calls(members),
        receipt=receipts.get(message_id or ""),
    )


def _questions(connection: Connection, session_id: str) -> dict[str, str]:
    """The beginnings of the questions, by the answers to them."""
    question = messages.alias()
    query = (
        select(messages.c.id, question.c.text)
        .join(question, question.c.id == messages.c.parent_id)
        .where(messages.c.session_id == session_id, messages.c.role == "assistant")
    )
    return {answer: _one_line(text) for answer, text in connection.execute(query)}


def _one_line(text: str) -> str:
    return " ".join(safe_text(text[: 2 * _QUESTION]).split())[:_QUESTION]


def _generation(call: CallRecord) -> float | None:
    if call.completion_time is not None:
        return call.completion_time
    return None if call.duration is None else call.duration - (call.first_token or 0.0)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))
