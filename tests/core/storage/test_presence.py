"""Whether another instance lives, told by the operating system or by the server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.storage import Database, open_database
from core.storage.presence import FilePresence, Presence
from tests.databases import on_sqlite

_OTHER = """
import asyncio, sys
from core.storage import open_database
async def main():
    database = await open_database(sys.argv[1])
    print(database.instance, flush=True)
    sys.stdin.readline()
asyncio.run(main())
"""


async def lives(database: Database, instance: str) -> bool:
    return await database.read(lambda _: database.is_alive(instance))


async def test_an_instance_lives_until_its_process_is_killed(
    database: Database, location: str | Path, start_python
) -> None:
    other = start_python(_OTHER, location)
    identifier = other.stdout.readline().strip()
    assert await lives(database, identifier)
    other.kill()
    other.wait()
    while await lives(database, identifier):  # a server hears of it a moment later
        pass


async def test_two_instances_in_one_process_see_each_other(database: Database, location: str | Path) -> None:
    second = await open_database(location)
    assert await lives(database, second.instance)
    assert await lives(second, database.instance)
    assert await lives(database, second.instance)  # to ask changed nothing
    await second.aclose()
    assert not await lives(database, second.instance)
    assert await lives(database, database.instance)


@on_sqlite
async def test_an_instance_leaves_nothing_but_its_own_lock_behind(
    database: Database, location: Path, start_python
) -> None:
    folder = location.with_name(f"{location.name}-open")
    other = start_python(_OTHER, location)
    identifier = other.stdout.readline().strip()
    assert {file.name for file in folder.iterdir()} == {database.instance, identifier}
    other.kill()
    other.wait()
    assert not await lives(database, identifier)
    assert [file.name for file in folder.iterdir()] == [database.instance]
    await database.aclose()
    assert not folder.exists()


def test_what_the_dead_left_is_cleared_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "deadbeefdead").touch()
    presence = FilePresence(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [presence.id]
    presence.release()
    presence.release()


def test_in_memory_everyone_counts_as_alive() -> None:
    assert Presence().is_alive("somebody")


def test_those_who_come_and_go_at_once_are_not_in_each_others_way(tmp_path: Path) -> None:
    """Whoever leaves last removes the folder, perhaps just when another has found it."""

    def come_and_go(_: int) -> None:
        for _ in range(200):
            presence = FilePresence(tmp_path / "open")
            assert (tmp_path / "open" / presence.id).exists()
            presence.release()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(come_and_go, range(4)))
    assert not (tmp_path / "open").exists()


@on_sqlite
async def test_a_database_is_the_same_by_whatever_name_it_is_opened(location: Path) -> None:
    link = location.with_name("by-another-name.db")
    one = await open_database(location)
    link.symlink_to(location)
    other = await open_database(link)
    assert await other.read(lambda _: other.is_alive(one.instance))
    assert (other.file, other.place) == (one.file, str(link))
    await other.aclose()
    await one.aclose()
