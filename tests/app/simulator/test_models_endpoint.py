"""``GET /models``: the list, one model, and keys."""

from __future__ import annotations

import httpx
import pytest

from tests.simulated import Simulated


def get(simulator: Simulated, path: str, key: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key or simulator.api_key}"}
    return httpx.get(f"{simulator.base_url}{path}", headers=headers, trust_env=False, verify=False)


def test_lists_models_with_groqs_fields(simulator: Simulated) -> None:
    answer = get(simulator, "/models").json()

    assert answer["object"] == "list"
    listed = {model["id"]: model for model in answer["data"]}
    assert "whisper-large-v3-turbo" in listed
    assert "gemma2-9b-it" not in listed
    assert listed["openai/gpt-oss-120b"] == {
        "id": "openai/gpt-oss-120b",
        "object": "model",
        "created": 1754408224,
        "owned_by": "OpenAI",
        "active": True,
        "context_window": 131_072,
        "public_apps": None,
        "max_completion_tokens": 65_536,
    }


def test_one_model_has_a_slash_in_its_address(simulator: Simulated) -> None:
    assert get(simulator, "/models/openai/gpt-oss-20b").json()["id"] == "openai/gpt-oss-20b"


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [("gemma2-9b-it", 400, "model_decommissioned"), ("llama-3.3-70b-versatile", 404, "model_not_found")],
)
def test_retired_model_is_refused(simulator: Simulated, model: str, status: int, code: str) -> None:
    answer = get(simulator, f"/models/{model}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_further_models_and_denied_ones_are_the_accounts_own(simulator: Simulated) -> None:
    simulator.configure(models=["llama-3.3-70b-versatile"], denied_models=["openai/gpt-oss-20b"])

    ids = [model["id"] for model in get(simulator, "/models").json()["data"]]

    assert "llama-3.3-70b-versatile" in ids
    assert "openai/gpt-oss-20b" not in ids
    assert get(simulator, "/models/openai/gpt-oss-20b").status_code == 404


def test_unknown_key_is_401(simulator: Simulated) -> None:
    answer = get(simulator, "/models", key="gsk_wrong")

    assert answer.status_code == 401
    assert answer.json() == {
        "error": {"message": "Invalid API Key", "type": "invalid_request_error", "code": "invalid_api_key"}
    }


def test_the_demo_key_works_out_of_the_box(simulator: Simulated) -> None:
    assert get(simulator, "/models", key="gsk_demo").status_code == 200


def test_unknown_address_is_said_in_groqs_shape(simulator: Simulated) -> None:
    answer = get(simulator, "/embeddings")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")
