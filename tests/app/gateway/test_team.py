"""Several gateways on one PostgreSQL database, as a team runs them: one set of keys, budgets and sums."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.app.gateway.conftest import HELLO, MODEL
from tests.gateway_process import RunningGateway, gateway_process
from tests.postgres_server import PostgresServer
from tests.simulated import Simulated

OF_ALL = Decimal("0.04")
OF_KEY = Decimal("0.01")
_SETTINGS = f"[budgets.month]\nhard = {OF_ALL}\n"


class Team:
    """Gateways of one database."""

    def __init__(self, database: str, home: Path, gateways: list[RunningGateway]) -> None:
        self.gateways = gateways
        self._database = database
        self._home = home

    def keys(self, *arguments: str) -> str:
        """What ``tensorwall keys`` prints."""
        environment = {
            **os.environ,
            "TENSORWALL_HOME": str(self._home),
            "TENSORWALL_DATABASE_URL": self._database,
        }
        ran = subprocess.run(
            [sys.executable, "-m", "app.cli", "keys", *arguments],
            cwd=Path(__file__).parents[3], env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return ran.stdout.strip()

    def booked(self, **where: str) -> list[dict[str, Any]]:
        """Rows of the ledger, once none of them runs."""
        query = "SELECT to_jsonb(calls) FROM calls WHERE to_jsonb(calls) @> %s"
        with psycopg.connect(self._database, autocommit=True) as connection:
            while True:
                rows = [row for (row,) in connection.execute(query, [json.dumps(where)])]
                if all(row["outcome"] != "running" for row in rows):
                    return rows


@pytest.fixture
def team(postgres_server: PostgresServer, simulator: Simulated, tmp_path: Path) -> Iterator[Team]:
    with postgres_server.database() as url, ExitStack() as stack:
        gateways: list[RunningGateway] = []
        for name, options in (("one", ("--workers", "2")), ("two", ())):
            key = gateways[0].key if gateways else ""
            gateways.append(
                stack.enter_context(
                    gateway_process(
                        tmp_path / name,
                        simulator.base_url,
                        *options,
                        settings=_SETTINGS,
                        database=url,
                        key=key,
                    )
                )
            )
        yield Team(url, tmp_path / "one", gateways)


def ask(
    client: httpx.AsyncClient, gateway: RunningGateway, key: str, simulator: Simulated, feature: str
) -> Any:
    return client.post(
        f"{gateway.root}/v1/chat/completions",
        json={"model": MODEL, "messages": HELLO, "max_completion_tokens": 2_000},
        headers={"X-API-Key": key, "Authorization": f"Bearer {simulator.api_key}", "X-Feature": feature},
    )


async def test_keys_and_budgets_hold_across_all_of_them(team: Team, simulator: Simulated) -> None:
    simulator.configure(content="markdown", tokens=900, reasoning="", first_token_ms=100)
    limited = team.keys("create", "limited", "--budget", f"{OF_KEY}/month", "--quiet")
    free = team.keys("create", "free", "--quiet")
    limits = httpx.Limits(max_keepalive_connections=0, max_connections=None)
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=60, limits=limits) as client:

        async def all_at_once(key: str, feature: str) -> list[httpx.Response]:
            questions = (
                ask(client, team.gateways[number % 2], key, simulator, feature) for number in range(100)
            )
            answers: list[httpx.Response] = await asyncio.gather(*questions)
            return answers

        by_key = await all_at_once(limited, "of-key")
        together = await all_at_once(free, "of-all")
        team.keys("revoke", "free")
        refused = [await ask(client, gateway, free, simulator, "late") for gateway in team.gateways]
    for answers in (by_key, together):
        assert {answer.status_code for answer in answers} == {200, 429}
        codes = {answer.json()["error"]["code"] for answer in answers if answer.status_code == 429}
        assert codes == {"insufficient_quota"}
    of_key, of_all = team.booked(feature="of-key"), team.booked()
    spent_by_key = Decimal(sum(row["cost"] for row in of_key)).scaleb(-12)
    spent = Decimal(sum(row["cost"] for row in of_all)).scaleb(-12)
    assert OF_KEY / 4 < spent_by_key <= OF_KEY
    assert OF_ALL / 4 < spent <= OF_ALL
    good = sum(answer.status_code == 200 for answer in (*by_key, *together))
    assert good == len(of_all) == len(simulator.questions())
    assert {row["outcome"] for row in of_all} == {"answered"}
    assert {answer.status_code for answer in refused} == {401}
    assert {answer.json()["error"]["code"] for answer in refused} == {"revoked_api_key"}
