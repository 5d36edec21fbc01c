"""Anything that may happen to the ledger, in any order, as hypothesis makes it up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update

from core.chat import UpstreamCall, Usage
from core.records import Records
from core.storage.tables import calls

__all__ = (
    "NOW",
    "Book",
    "Crash",
    "Delete",
    "Step",
    "Update",
    "Write",
    "examples",
    "moments",
    "play",
    "rows",
    "steps",
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEAD = "deadbeefdead"
"""The instance of a TensorWall that is gone."""

examples = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""How a test is run with them: in a database, which takes its time."""


@dataclass(frozen=True)
class Book:
    """A call is started, and perhaps it ends: the way of the router."""

    call: UpstreamCall
    session_id: str | None
    message_id: str | None
    feature: str
    ends: bool


@dataclass(frozen=True)
class Write:
    """A row as another program or an older one may have left it."""

    row: dict[str, Any]


@dataclass(frozen=True)
class Update:
    """Some row is written anew."""

    which: int
    row: dict[str, Any]


@dataclass(frozen=True)
class Delete:
    """Some row goes."""

    which: int


@dataclass(frozen=True)
class Crash:
    """Whoever runs calls dies, and the next to come settles them."""


Step = Book | Write | Update | Delete | Crash

moments = st.one_of(
    st.integers(-90 * 24 * 60, 90 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    st.integers(-10, 10).map(lambda quarters: NOW + timedelta(minutes=15 * quarters)),
    st.sampled_from([
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(2100, 3, 1, 0, 0, 0, 1, UTC),
    ]),
)  # fmt: skip
_sessions = st.sampled_from([None, "s1", "s2", "s3"])
_keys = st.sampled_from([None, None, "k1", "k2"])
_messages = st.sampled_from([None, "m1", "m2"])
_features = st.sampled_from(["chat", "title", "speculation", "transcription", "speech"])
_roles = st.sampled_from(["first", "retry", "fallback", "hedge", "rescue"])
_ends = st.sampled_from(["answered", "failed", "cancelled", "interrupted"])
_others = st.sampled_from(["running", "crashed"])
_names = {
    "provider": st.sampled_from(["groq", "openai"]),
    "model": st.sampled_from(["openai/gpt-oss-20b", "openai/gpt-oss-120b", "gpt-5.4-mini", "100%_new"]),
    "route": st.sampled_from(["fast", "Smart"]),
}
_tokens = st.integers(0, 10**6)
_seconds = st.none() | st.floats(0, 600, allow_subnormal=False)
_money = st.none() | st.decimals(0, 1_000, places=12)
_usages = st.none() | st.builds(Usage, _tokens, _tokens, _tokens, _tokens, completion_time=_seconds)

rows = st.fixed_dictionaries(
    {
        "session_id": _sessions, "message_id": _messages, "feature": _features, "role": _roles, **_names,
        "reason": st.just("first"), "started_at": moments, "outcome": _ends | _others,
        "prompt_tokens": _tokens | st.just(0), "completion_tokens": _tokens | st.just(0),
        "cached_tokens": st.just(0) | _tokens, "reasoning_tokens": _tokens, "estimated": st.booleans(),
        "cost": _money, "cache_saving": _money, "first_token": _seconds, "first_content": _seconds,
        "duration": _seconds, "completion_time": _seconds, "audio_seconds": _seconds,
        "characters": st.none() | _tokens, "key_id": _keys,
    }
)  # fmt: skip
_calls = st.builds(
    UpstreamCall, **_names, call_id=st.uuids().map(str), reason=st.just("first"), role=_roles,
    started_at=moments, outcome=_ends, usage=_usages, duration=_seconds, first_token=_seconds,
    first_content=_seconds, prompt_tokens_estimate=_tokens, output_characters=_tokens,
)  # fmt: skip
_which = st.integers(0, 100)
steps = st.lists(
    st.one_of(
        st.builds(Book, _calls, _sessions, _messages, _features, st.booleans()),
        st.builds(Write, rows),
        st.builds(Update, _which, rows),
        st.builds(Delete, _which),
        st.just(Crash()),
    ),
    max_size=25,
)


async def play(records: Records, sequence: list[Step]) -> None:
    """Empty the ledger and let all of this happen."""
    await records.database.run(lambda connection: connection.execute(delete(calls)))
    for number, step in enumerate(sequence):
        match step:
            case Book():
                _book(records, step)
            case Crash():
                await records.database.run(_bereave)
                await records.ledger.recover()
            case _:
                await records.database.run(_change, number, step)


def _book(records: Records, step: Book) -> None:
    call = step.call
    observer = records.ledger.observer(step.session_id, step.message_id, step.feature)
    observer.call_started(call)
    if step.ends:
        observer.call_ended(call)


def _bereave(connection: Connection) -> None:
    connection.execute(update(calls).where(calls.c.outcome == "running").values(writer=DEAD))


def _change(connection: Connection, number: int, step: Write | Update | Delete) -> None:
    if isinstance(step, Write):
        connection.execute(insert(calls), {"call_id": f"written {number}", **step.row})
        return
    ids = connection.execute(select(calls.c.call_id).order_by(calls.c.call_id)).scalars().all()
    if not ids:
        return
    chosen = calls.c.call_id == ids[step.which % len(ids)]
    if isinstance(step, Update):
        connection.execute(update(calls).where(chosen).values(step.row))
    else:
        connection.execute(delete(calls).where(chosen))
