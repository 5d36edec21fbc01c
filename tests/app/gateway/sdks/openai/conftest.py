"""OpenAI's own client before the gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.app.gateway.conftest import Gateway


@pytest.fixture(scope="session")
def openai() -> Any:
    """The package; it takes most of a second to import."""
    return import_module("openai")


@pytest.fixture(scope="session")
def usual(openai: Any) -> Iterator[Any]:
    """Gives its connections to all others: each of its own would load the certificates again."""
    with openai.OpenAI(api_key="none") as client:
        yield client


@pytest.fixture
def connect(usual: Any, served: Gateway) -> Callable[..., Any]:
    """Makes clients with both keys, which ask once unless they are told otherwise."""

    def client(path: str = "/v1", **options: Any) -> Any:
        given = {
            "base_url": served.root + path,
            "api_key": served.simulator.api_key,
            "default_headers": {"X-API-Key": served.running.key},
            "max_retries": 0,
            **options,
        }
        return usual.with_options(**given)

    return client


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect()


def asynchronous(openai: Any, served: Gateway) -> Any:
    return openai.AsyncOpenAI(
        base_url=f"{served.root}/v1",
        api_key=served.simulator.api_key,
        default_headers={"X-API-Key": served.running.key},
        max_retries=0,
    )
