"""LiteLLM's spend logs (https://docs.litellm.ai/docs/proxy/cost_tracking): rows of ``LiteLLM_SpendLogs``.

They come as JSON (a list, JSON lines, or an object that has them in a list) or as CSV. Times without a zone
are UTC. What LiteLLM answered from its own cache is no call: nothing was sent, nothing was billed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO, Any

from core.chat import Usage
from core.costs.fields import dollars, moment, named, past_moment, whole_number
from core.costs.imports.usage_history import ImportedCall, ImportKind, SkippedRow, session_title
from core.costs.record_file import Record, RecordFile
from core.errors import InputError

__all__ = ("LiteLLMLogs",)

_LISTS = frozenset({"data", "items", "logs", "records", "results", "rows", "spend_logs"})
_NEEDED = {"request_id", "startTime", "model"}
_CHAT = frozenset(
    {
        "",
        "acompletion",
        "agenerate_content",
        "anthropic_messages",
        "aresponses",
        "atext_completion",
        "completion",
        "generate_content",
        "pass_through_endpoint",
        "responses",
        "text_completion",
    }
)
"""Types of calls that answer people."""
_FEATURES = {
    "aembedding": "embedding",
    "aimage_generation": "image_generation",
    "amoderation": "moderation",
    "arerank": "rerank",
    "aspeech": "speech",
    "atranscription": "transcription",
}
_FEATURE_LIMIT = 20
_ERROR_LIMIT = 2_000


class LiteLLMLogs:
    """A file of spend logs that is open; a ``UsageHistory``.

    Args:
        path: the file.
        now: what starts later is skipped.
        content: see ``RecordFile``.

    Raises:
        InputError: it cannot be read, or its first record is no row of spend logs.
    """

    kind: ImportKind = "litellm"

    def __init__(self, path: Path, now: datetime, content: IO[bytes] | None = None) -> None:
        self._now = now
        self._file = RecordFile(path, _LISTS, content)
        self._records = iter(self._file)
        try:
            self._first = self._recognised()
        except BaseException:
            self.close()
            raise

    def rows(self, read: int) -> int:
        """See ``UsageHistory``; by the share of the file that was read."""
        return max(read, round(read / self._file.share_read)) if read and self._file.share_read else read

    def __iter__(self) -> Iterator[ImportedCall | SkippedRow]:
        yield _call(self._first, self._now)
        for record in self._records:
            yield _call(record, self._now)

    def close(self) -> None:
        """Close it; safe to call twice."""
        self._file.close()

    def _recognised(self) -> Record:
        first = next(self._records, None)
        if first is None:
            raise InputError(f"{self._file.path} has no rows.", hint="Choose a period with calls to export.")
        missing = sorted(_NEEDED - first.fields.keys())
        if missing:
            raise InputError(
                f"{self._file.path}, {first.place}: these are no spend logs of LiteLLM: there is no "
                f"{' and no '.join(missing)}.",
                hint="Give rows of LiteLLM_SpendLogs as JSON or CSV, such as what /spend/logs answers, or "
                "the logs.db of llm.",
            )
        return first


def _call(record: Record, now: datetime) -> ImportedCall | SkippedRow:
    try:
        if record.problem:
            raise ValueError(record.problem)
        return _readable_call(record.fields, now)
    except ValueError as error:
        return SkippedRow(record.place, str(error))


def _readable_call(row: Mapping[str, Any], now: datetime) -> ImportedCall:
    """Raises ``ValueError`` with the reason why a row is skipped."""
    request_id, name = _text(row, "request_id"), _text(row, "model") or _text(row, "model_group")
    if not request_id or not name:
        raise ValueError("no request_id or no model")
    started_at = named(partial(past_moment, now=now), "startTime", row.get("startTime"))
    metadata = _object(row.get("metadata"))
    usage, spend = _usage(row, metadata), named(dollars, "spend", row.get("spend"))
    if _text(row, "cache_hit").lower() == "true" and not spend:
        raise ValueError("answered from LiteLLM's own cache")
    if usage is None and spend is None:
        raise ValueError("neither token counts nor spend")
    usage = usage or Usage()
    failed = _text(row, "status") == "failure"
    duration, first_content = _times(row, started_at)
    return ImportedCall(
        source_id=request_id,
        name=name,
        provider=_text(row, "custom_llm_provider"),
        model="",
        address=_text(row, "api_base"),
        started_at=started_at,
        usage=usage,
        # LiteLLM writes 0 where it knows no price, too.
        cost=spend or (None if usage.total_tokens else Decimal(0)),
        session=_text(row, "session_id") or None,
        title=_title(row, metadata, started_at),
        feature=_feature(_text(row, "call_type")),
        outcome="failed" if failed else "answered",
        first_content=first_content,
        duration=duration,
        error=_error(metadata) if failed else None,
        request_id=request_id,
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def _object(value: object) -> Mapping[str, Any]:
    """An object, which CSV has as JSON text; empty where it cannot be read."""
    try:
        found = json.loads(value) if isinstance(value, str) and value else value
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _usage(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> Usage | None:
    """``None`` where it counts no tokens."""
    prompt = named(whole_number, "prompt_tokens", row.get("prompt_tokens"))
    completion = named(whole_number, "completion_tokens", row.get("completion_tokens"))
    total = named(whole_number, "total_tokens", row.get("total_tokens"))
    if prompt is None and completion is None:
        return None if total is None else Usage(prompt_tokens=total)
    prompt, completion = prompt or 0, completion or 0
    reported = _object(metadata.get("usage_object")) or _object(metadata.get("additional_usage_values"))
    cached = max(
        _detail(reported, "prompt_tokens_details", "cached_tokens"),
        _detail(reported, "cache_read_input_tokens"),
    )
    reasoning = _detail(reported, "completion_tokens_details", "reasoning_tokens")
    return Usage(prompt, completion, min(cached, prompt), min(reasoning, completion))


def _detail(found: Any, *path: str) -> int:  # noqa: ANN401  # JSON
    for name in path:
        found = _object(found).get(name)
    return found if isinstance(found, int) and found > 0 else 0


def _times(row: Mapping[str, Any], started_at: datetime) -> tuple[float | None, float | None]:
    """Seconds to the end and to the first piece of the answer; ``None`` where they do not make sense.

    An answer that was not streamed has its end as the time of its first piece.
    """
    end, first = _seconds(row, "endTime", started_at), _seconds(row, "completionStartTime", started_at)
    return end, first if first is not None and end is not None and first < end else None


def _seconds(row: Mapping[str, Any], name: str, since: datetime) -> float | None:
    try:
        seconds = (moment(row.get(name)) - since).total_seconds()
    except ValueError:
        return None
    return seconds if seconds >= 0 else None


def _title(row: Mapping[str, Any], metadata: Mapping[str, Any], started_at: datetime) -> str:
    who = _text(row, "end_user") or _text(metadata, "user_api_key_alias") or _text(row, "user") or "LiteLLM"
    return session_title(f"{who[:40]}, {started_at.date().isoformat()}")


def _feature(call_type: str) -> str:
    return "chat" if call_type in _CHAT else _FEATURES.get(call_type, call_type)[:_FEATURE_LIMIT]


def _error(metadata: Mapping[str, Any]) -> str | None:
    told = _object(metadata.get("error_information"))
    return (_text(told, "error_message") or _text(told, "error_class"))[:_ERROR_LIMIT] or None
