"""Files and batches as a client meets them on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.simulated import Simulated


def line(custom_id: str, **fields: Any) -> dict[str, Any]:
    body = {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "Hi"}], **fields}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def lines(*entries: dict[str, Any] | str) -> bytes:
    return "".join(
        f"{entry if isinstance(entry, str) else json.dumps(entry)}\n" for entry in entries
    ).encode()


class Client:
    def __init__(self, simulator: Simulated) -> None:
        self.http = httpx.Client(
            base_url=simulator.base_url,
            headers={"Authorization": f"Bearer {simulator.api_key}"},
            trust_env=False,
            verify=False,
        )

    def upload(self, content: bytes, name: str = "in.jsonl", purpose: str = "batch") -> httpx.Response:
        return self.http.post("/files", data={"purpose": purpose}, files={"file": (name, content)})

    def create(self, file_id: str, **changes: Any) -> httpx.Response:
        wanted = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        return self.http.post("/batches", json=wanted | changes)

    def submit(self, *entries: dict[str, Any] | str, **changes: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.create(self.upload(lines(*entries)).json()["id"], **changes).json()
        assert made["status"] == "validating"
        return made

    def batch(self, batch_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/batches/{batch_id}").json()
        return found

    def file(self, file_id: str | None) -> dict[str, Any]:
        content = self.http.get(f"/files/{file_id}/content").text
        return {row["custom_id"]: row for row in map(json.loads, content.splitlines())}


@pytest.fixture
def client(simulator: Simulated) -> Iterator[Client]:
    client = Client(simulator)
    yield client
    client.http.close()


def test_answers_and_errors_come_in_files_of_their_own(client: Client, simulator: Simulated) -> None:
    simulator.configure(text="Well met.", reasoning="")
    made = client.submit(line("a"), line("b", temperature=9), line("c"), metadata={"of": "ours"})
    found = client.batch(made["id"])
    assert (found["status"], found["metadata"]) == ("completed", {"of": "ours"})
    assert found["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    answers, errors = client.file(found["output_file_id"]), client.file(found["error_file_id"])
    assert answers.keys() == {"a", "c"}
    assert answers["a"]["response"]["body"]["choices"][0]["message"]["content"] == "Well met."
    assert answers["a"]["response"]["status_code"] == 200
    assert errors["b"]["response"]["status_code"] == 400
    assert "temperature" in errors["b"]["response"]["body"]["error"]["message"]
    assert client.http.get("/batches").json()["data"][0]["id"] == made["id"]


def test_it_takes_its_time_and_can_be_cancelled(client: Client, simulator: Simulated) -> None:
    simulator.configure(batch_seconds=1_000)
    made = client.submit(*(line(f"n{n}") for n in range(10)))
    simulator.advance(350)
    found = client.batch(made["id"])
    assert (found["status"], found["request_counts"]["completed"]) == ("in_progress", 3)
    assert found["output_file_id"] is None
    stopping = client.http.post(f"/batches/{made['id']}/cancel").json()
    assert stopping["status"] == "cancelling"
    found = client.batch(made["id"])
    assert found["status"] == "cancelled"
    assert client.file(found["output_file_id"]).keys() == {"n0", "n1", "n2"}
    assert found["error_file_id"] is None
    assert client.http.post(f"/batches/{made['id']}/cancel").status_code == 409


def test_what_is_not_done_within_its_window_expires(client: Client, simulator: Simulated) -> None:
    simulator.configure(batch_seconds=2 * 86_400)
    made = client.submit(line("a"), line("b"))
    simulator.advance(86_500)
    found = client.batch(made["id"])
    assert found["status"] == "expired"
    assert client.file(found["output_file_id"]).keys() == {"a"}
    (late,) = client.file(found["error_file_id"]).values()
    assert (late["response"], late["error"]["code"]) == (None, "batch_expired")


def test_a_file_that_cannot_be_run_fails_the_batch_and_says_where(client: Client) -> None:
    made = client.submit(line("a"), "{", line("a"), line("b") | {"url": "/v1/embeddings"}, {"custom_id": "c"})
    found = client.batch(made["id"])
    assert (found["status"], found["output_file_id"]) == ("failed", None)
    assert [(row["line"], row["code"]) for row in found["errors"]["data"]] == [
        (2, "invalid_json_line"),
        (3, "duplicate_custom_id"),
        (4, "url_mismatch"),
        (5, "missing_required_parameter"),
    ]
    empty = client.submit("")
    assert [row["code"] for row in client.batch(empty["id"])["errors"]["data"]] == ["invalid_json_line"]


def test_what_is_refused(client: Client, simulator: Simulated) -> None:
    assert client.upload(b"{}", name="in.txt").status_code == 400
    assert client.upload(b"{}", purpose="fine-tune").status_code == 400
    assert client.create("file_none").status_code == 404
    file_id = client.upload(lines(line("a"))).json()["id"]
    assert client.create(file_id, completion_window="1h").status_code == 400
    assert client.create(file_id, endpoint="/v1/embeddings").status_code == 400
    assert client.create(file_id, completion_window="7d").status_code == 200
    assert client.http.get("/batches/batch_none").status_code == 404
    assert client.http.get("/files/file_none/content").status_code == 404
    simulator.fail("forbidden", path="batches", code="not_available_for_plan")
    refused = client.create(file_id)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_available_for_plan")
