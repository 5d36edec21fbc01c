"""`tensorwall costs` of calls whose times cannot be."""

from __future__ import annotations

from core.catalogue import load_catalogue
from core.chat import Usage
from core.records import open_records
from tests.app.cli.booked import Ledger, book
from tests.app.cli.conftest import Run


async def test_a_call_that_ended_before_it_began_took_no_time_that_is_known(tensorwall: Run) -> None:
    records = await open_records(Ledger().file, load_catalogue())
    session = (await records.conversations.create(title="Moved clock")).id
    book(records, session, Usage(90, 9), message="m", duration=-3.0, first_content=-4.0)
    await records.aclose()
    _head, turn, call = tensorwall("costs", "--session", session).out.splitlines()[-3:]
    for line in (turn, call):
        *_, first, time, cost = line.split()
        assert (first, time) == ("-", "-")
        assert cost.startswith("$")
