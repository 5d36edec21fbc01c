"""A client of this test's own account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.app.simulator.chat_client import ChatClient
from tests.simulated import Simulated


@pytest.fixture
def chat(simulator: Simulated) -> Iterator[ChatClient]:
    """Asks the simulator and shows the answer as it was on the wire."""
    client = ChatClient(simulator)
    yield client
    client.http.close()
