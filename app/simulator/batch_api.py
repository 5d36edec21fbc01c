"""``/files`` and ``/batches``: requests by the file, answered later (https://console.groq.com/docs/batch)."""

from __future__ import annotations

import time
import uuid
from typing import Any

from app.simulator.api import Call
from app.simulator.batches import Batch, StoredFile, checked_lines, uploaded, window_seconds
from app.simulator.chat import whole_answer
from app.simulator.errors import ApiError, invalid_request

__all__ = ("cancel_batch", "create_batch", "download_file", "list_batches", "show_batch", "upload_file")


async def upload_file(call: Call) -> None:
    """``POST /files``."""
    upload = uploaded(call.exchange.request_headers, call.raw)
    file = StoredFile(upload.content, upload.filename, "batch", int(time.time()))
    call.organization.files[file.id] = file
    await _give(call, file.shown())


async def download_file(call: Call) -> None:
    """``GET /files/{id}/content``."""
    name = call.exchange.scope["path_params"]["file"]
    file = call.organization.files.get(name) or _written_by_a_batch(call, name)
    if file is None:
        raise ApiError(404, f"file with ID `{name}` was not found", code="not_found")
    await call.exchange.answer(200, file.content, {"content-type": "application/octet-stream"})
    call.exchange.note("answered")


async def create_batch(call: Call) -> None:
    """``POST /batches``."""
    if call.body.get("endpoint") != "/v1/chat/completions":
        raise invalid_request("endpoint must be one of [/v1/chat/completions]")
    window = window_seconds(call.body.get("completion_window"))
    file = call.organization.files.get(str(call.body.get("input_file_id")))
    if file is None:
        raise ApiError(404, "input_file_id: the file was not found", code="not_found")
    requests, problems = checked_lines(file.content)
    organization, options = call.organization, call.options

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            request_id = f"req_{uuid.uuid4().hex[:26]}"
            return 200, whole_answer(body, organization, options, groq=call.groq, request_id=request_id)
        except ApiError as error:
            return error.status, error.body

    batch = Batch(
        input_file_id=file.id,
        completion_window=str(call.body["completion_window"]),
        requests=requests,
        problems=problems,
        seconds=options.batch_seconds,
        window=window,
        made=organization.clock(),
        created_at=int(time.time()),
        answer=answer,
        metadata=call.body.get("metadata"),
    )
    organization.batches[batch.id] = batch
    shown = batch.shown(batch.made, "validating")
    shown |= {"errors": None, "output_file_id": None, "error_file_id": None, "failed_at": None}
    await _give(call, shown)


async def list_batches(call: Call) -> None:
    """``GET /batches``: the newest first."""
    now = call.organization.clock()
    shown = [batch.shown(now) for batch in reversed(call.organization.batches.values())]
    await _give(call, {"object": "list", "data": shown})


async def show_batch(call: Call) -> None:
    """``GET /batches/{id}``."""
    await _give(call, _batch(call).shown(call.organization.clock()))


async def cancel_batch(call: Call) -> None:
    """``POST /batches/{id}/cancel``."""
    batch, now = _batch(call), call.organization.clock()
    if batch.status(now) not in {"validating", "in_progress"}:
        raise ApiError(409, f"Cannot cancel a batch with status `{batch.status(now)}`.", code="conflict")
    batch.cancel(now)
    await _give(call, batch.shown(now, "cancelling"))


def _batch(call: Call) -> Batch:
    name = call.exchange.scope["path_params"]["batch"]
    if name not in call.organization.batches:
        raise ApiError(404, f"batch with ID `{name}` was not found", code="not_found")
    return call.organization.batches[name]


def _written_by_a_batch(call: Call, name: str) -> StoredFile | None:
    now = call.organization.clock()
    written = (file for batch in call.organization.batches.values() for file in batch.files(now))
    return next((file for file in written if file is not None and file.id == name), None)


async def _give(call: Call, value: dict[str, Any]) -> None:
    await call.exchange.answer_json(value)
    call.exchange.note("answered")
