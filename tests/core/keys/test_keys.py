"""Keys in a database: told once, replaced with grace, and refused everywhere as soon as they are revoked."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select, text, update

from core.errors import InputError, KeyRefused, StorageError
from core.identifiers import new_id
from core.keys import GatewayKey, KeyBudget, KeyScopes
from core.keys.keys import Keys
from core.keys.ring import KeyRing
from core.keys.secret import KeySecret, new_secret
from core.keys.stored import insert_key
from core.storage import Database, open_database
from core.storage.tables import gateway_key_version, gateway_keys
from tests.databases import on_postgresql

ROOT = Path(__file__).parents[3]
HOUR = timedelta(hours=1)


@pytest.fixture
async def database(location: str | Path) -> AsyncIterator[Database]:
    async with await open_database(location) as opened:
        yield opened


@pytest.fixture
def keys(database: Database) -> Keys:
    return Keys(database)


def refused(ring: KeyRing, secret: str | None, now: datetime | None = None) -> str:
    with pytest.raises(KeyRefused) as caught:
        ring.find(secret, now)
    return caught.value.code


def stored_text(connection: Connection) -> str:
    return repr(connection.execute(select(gateway_keys)).all())


async def test_a_key_is_kept_as_it_was_made_and_its_secret_is_not(keys: Keys, database: Database) -> None:
    scopes = KeyScopes(
        models=("openai/gpt-oss*", "qwen"),
        endpoints=("chat", "models"),
        budgets=(KeyBudget("day", Decimal("0.000001")), KeyBudget("total", Decimal(1_000_000))),
    )
    expires_at = datetime.now(UTC) + HOUR
    made, secret = await keys.create("  my\neditor ", scopes, expires_at)
    plain, _ = await keys.create("plain")
    assert await keys.all() == [made, plain]
    assert (made.name, made.scopes, made.expires_at) == ("my editor", scopes, expires_at)
    assert secret.startswith(made.prefix)
    text = await database.read(stored_text)
    assert made.secret.hash in text
    assert secret[len(made.prefix) :] not in text


async def test_a_ring_finds_a_key_by_its_secret_alone(keys: Keys) -> None:
    made, secret = await keys.create("editor")
    ring = await keys.ring()
    assert ring.find(secret) == made
    assert refused(ring, None) == refused(ring, "") == "missing"
    for other in (f"{secret}x", secret[:-1], made.prefix, made.id, "gsk_1", "gw_\udcff\0", secret.upper()):
        assert refused(ring, other) == "unknown"
    assert refused(KeyRing(), secret) == "unknown"


async def test_a_ring_reads_the_keys_only_when_they_have_changed(keys: Keys, database: Database) -> None:
    ring = KeyRing()
    assert await database.run(ring.refresh)
    assert not await database.run(ring.refresh)
    made, secret = await keys.create("editor")
    assert refused(ring, secret) == "unknown"
    assert await database.run(ring.refresh)
    assert ring.find(secret) == made
    assert not await database.read(ring.refresh)


async def test_a_replaced_secret_stays_good_for_its_grace(keys: Keys, database: Database) -> None:
    made, first = await keys.create("editor", KeyScopes(budgets=(KeyBudget("month", Decimal(5)),)))
    rotated, second = await keys.rotate("editor", HOUR)
    assert (rotated.id, rotated.scopes, rotated.created_at) == (made.id, made.scopes, made.created_at)
    assert rotated.previous is not None
    until = rotated.previous.until
    assert until is not None
    ring = await keys.ring()
    assert ring.find(first, until - timedelta(microseconds=1)) == ring.find(second, until) == rotated
    assert refused(ring, first, until) == "expired"

    _, third = await keys.rotate(rotated.prefix, timedelta(0))
    await database.read(ring.refresh)
    assert refused(ring, first) == refused(ring, second) == "unknown"
    assert ring.find(third).id == made.id


async def test_what_cannot_be_rotated_is_told(keys: Keys) -> None:
    made, _ = await keys.create("editor")
    for grace in (timedelta(seconds=-1), timedelta.max):
        with pytest.raises(InputError, match="grace"):
            await keys.rotate("editor", grace)
    await keys.revoke("editor")
    with pytest.raises(InputError, match="was revoked"):
        await keys.rotate("editor", HOUR)
    with pytest.raises(InputError, match="no such key"):
        await keys.rotate("nobody", HOUR)
    assert (await keys.all())[0].secret == made.secret


async def test_a_name_is_taken_for_as_long_as_its_key_may_be_used(keys: Keys, database: Database) -> None:
    one, _ = await keys.create("editor")
    for name in ("editor", "  editor\n", one.id, one.prefix):
        with pytest.raises(InputError, match="already") as caught:
            await keys.create(name)
        assert one.id in caught.value.message
        assert one.prefix in caught.value.message
    assert await keys.all() == [one]
    await keys.revoke("editor")
    two, _ = await keys.create("editor", expires_at=datetime.now(UTC) + HOUR)
    over = update(gateway_keys).where(gateway_keys.c.id == two.id).values(expires_at=two.created_at)
    await database.run(lambda connection: connection.execute(over))
    three, _ = await keys.create("editor")
    assert (await keys.rotate("editor", HOUR))[0].id == three.id  # the one that may be used is meant
    assert (await keys.revoke("editor")).id == three.id


async def test_keys_that_share_a_name_of_old_are_told_apart(keys: Keys, database: Database) -> None:
    one, _ = await keys.create("editor")
    two, secret = await keys.create("other")
    alike = update(gateway_keys).values(name="editor")
    await database.run(lambda connection: connection.execute(alike))
    with pytest.raises(InputError) as caught:
        await keys.revoke("editor")
    for key in (one, two):
        assert key.id in caught.value.message
        assert key.prefix in caught.value.message
    assert (await keys.revoke(secret)).id == two.id
    assert (await keys.revoke("editor")).id == one.id  # the only one that is left
    with pytest.raises(InputError, match="2 keys"):
        await keys.revoke("editor")


_MAKES_A_KEY = """
import asyncio, sys
from core.errors import InputError
from core.keys.keys import Keys
from core.storage import open_database
async def main():
    location, which = sys.argv[1:]
    async with await open_database(location) as database:
        keys = Keys(database)
        print("open", flush=True)
        sys.stdin.readline()
        try:
            made = await (keys.create_first("first") if which == "first" else keys.create("editor"))
        except InputError:
            made = None
        print("none" if made is None else "made")
asyncio.run(main())
"""


@pytest.mark.parametrize("which", ["first", "of a name"])
async def test_one_of_several_processes_at_once_makes_a_key(
    keys: Keys, location: str | Path, which: str
) -> None:
    command = [sys.executable, "-c", _MAKES_A_KEY, str(location), which]
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    processes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT, **pipes) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"open\n"
    said = [out for out, _ in await asyncio.gather(*(process.communicate(b"\n") for process in processes))]
    assert sorted(said) == [b"made\n", b"none\n", b"none\n", b"none\n"]
    assert len(await keys.all()) == 1


@on_postgresql
@pytest.mark.parametrize("first", [True, False])
async def test_who_makes_a_key_waits_for_another_that_is_at_it(
    keys: Keys, location: str, *, first: bool
) -> None:
    under_way, may_end = threading.Event(), threading.Event()

    def make(connection: Connection) -> None:
        secret = KeySecret.of(new_secret())
        insert_key(connection, GatewayKey(new_id(), "editor", secret, KeyScopes(), datetime.now(UTC)))
        under_way.set()
        may_end.wait()

    async with await open_database(location) as other, await open_database(location) as watcher:
        making = asyncio.wrap_future(other.submit(make))
        await asyncio.to_thread(under_way.wait)
        waits = asyncio.ensure_future(keys.create_first("first") if first else keys.create("editor"))
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not await watcher.read(lambda connection: connection.execute(waiting).scalar_one()):
            if waits.done():
                break
        may_end.set()
        await making
        if first:
            assert await waits is None
        else:
            with pytest.raises(InputError, match="already"):
                await waits
    assert len(await keys.all()) == 1


async def test_revoking_again_changes_nothing(keys: Keys, database: Database) -> None:
    made, _ = await keys.create("editor")
    once = await keys.revoke(made.id)
    ring = await keys.ring()
    assert await keys.revoke(made.id) == once
    assert not await database.read(ring.refresh)


@pytest.mark.parametrize("name", ["", " \n", "x" * 101, "a\x1b[31m", "\udcff"])
async def test_a_name_can_be_read(keys: Keys, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        await keys.create(name)
    assert await keys.all() == []


async def test_a_new_key_has_time_and_scope(keys: Keys) -> None:
    with pytest.raises(InputError, match="expired already"):
        await keys.create("editor", expires_at=datetime.now(UTC))
    with pytest.raises(InputError, match="no endpoint"):
        await keys.create("editor", KeyScopes(endpoints=("x",)))
    assert await keys.all() == []


async def test_a_key_that_another_process_revokes_is_refused_at_the_next_call(
    keys: Keys, database: Database, location: str | Path
) -> None:
    _, secret = await keys.create("editor")
    ring = await keys.ring()
    ring.find(secret)
    code = """
import asyncio, sys
from core.keys.keys import Keys
from core.storage import open_database
async def main():
    async with await open_database(sys.argv[1]) as database:
        await Keys(database).revoke("editor")
asyncio.run(main())
"""
    command = [sys.executable, "-c", code, str(location)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await process.wait() == 0

    def call(connection: Connection) -> str:
        ring.refresh(connection)
        return refused(ring, secret)

    assert await database.run(call) == "revoked"


async def test_a_key_cannot_be_deleted(keys: Keys, database: Database) -> None:
    made, _ = await keys.create("editor")
    with pytest.raises(StorageError, match="never deleted"):
        await database.run(lambda connection: connection.execute(delete(gateway_keys)))
    assert await keys.all() == [made]


@pytest.mark.parametrize("names", ["", "  ", "\x00", "nonesuch"])
async def test_a_damaged_row_allows_less_never_more(keys: Keys, database: Database, names: str) -> None:
    _, secret = await keys.create("editor", KeyScopes(models=("a",), endpoints=("chat",)))
    damage = update(gateway_keys).values(models=names, endpoints=names)
    await database.run(lambda connection: connection.execute(damage))
    scopes = (await keys.ring()).find(secret).scopes
    assert not scopes.allows_model("a")
    assert not scopes.allows_endpoint("chat")


@dataclass(frozen=True)
class Create:
    pass


@dataclass(frozen=True)
class Rotate:
    which: int
    grace: timedelta


@dataclass(frozen=True)
class Revoke:
    which: int


steps = st.lists(
    st.one_of(
        st.just(Create()),
        st.builds(Rotate, st.integers(0, 9), st.sampled_from([timedelta(0), HOUR, 2 * HOUR])),
        st.builds(Revoke, st.integers(0, 9)),
    ),
    max_size=8,
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
async def test_a_ring_takes_what_is_in_force_and_nothing_else(
    keys: Keys, database: Database, sequence: list[Any]
) -> None:
    """Held against a list of secrets and how long each is good: for ever, for hours, or not at all."""
    ring, ids = await keys.ring(), list[str]()
    hours: dict[str, tuple[str, float]] = {}
    for step in sequence:
        version = await database.read(lambda c: c.execute(select(gateway_key_version)).scalar_one())
        match step:
            case Create():
                key, secret = await keys.create(new_id())
                ids.append(key.id)
                hours[secret] = (key.id, float("inf"))
            case Rotate(which, grace) if ids:
                id_ = ids[which % len(ids)]
                current = [s for s, (of, left) in hours.items() if of == id_ and left == float("inf")]
                if not current:  # it was revoked
                    with pytest.raises(InputError):
                        await keys.rotate(id_, grace)
                    continue
                for old in [s for s, (of, _) in hours.items() if of == id_]:
                    hours[old] = (id_, grace / HOUR if old in current else 0)
                _, secret = await keys.rotate(id_, grace)
                hours[secret] = (id_, float("inf"))
            case Revoke(which) if ids:
                id_ = ids[which % len(ids)]
                await keys.revoke(id_)
                hours |= {s: (of, 0) for s, (of, _) in hours.items() if of == id_}
            case _:
                continue
        await database.read(ring.refresh)
        assert await database.read(lambda c: c.execute(select(gateway_key_version)).scalar_one()) >= version
        began = datetime.now(UTC)
        for later in (0.0, 0.5, 1.5, 2.5):
            for secret, (id_, left) in hours.items():
                if later < left:
                    assert ring.find(secret, began + later * HOUR).id == id_
                else:
                    assert refused(ring, secret, began + later * HOUR) in ("unknown", "revoked", "expired")
